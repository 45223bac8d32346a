//! Held and scheduled mails.

use std::sync::Arc;

use laureate::domain::MailId;
use laureate::domain::certification::issuance::CertificateRequested;
use laureate::domain::certification::mail::{
    EmailQueued, Mail, MailCommand, MailDelivery, OnUnknown, Stage,
};
use laureate::event_log::EventLog;
use laureate::workers::timers::{Released, Timers, release_if_due};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::fixture::Plant;
use super::issuing::{queued_mail, request, requested, run_renderer};
use super::mailing::{address, caught, run_mailer, state, until_stage};
use crate::log::fixture::person;
use crate::support::until;

fn run_timers(plant: &Plant) {
    let timers = Timers::new(plant.log.commands.clone());
    let shutdown = plant.shutdown.clone();
    tokio::spawn(async move { timers.run(shutdown).await.unwrap() });
}

fn in_a_moment() -> MailDelivery {
    MailDelivery::At(OffsetDateTime::now_utc() + Duration::milliseconds(700))
}

fn far_away() -> MailDelivery {
    MailDelivery::At(OffsetDateTime::now_utc() + Duration::days(30))
}

/// Issues a certificate whose mail has the delivery `delivery`.
async fn issued(plant: &Plant, to: &str, delivery: MailDelivery) -> MailId {
    run_renderer(plant);
    let request = CertificateRequested {
        delivery,
        ..request("Ada Lovelace", to)
    };
    MailId::first_of(requested(plant, request).await)
}

/// Queues a mail whose content does not matter, because it is never sent.
async fn queued(plant: &Plant, delivery: MailDelivery) -> MailId {
    let id = MailId(Uuid::new_v4());
    let mail = EmailQueued {
        delivery,
        ..queued_mail(&address(plant, ""), OnUnknown::Park)
    };
    ask(plant, id, MailCommand::Queue(Box::new(mail))).await;
    id
}

async fn ask(plant: &Plant, id: MailId, command: MailCommand) {
    plant
        .log
        .commands
        .execute::<Mail>(&person(), id, command)
        .await
        .unwrap();
}

/// Returns the number of messages on the timer subjects that start with `beginning`.
async fn timers(log: &EventLog, beginning: &str) -> u64 {
    let stream = log
        .context()
        .get_stream(log.names().timers())
        .await
        .unwrap();
    let subject = format!("{}.timer.{beginning}.>", log.names().namespace());
    let ask = json!({ "subjects_filter": subject }).to_string();
    let api = format!("$JS.API.STREAM.INFO.{}", stream.cached_info().config.name);
    let answer = log.client().request(api, ask.into()).await.unwrap();
    let info: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
    let subjects = info["state"]["subjects"].as_object();
    subjects.map_or(0, |subjects| {
        subjects
            .values()
            .filter_map(serde_json::Value::as_u64)
            .sum()
    })
}

#[tokio::test]
async fn scheduled_mail_is_sent_when_it_is_due() {
    let plant = Plant::new().await;
    let to = address(&plant, "");
    let id = issued(&plant, &to, in_a_moment()).await;
    run_mailer(&plant);
    run_timers(&plant);
    until_stage(&plant, id, Stage::Sent).await;
    assert_eq!(
        plant.history("email", id).await,
        ["EmailQueued", "EmailReleased", "SendClaimed", "EmailSent"]
    );
    let events = plant
        .log
        .log
        .load("email", &id.to_string(), 0)
        .await
        .unwrap();
    let due = state(&plant, id)
        .await
        .mail
        .unwrap()
        .delivery
        .due()
        .unwrap();
    assert!(events[1].time >= due, "it was released too early");
    assert_eq!((events[1].actor.as_str(), caught(&to).len()), ("timers", 1));
    until("the timer is gone", async || {
        timers(&plant.log.log, "at").await == 0
    })
    .await;
}

#[tokio::test]
async fn held_mail_is_sent_after_its_release() {
    let plant = Plant::new().await;
    let to = address(&plant, "");
    let id = issued(&plant, &to, MailDelivery::Held).await;
    run_mailer(&plant);
    run_timers(&plant);
    until_stage(&plant, id, Stage::Held).await;
    plant.settled("mailer").await;
    assert_eq!(plant.history("email", id).await, ["EmailQueued"]);
    ask(&plant, id, MailCommand::Release).await;
    until_stage(&plant, id, Stage::Sent).await;
    plant.settled("mailer").await;
    assert_eq!(caught(&to).len(), 1);
}

#[tokio::test]
async fn timer_that_fired_without_a_worker_is_processed_later() {
    let plant = Plant::new().await;
    run_mailer(&plant);
    let id = queued(&plant, in_a_moment()).await;
    until("the timer has fired", async || {
        timers(&plant.log.log, "due").await == 1
    })
    .await;
    assert_eq!(state(&plant, id).await.stage, Stage::Scheduled);
    run_timers(&plant);
    until("it is released", async || {
        state(&plant, id).await.stage != Stage::Scheduled
    })
    .await;
}

#[tokio::test]
async fn timer_releases_only_scheduled_mails_that_are_due() {
    let plant = Plant::new().await;
    let log = &plant.log.log;
    let commands = &plant.log.commands;
    let held = queued(&plant, MailDelivery::Held).await;
    let later = queued(&plant, far_away()).await;
    let cancelled = queued(&plant, in_a_moment()).await;
    let nobody = MailId(Uuid::new_v4());
    ask(
        &plant,
        cancelled,
        MailCommand::Cancel {
            reason: String::new().into(),
        },
    )
    .await;
    assert_eq!(release_if_due(commands, held).await.unwrap(), Released::Not);
    assert_eq!(
        release_if_due(commands, cancelled).await.unwrap(),
        Released::Not
    );
    assert_eq!(
        release_if_due(commands, nobody).await.unwrap(),
        Released::Not
    );
    // No mailer has set the timer. This is the same as a lost timer. The check sets it.
    assert_eq!(timers(log, "at").await, 0);
    assert_eq!(
        release_if_due(commands, later).await.unwrap(),
        Released::Later
    );
    assert_eq!(timers(log, "at").await, 1);

    run_timers(&plant);
    for id in [held, later, cancelled, nobody] {
        log.fire_timer(&format!("email.{id}"), "".into())
            .await
            .unwrap();
    }
    let due = queued(&plant, MailDelivery::At(OffsetDateTime::now_utc())).await;
    log.fire_timer(&format!("email.{due}"), "".into())
        .await
        .unwrap();
    until("the due mail is released", async || {
        state(&plant, due).await.stage == Stage::Queued
    })
    .await;
    let stages = [
        state(&plant, held).await.stage,
        state(&plant, later).await.stage,
    ];
    assert_eq!(stages, [Stage::Held, Stage::Scheduled]);
    assert_eq!(
        plant.history("email", cancelled).await,
        ["EmailQueued", "EmailCancelled"]
    );
    assert!(plant.history("email", nobody).await.is_empty());
}

#[tokio::test]
async fn rescheduling_replaces_the_timer() {
    let plant = Plant::new().await;
    let to = address(&plant, "");
    let id = issued(&plant, &to, far_away()).await;
    run_mailer(&plant);
    run_timers(&plant);
    until("the timer is set", async || {
        timers(&plant.log.log, "at").await == 1
    })
    .await;
    ask(&plant, id, MailCommand::Reschedule(far_away())).await;
    plant.settled("mailer").await;
    assert_eq!(timers(&plant.log.log, "at").await, 1, "one timer per mail");
    ask(&plant, id, MailCommand::Reschedule(in_a_moment())).await;
    until_stage(&plant, id, Stage::Sent).await;
    assert_eq!(caught(&to).len(), 1);
}

#[tokio::test]
async fn claim_and_cancellation_exclude_each_other() {
    let plant = Plant::new().await;
    let commands = Arc::new(plant.log.commands.clone());
    for _ in 0..40 {
        let id = queued(&plant, MailDelivery::Immediate).await;
        let claim = MailCommand::Claim {
            message_id: format!("<{id}@example.org>"),
        };
        let cancel = MailCommand::Cancel {
            reason: "too late?".to_owned().into(),
        };
        let as_mailer = person();
        let as_person = person();
        let (claimed, cancelled) = tokio::join!(
            commands.execute::<Mail>(&as_mailer, id, claim),
            commands.execute::<Mail>(&as_person, id, cancel)
        );
        let claimed = !claimed.unwrap().events.is_empty();
        let history = plant.history("email", id).await;
        match state(&plant, id).await.stage {
            Stage::Claimed => assert!(claimed && cancelled.is_err(), "{history:?}"),
            Stage::Cancelled => assert!(!claimed && cancelled.is_ok(), "{history:?}"),
            stage => panic!("{stage:?}: {history:?}"),
        }
        assert_eq!(history.len(), 2, "{history:?}");
    }
}
