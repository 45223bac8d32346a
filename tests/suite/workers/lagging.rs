//! Workers whose node of the cluster lags. They get events before their node has them, and must
//! neither lose work nor refuse it. A process that is connected to another node writes the events.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use futures_util::future::join_all;
use laureate::commands::Commands;
use laureate::domain::accounts::notice::NoticeAbout;
use laureate::domain::certification::batch::BatchEvent;
use laureate::domain::certification::issuance::{
    CertificateGenerated, CertificateRevoked, Issuance, IssuanceCommand, WhyRevoked,
};
use laureate::domain::certification::mail::{
    EmailFailed, EmailQueued, Mail, MailCommand, MailDelivery, OnUnknown, Stage,
};
use laureate::domain::{IssuanceId, MailId};
use laureate::event_log::EventLog;
use laureate::storage::ObjectKey;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::fixture::Plant;
use super::issuing::{queued_mail, request};
use super::mailing::{address, caught, run_mailer, until_stage};
use super::notices::{notifier, queued_by};
use super::withdrawing::{batch, defined, people, processes};
use crate::log::fixture::{Log, commands, person};
use crate::log::nodes::Nodes;
use crate::support::until;

/// Delay of the replication. It is longer than the first timeout of a request to the leader.
const DELAY: Duration = Duration::from_millis(700);
const PDF: &[u8] = b"%PDF-1.7 of this test";

/// Cluster with a node that lags, workers on that node, and a writer on the leader.
struct Lagging {
    /// Runs until the end of the test.
    _nodes: Nodes,
    plant: Plant,
    writer: Commands,
    fast: EventLog,
}

impl Lagging {
    async fn start() -> Self {
        let nodes = Nodes::start_slowable().await;
        let any = nodes.process(0).await;
        any.provision(3).await.unwrap();
        let leader = nodes.leader(&any).await;
        let slow = (leader + 1) % 3;
        let fast = nodes.process_on(leader).await;
        let plant = Plant::on(Log::of(nodes.process_on(slow).await));
        let key = ObjectKey::parse("certificates/a.pdf").unwrap();
        plant
            .storage
            .put(&key, Bytes::from_static(PDF))
            .await
            .unwrap();
        nodes.level(&fast).await;
        nodes.slow(slow, DELAY);
        Self {
            plant,
            writer: commands(&fast),
            fast,
            _nodes: nodes,
        }
    }

    /// Queues a mail that is held until it is released.
    async fn held_mail(&self, issuance_id: IssuanceId, to: &str) -> MailId {
        self.queued(issuance_id, to, MailDelivery::Held).await
    }

    /// Queues a mail and records that it failed. Call it before the mailer runs.
    async fn failed_mail(&self, issuance_id: IssuanceId, to: &str) -> MailId {
        let id = self.queued(issuance_id, to, MailDelivery::Immediate).await;
        let failure = EmailFailed {
            attempt: 1,
            permanent: true,
            retry_at: None,
            unanswered: false,
            answer: "550 no such user".to_owned().into(),
        };
        self.mail(id, MailCommand::RecordFailure(failure)).await;
        id
    }

    async fn queued(&self, issuance_id: IssuanceId, to: &str, delivery: MailDelivery) -> MailId {
        let id = MailId(Uuid::new_v4());
        let mail = EmailQueued {
            issuance_id,
            sha256: HEXLOWER.encode(&Sha256::digest(PDF)),
            delivery,
            ..queued_mail(to, OnUnknown::Park)
        };
        self.mail(id, MailCommand::Queue(Box::new(mail))).await;
        id
    }

    async fn mail(&self, id: MailId, command: MailCommand) {
        self.writer
            .execute::<Mail>(&person(), id, command)
            .await
            .unwrap();
    }

    async fn issuance(&self, id: IssuanceId, command: IssuanceCommand) {
        self.writer
            .execute::<Issuance>(&person(), id, command)
            .await
            .unwrap();
    }

    /// Requests an issuance and records its PDF.
    async fn generated(&self) -> IssuanceId {
        let id = IssuanceId(Uuid::new_v4());
        let request = request("Ada", "ada@example.com");
        let pdf = CertificateGenerated {
            certificate_id: request.certificate_id,
            public_id: request.public_id.clone(),
            object_key: "certificates/a.pdf".to_owned(),
            sha256: HEXLOWER.encode(&Sha256::digest(PDF)),
            size: PDF.len() as u64,
        };
        self.issuance(id, IssuanceCommand::Request(Box::new(request)))
            .await;
        self.issuance(id, IssuanceCommand::RecordGenerated(pdf))
            .await;
        id
    }

    /// Waits until each of the mails is sent or can't be sent any more.
    async fn until_sent(&self, mails: &[MailId]) {
        join_all(
            mails
                .iter()
                .map(|id| until_stage(&self.plant, *id, Stage::Sent)),
        )
        .await;
    }
}

/// Released and retried mails are sent.
async fn mails_are_not_lost(on: &Lagging, to: &str, failed: &[MailId]) {
    let nothing = IssuanceId(Uuid::new_v4());
    let held = join_all((0..2).map(|_| on.held_mail(nothing, to))).await;
    join_all(held.iter().map(|id| on.mail(*id, MailCommand::Release))).await;
    join_all(failed.iter().map(|id| on.mail(*id, MailCommand::Retry))).await;
    on.until_sent(&held).await;
    on.until_sent(failed).await;
    assert_eq!(caught(to).len(), held.len() + failed.len());
}

/// The mail of a certificate that was just revoked is not sent.
async fn revoked_certificate_is_not_mailed(on: &Lagging) {
    let to = address(&on.plant, "revoked.");
    let issuance = on.generated().await;
    let id = on.held_mail(issuance, &to).await;
    let why = CertificateRevoked {
        reason: WhyRevoked::WrongPerson,
        note: None,
        batch_id: None,
    };
    on.issuance(issuance, IssuanceCommand::Revoke(why)).await;
    on.mail(id, MailCommand::Release).await;
    until_stage(&on.plant, id, Stage::Cancelled).await;
    assert!(caught(&to).is_empty());
}

/// A PDF that was just recorded leads to a mail.
async fn generated_certificate_is_mailed(on: &Lagging) {
    let issuance = on.generated().await;
    until_stage(&on.plant, MailId::first_of(issuance), Stage::Sent).await;
}

/// People and a certificate that were just created get issuances, and nobody is refused.
async fn new_people_get_their_certificates(on: &Lagging) {
    let people = people(&on.writer, 5).await;
    let certificate = defined(&on.writer).await;
    let id = batch(&on.writer, certificate, &people).await;
    let history = async || on.fast.load("batch", &id.to_string(), 0).await.unwrap();
    until("the batch is dispatched", async || {
        history().await.len() > 1
    })
    .await;
    let last = history().await.pop().unwrap();
    let BatchEvent::BatchDispatched(outcome) = last.decode_as::<BatchEvent>().unwrap() else {
        panic!("{}", last.event_type)
    };
    assert_eq!((outcome.requested, outcome.refused.len()), (5, 0));
}

/// A notice for a user who was just registered is sent.
async fn new_user_gets_a_notice(on: &Lagging) {
    let to = address(&on.plant, "notice.");
    queued_by(&on.writer, &to, NoticeAbout::PasswordChanged).await;
    until("the notice is sent", async || caught(&to).len() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_a_node_that_lags() {
    let on = Lagging::start().await;
    let plant = &on.plant;
    let to = address(plant, "");
    let nothing = IssuanceId(Uuid::new_v4());
    let failed = join_all((0..2).map(|_| on.failed_mail(nothing, &to))).await;
    run_mailer(plant);
    plant.run(Arc::new(processes(plant)));
    plant.run(notifier(plant));
    tokio::join!(
        mails_are_not_lost(&on, &to, &failed),
        revoked_certificate_is_not_mailed(&on),
        generated_certificate_is_mailed(&on),
        new_people_get_their_certificates(&on),
        new_user_gets_a_notice(&on),
    );
}
