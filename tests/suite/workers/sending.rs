//! Faults of the mail server: what counts as an attempt, and which mails wait.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use laureate::commands::Commands;
use laureate::domain::certification::issuance::{
    CertificateRevoked, Issuance, IssuanceCommand, WhyRevoked,
};
use laureate::domain::certification::mail::{
    EmailFailed, EmailQueued, Mail, MailCommand, OnUnknown, Stage,
};
use laureate::domain::kernel::sending::Content as _;
use laureate::domain::{MailId, TimeZone};
use laureate::mail::{
    Begun, Handover, MailProvider, MailSettings, Outgoing, SendOutcome, SmtpMailer, Unavailable,
};
use laureate::workers::mailer::Mailer;
use laureate::workers::sending::{Sending, SendingParts};
use laureate::workers::{Away, Delivery, Verdict, WorkLimits, Worker, WorkerState};
use serde_json::json;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::fixture::{Plant, first_delivery};
use super::issuing::rendering;
use super::mailing::{
    address, caught, mailer, run_mailer, run_timers, sending, smtp, smtp_settings, state,
    until_stage, waiting_mail,
};
use crate::log::fixture::person;
use crate::mail::peer::{Content, Peer, Script};
use crate::support::{servers, until};

/// Queues a mail with the certificate of another one, to the address `to`.
async fn queued_like(plant: &Plant, other: MailId, to: String, on_unknown: OnUnknown) -> MailId {
    let id = MailId(Uuid::new_v4());
    let mail = EmailQueued {
        to_address: to.into(),
        on_unknown,
        ..state(plant, other).await.mail.unwrap()
    };
    let queue = MailCommand::Queue(Box::new(mail));
    let commands = &plant.log.commands;
    commands
        .execute::<Mail>(&person(), id, queue)
        .await
        .unwrap();
    id
}

async fn first_delivery_of(plant: &Plant, id: MailId) -> Delivery {
    let log = &plant.log.log;
    let mut events = log.load("mail", &id.to_string(), 0).await.unwrap();
    first_delivery(events.remove(0))
}

#[tokio::test]
async fn unavailable_server_costs_no_attempt() {
    let plant = Plant::new().await;
    let (_, id) = waiting_mail(&plant, &address(&plant, "")).await;
    let closing = Script {
        greeting: "421 4.3.2 closing",
        ..Script::default()
    };
    let peer = Peer::start(closing).await;
    plant.run(Arc::new(mailer(&plant, smtp(peer.address))));
    until("the mailer tries again", async || peer.verbs().len() >= 2).await;
    // The greeting is accepted, and the next command is not.
    peer.set(Script {
        mail: "421 4.3.2 closing",
        ..Script::default()
    });
    until("the mailer tries again", async || {
        peer.verbs().concat().contains(&"MAIL".to_owned())
    })
    .await;
    assert_eq!(plant.history("mail", id).await, ["EmailQueued"]);
    peer.set(Script::default());
    until_stage(&plant, id, Stage::Sent).await;
    assert_eq!(
        plant.history("mail", id).await,
        ["EmailQueued", "SendClaimed", "EmailSent"]
    );
}

#[tokio::test]
async fn greylisted_mails_do_not_delay_others() {
    let plant = Plant::new().await;
    let (_, first) = waiting_mail(&plant, &address(&plant, "")).await;
    let few = json!({ "max_ack_pending": 20 });
    plant.set_consumer("mailer", few).await;
    let mut greylisted = Vec::new();
    for n in 0..60 {
        let to = address(&plant, &format!("tempfail-{n}-"));
        greylisted.push(queued_like(&plant, first, to, OnUnknown::Park).await);
    }
    let last = queued_like(&plant, first, address(&plant, "last-"), OnUnknown::Park).await;
    run_mailer(&plant);
    until_stage(&plant, last, Stage::Sent).await;
    plant.settled("mailer").await;
    for id in &greylisted {
        assert_eq!(state(&plant, *id).await.stage, Stage::Retrying);
    }
    // Six answers end a mail. The retry of a user starts a new count.
    run_timers(&plant);
    let id = greylisted[0];
    let commands = &plant.log.commands;
    for attempts in [6, 12] {
        until("the mail failed", async || {
            let mail = state(&plant, id).await;
            (mail.stage, mail.attempt) == (Stage::Failed, attempts)
        })
        .await;
        let retry = MailCommand::Retry;
        commands
            .execute::<Mail>(&person(), id, retry)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn late_acceptance_is_recorded() {
    let plant = Plant::new().await;
    let (_, id) = waiting_mail(&plant, &address(&plant, "")).await;
    let peer = Peer::start(Script {
        content: Content::WaitForPermission,
        ..Script::default()
    })
    .await;
    let mailer = Arc::new(mailer(&plant, smtp(peer.address)));
    // A server that was killed may count deliveries from a lower number. So both deliveries have
    // the attempt number 1.
    let delivery = first_delivery_of(&plant, id).await;
    let first = mailer.clone();
    let copy = delivery.clone();
    let sending = tokio::spawn(async move { first.work(&[copy]).await });
    until("the server has the mail", async || {
        peer.verbs().concat().contains(&"DATA".to_owned())
    })
    .await;
    let second = tokio::time::timeout(Duration::from_secs(60), mailer.work(&[delivery])).await;
    assert_eq!(second.as_deref(), Ok([Verdict::Done].as_slice()));
    assert_eq!(state(&plant, id).await.stage, Stage::Unknown);
    peer.reply();
    assert_eq!(sending.await.unwrap(), [Verdict::Done]);
    assert_eq!(
        plant.history("mail", id).await,
        [
            "EmailQueued",
            "SendClaimed",
            "EmailOutcomeUnknown",
            "EmailSent"
        ]
    );
    let sent = peer.verbs().concat();
    assert_eq!(sent.iter().filter(|verb| *verb == "DATA").count(), 1);
}

#[tokio::test]
async fn shutdown_waits_for_claimed_mails_and_hands_back_the_others() {
    let mut plant = Plant::new().await;
    let (_, claimed) = waiting_mail(&plant, &address(&plant, "")).await;
    let peer = Peer::start(Script {
        content: Content::WaitForPermission,
        ..Script::default()
    })
    .await;
    let settings = MailSettings {
        max_connections: 1,
        ..smtp_settings(peer.address)
    };
    let smtp = SmtpMailer::new(&settings).unwrap();
    let worker = plant.run(Arc::new(mailer(&plant, smtp)));
    until("the server has the mail", async || {
        peer.verbs().concat().contains(&"DATA".to_owned())
    })
    .await;
    let other = queued_like(&plant, claimed, address(&plant, "other-"), OnUnknown::Park).await;
    until("the other mail is delivered", async || {
        plant.consumer("mailer").await["num_ack_pending"] == 2
    })
    .await;
    plant.shutdown.cancel();
    // Another process gets the other mail, although the first one still runs.
    plant.shutdown = CancellationToken::new();
    run_mailer(&plant);
    until_stage(&plant, other, Stage::Sent).await;
    assert!(!worker.is_finished());
    peer.reply();
    worker.await.unwrap();
    assert_eq!(state(&plant, claimed).await.stage, Stage::Sent);
    for id in [claimed, other] {
        assert_eq!(
            plant.history("mail", id).await,
            ["EmailQueued", "SendClaimed", "EmailSent"]
        );
    }
}

#[tokio::test]
async fn unknown_outcome_is_sent_again_if_the_policy_says_so() {
    let plant = Plant::new().await;
    let (_, first) = waiting_mail(&plant, &address(&plant, "")).await;
    let to = address(&plant, "hangup-");
    let id = queued_like(&plant, first, to, OnUnknown::Retry).await;
    run_mailer(&plant);
    run_timers(&plant);
    until("the mail is sent twice", async || {
        state(&plant, id).await.attempt == 2
    })
    .await;
    assert_eq!(
        plant.history("mail", id).await[..5],
        [
            "EmailQueued",
            "SendClaimed",
            "EmailOutcomeUnknown",
            "EmailReleased",
            "SendClaimed"
        ]
    );
}

#[tokio::test]
async fn mail_to_a_slow_domain_waits_for_a_timer_without_an_event() {
    let plant = Plant::new().await;
    let (_, id) = waiting_mail(&plant, &address(&plant, "")).await;
    let mailer = mailer(&plant, Slow);
    let mut delivery = first_delivery_of(&plant, id).await;
    for (attempt, least) in [(1, 15), (4, 120)] {
        delivery.attempt = attempt;
        let verdicts = mailer.work(std::slice::from_ref(&delivery)).await;
        let [Verdict::Again { after, .. }] = verdicts[..] else {
            panic!("{verdicts:?}")
        };
        assert!(after >= Duration::from_secs(least), "{after:?}");
    }
    assert_eq!(plant.history("mail", id).await, ["EmailQueued"]);
}

#[tokio::test]
async fn clock_of_the_mailer_does_not_shorten_delays() {
    let plant = Plant::new().await;
    let (_, id) = waiting_mail(&plant, &address(&plant, "tempfail-")).await;
    let late = || OffsetDateTime::now_utc() - time::Duration::hours(1);
    let parts = SendingParts {
        commands: Commands::new(plant.log.log.clone(), Arc::new(late)),
        first_retry: Duration::from_secs(60),
        ..sending(&plant, smtp(servers().smtp_addr))
    };
    let mailer = Mailer::new(parts, rendering(&plant), TimeZone::default());
    let before = OffsetDateTime::now_utc();
    let delivery = first_delivery_of(&plant, id).await;
    assert_eq!(mailer.work(&[delivery]).await, [Verdict::Done]);
    let mail = state(&plant, id).await;
    assert_eq!(mail.stage, Stage::Retrying);
    assert!(mail.due.unwrap() >= before + time::Duration::seconds(29));
}

#[tokio::test]
async fn worker_pauses_while_no_mail_can_begin() {
    let plant = Plant::new().await;
    let (_, id) = waiting_mail(&plant, &address(&plant, "")).await;
    let peer = Peer::start(Script {
        mail: "421 4.3.2 too many mails",
        ..Script::default()
    })
    .await;
    let mailer = Arc::new(mailer(&plant, smtp(peer.address)));
    let (worker, _) = plant.run_within(plant.log.log.clone(), mailer, WorkLimits::new(8));
    until("the worker is paused", async || {
        matches!(worker.get(), WorkerState::Paused(away) if away.contains_key(&Away::MailServer))
    })
    .await;
    assert_eq!(plant.history("mail", id).await, ["EmailQueued"]);
    peer.set(Script::default());
    until_stage(&plant, id, Stage::Sent).await;
}

#[tokio::test]
async fn server_that_closes_at_a_recipient_has_not_answered() {
    let plant = Plant::new().await;
    let (_, id) = waiting_mail(&plant, &address(&plant, "")).await;
    let peer = Peer::start(Script {
        rcpt: "421 4.7.0 later",
        ..Script::default()
    })
    .await;
    plant.run(Arc::new(mailer(&plant, smtp(peer.address))));
    run_timers(&plant);
    until(
        "it has more attempts than answers are allowed",
        async || state(&plant, id).await.attempt > EmailQueued::MAX_FAILURES,
    )
    .await;
    assert_eq!(state(&plant, id).await.failures, 0);
    peer.set(Script::default());
    until_stage(&plant, id, Stage::Sent).await;
}

#[tokio::test]
async fn mail_is_not_claimed_after_the_shutdown() {
    let plant = Plant::new().await;
    let (_, id) = waiting_mail(&plant, &address(&plant, "")).await;
    let stops = AtAcceptance {
        server: smtp(servers().smtp_addr),
        act: Box::new({
            let shutdown = plant.shutdown.clone();
            move || {
                shutdown.cancel();
                std::future::ready(()).boxed()
            }
        }),
    };
    let mailer = mailer(&plant, stops);
    let verdicts = mailer.work(&[first_delivery_of(&plant, id).await]).await;
    assert!(
        matches!(verdicts[..], [Verdict::Again { after, .. }] if after.is_zero()),
        "{verdicts:?}"
    );
    assert_eq!(plant.history("mail", id).await, ["EmailQueued"]);
}

#[tokio::test]
async fn certificate_that_is_revoked_during_the_dialogue_is_not_sent() {
    let plant = Plant::new().await;
    let to = address(&plant, "");
    let (issuance, id) = waiting_mail(&plant, &to).await;
    let commands = plant.log.commands.clone();
    let revokes = AtAcceptance {
        server: smtp(servers().smtp_addr),
        act: Box::new(move || {
            let commands = commands.clone();
            async move {
                let revoke = IssuanceCommand::Revoke(CertificateRevoked {
                    reason: WhyRevoked::Withdrawn,
                    note: None,
                    batch_id: None,
                });
                let revoked = commands
                    .execute::<Issuance>(&person(), issuance, revoke)
                    .await;
                revoked.unwrap();
            }
            .boxed()
        }),
    };
    let mailer = mailer(&plant, revokes);
    let verdicts = mailer.work(&[first_delivery_of(&plant, id).await]).await;
    assert_eq!(verdicts, [Verdict::Done]);
    assert_eq!(state(&plant, id).await.stage, Stage::Cancelled);
    assert!(caught(&to).is_empty());
}

#[tokio::test]
async fn outcome_is_recorded_when_the_log_no_longer_refuses_it() {
    let plant = Plant::new().await;
    let (_, id) = waiting_mail(&plant, &address(&plant, "")).await;
    let peer = Peer::start(Script {
        content: Content::WaitForPermission,
        ..Script::default()
    })
    .await;
    let mailer = mailer(&plant, smtp(peer.address));
    let delivery = first_delivery_of(&plant, id).await;
    let mut working = tokio::spawn(async move { mailer.work(&[delivery]).await });
    until("the server has the mail", async || {
        peer.verbs().concat().contains(&"DATA".to_owned())
    })
    .await;
    plant.set_events(json!({ "max_msg_size": 8 })).await;
    peer.reply();
    let early = tokio::time::timeout(Duration::from_secs(2), &mut working).await;
    assert!(early.is_err(), "it gave up: {early:?}");
    plant.set_events(json!({ "max_msg_size": -1 })).await;
    assert_eq!(working.await.unwrap(), [Verdict::Done]);
    assert_eq!(state(&plant, id).await.stage, Stage::Sent);
}

#[tokio::test]
async fn delivery_that_is_given_up_does_not_end_a_mail_of_a_later_event() {
    let plant = Plant::new().await;
    let (_, id) = waiting_mail(&plant, &address(&plant, "")).await;
    let mailer = mailer(&plant, smtp(servers().smtp_addr));
    let delivery = first_delivery_of(&plant, id).await;
    let commands = &plant.log.commands;
    let failure = MailCommand::RecordUnclaimedFailure(EmailFailed {
        attempt: 1,
        permanent: false,
        retry_at: Some(OffsetDateTime::now_utc() + time::Duration::DAY),
        unanswered: false,
        answer: "451 later".to_owned().into(),
    });
    commands
        .execute::<Mail>(&person(), id, failure)
        .await
        .unwrap();
    Worker::abandon(&mailer, &delivery, "it crashed")
        .await
        .unwrap();
    assert_eq!(state(&plant, id).await.stage, Stage::Retrying);
    let log = &plant.log.log;
    let mut events = log.load("mail", &id.to_string(), 0).await.unwrap();
    let last = first_delivery(events.remove(1));
    Worker::abandon(&mailer, &last, "it crashed").await.unwrap();
    assert_eq!(state(&plant, id).await.stage, Stage::Failed);
}

/// Dialogue of which this test sees the end.
struct Held(#[allow(dead_code, reason = "dropped with the dialogue")] Arc<()>);

impl Handover for Held {
    fn send(self: Box<Self>) -> BoxFuture<'static, SendOutcome> {
        panic!("the content is not wanted")
    }
}

#[tokio::test]
async fn connection_is_free_while_it_is_recorded_that_the_content_is_not_sent() {
    let plant = Plant::new().await;
    let (_, id) = waiting_mail(&plant, &address(&plant, "")).await;
    let delivery = first_delivery_of(&plant, id).await;
    let sending = Sending::new(sending(&plant, Slow), "mailer", "laureate_mails_total");
    let email = sending.load::<Mail>(&delivery).await.unwrap().unwrap();
    let held = Arc::new(());
    let handover = Box::new(Held(held.clone()));
    let refuse_writes = |_| async {
        plant.set_events(json!({ "max_msg_size": 8 })).await;
        Ok(Some("a reason"))
    };
    let recording = sending.hand_over(&delivery, email, handover, refuse_writes);
    let others = async {
        until("the connection is free", async || {
            Arc::strong_count(&held) == 1
        })
        .await;
        plant.set_events(json!({ "max_msg_size": -1 })).await;
    };
    let (verdict, ()) = tokio::join!(recording, others);
    assert_eq!(verdict.unwrap(), Verdict::Done);
    assert_eq!(state(&plant, id).await.stage, Stage::Cancelled);
}

/// Mail server that takes long to answer about each domain.
struct Slow;

impl MailProvider for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn begin<'a>(&'a self, _: &'a Outgoing) -> BoxFuture<'a, Result<Begun, Unavailable>> {
        std::future::ready(Ok(Begun::Busy)).boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<(), Unavailable>> {
        std::future::ready(Ok(())).boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Unavailable>> {
        self.check()
    }
}

/// Mail server, with something that happens when it has accepted a recipient.
struct AtAcceptance {
    server: SmtpMailer,
    act: Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
}

impl MailProvider for AtAcceptance {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn begin<'a>(&'a self, mail: &'a Outgoing) -> BoxFuture<'a, Result<Begun, Unavailable>> {
        async move {
            let begun = MailProvider::begin(&self.server, mail).await;
            (self.act)().await;
            begun
        }
        .boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<(), Unavailable>> {
        MailProvider::check(&self.server)
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Unavailable>> {
        MailProvider::probe(&self.server)
    }
}
