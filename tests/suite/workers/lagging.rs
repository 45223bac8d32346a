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
use laureate::domain::kernel::claim::{Claim, ClaimCommand, ClaimKind};
use laureate::domain::{Decider, IssuanceId, MailId};
use laureate::event_log::{Consistency, EventLog, Position};
use laureate::storage::ObjectKey;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::fixture::Plant;
use super::issuing::{queued_mail, request};
use super::mailing::{address, caught, run_mailer, until_stage};
use super::notices::{notifier, queued_by};
use super::withdrawing::{batch, defined, people, processes};
use crate::commands::proofs::new_second_factor_is_required;
use crate::log::fixture::{Log, commands, person};
use crate::log::nodes::Nodes;
use crate::support::until;

/// Delay of the replication. It is longer than all waits of a worker that would not ask the leader.
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
        let own = Self {
            plant,
            writer: commands(&fast),
            fast,
            _nodes: nodes,
        };
        until("the node lags", async || {
            let id = own.claimed().await;
            own.lacks(&id).await
        })
        .await;
        own
    }

    /// Takes a claim. Returns its id.
    async fn claimed(&self) -> String {
        let id = Uuid::new_v4().to_string();
        let take = ClaimCommand::Take {
            kind: ClaimKind::UserName,
            owner: Uuid::new_v4(),
        };
        let done = self.writer.execute::<Claim>(&person(), &id, take).await;
        done.unwrap();
        id
    }

    /// Returns true if the slow node lacks a claim.
    async fn lacks(&self, id: &str) -> bool {
        let log = &self.plant.log.log;
        let at = Consistency::Any;
        log.last_position(Claim::AGGREGATE, id, &at).await.unwrap() == 0
    }

    /// Queues a mail and records that it failed, before the mailer runs. Returns the mail and the
    /// position of the failure.
    async fn failed_mail(&self, issuance_id: IssuanceId, to: &str) -> (MailId, Position) {
        let id = self.queued(issuance_id, to, MailDelivery::Immediate).await;
        let failure = EmailFailed {
            attempt: 1,
            permanent: true,
            retry_at: None,
            unanswered: false,
            answer: "550 no such user".to_owned().into(),
        };
        let failed = MailCommand::RecordUnclaimedFailure(failure);
        let position = self.mail(id, failed).await;
        (id, position)
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

    async fn mail(&self, id: MailId, command: MailCommand) -> Position {
        let done = self.writer.execute::<Mail>(&person(), id, command).await;
        done.unwrap().position
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
    let held = join_all((0..2).map(|_| on.queued(nothing, to, MailDelivery::Held))).await;
    join_all(held.iter().map(|id| on.mail(*id, MailCommand::Release))).await;
    join_all(failed.iter().map(|id| on.mail(*id, MailCommand::Retry))).await;
    on.until_sent(&held).await;
    on.until_sent(failed).await;
    assert_eq!(caught(to).len(), held.len() + failed.len());
}

/// The mail of a certificate that was just revoked is not sent. The mailer doesn't read the mail
/// before it checks the certificate, so it doesn't wait for the node before.
async fn revoked_certificate_is_not_mailed(on: &Lagging) {
    let to = address(&on.plant, "revoked.");
    let issuance = on.generated().await;
    let why = CertificateRevoked {
        reason: WhyRevoked::WrongPerson,
        note: None,
        batch_id: None,
    };
    on.issuance(issuance, IssuanceCommand::Revoke(why)).await;
    let id = on.queued(issuance, &to, MailDelivery::Immediate).await;
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
    let (failed, positions): (Vec<_>, Vec<_>) = failed.into_iter().unzip();
    let last = positions.into_iter().max().unwrap();
    run_mailer(plant);
    // Otherwise the delivery of `EmailQueued` may send a mail that was retried meanwhile.
    until("the failures are handled", async || {
        let acknowledged = on.fast.acknowledged("mailer").await;
        acknowledged.is_ok_and(|position| position >= last)
    })
    .await;
    plant.run(Arc::new(processes(plant)));
    plant.run(notifier(plant));
    let slow = &plant.log.commands;
    tokio::join!(
        mails_are_not_lost(&on, &to, &failed),
        revoked_certificate_is_not_mailed(&on),
        generated_certificate_is_mailed(&on),
        new_people_get_their_certificates(&on),
        new_user_gets_a_notice(&on),
        new_second_factor_is_required(&on.writer, slow),
    );
}
