//! Faults of the mail server: what counts as an attempt, and which mails wait.

use std::sync::Arc;
use std::time::Duration;

use laureate::domain::MailId;
use laureate::domain::certification::mail::{EmailQueued, Mail, MailCommand, OnUnknown, Stage};
use laureate::mail::{MailSettings, SmtpMailer};
use laureate::workers::{Delivery, Verdict, Worker};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::fixture::{Plant, first_delivery};
use super::mailing::{
    address, mailer, run_mailer, run_timers, smtp, smtp_settings, state, until_stage, waiting_mail,
};
use crate::log::fixture::person;
use crate::mail::peer::{Content, Peer, Script};
use crate::support::until;

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
