//! Held and scheduled mails.

use std::sync::Arc;

use async_nats::HeaderMap;
use async_nats::jetstream::AckKind;
use futures_util::StreamExt;
use laureate::domain::MailId;
use laureate::domain::certification::issuance::CertificateRequested;
use laureate::domain::certification::mail::{
    EmailQueued, Mail, MailCommand, MailDelivery, OnUnknown, Stage,
};
use laureate::event_log::{Durable, EventLog, Position};
use laureate::workers::timers::{Release, Timer, TimersOf, release_due};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::fixture::Plant;
use super::issuing::{queued_mail, request, requested, run_renderer};
use super::mailing::{address, caught, run_mailer, run_timers, run_timers_of, state, until_stage};
use crate::log::fixture::person;
use crate::support::until;

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
        plant.history("mail", id).await,
        ["EmailQueued", "EmailReleased", "SendClaimed", "EmailSent"]
    );
    let events = plant
        .log
        .log
        .load("mail", &id.to_string(), 0)
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
    let cause = events[1].caused_by.map(|cause| cause.position);
    assert_eq!(cause, Some(events[0].position));
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
    assert_eq!(plant.history("mail", id).await, ["EmailQueued"]);
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

/// Fires the timer that the event at `position` set.
async fn fire(plant: &Plant, id: MailId, position: Position) {
    let timer = Timer {
        aggregate: "mail",
        id: &id.to_string(),
        position,
    };
    let log = &plant.log.log;
    log.fire_timer(&timer.name(), "".into()).await.unwrap();
}

/// Returns the position of the last event of a mail.
async fn position(plant: &Plant, id: MailId) -> Position {
    plant.log.commands.load::<Mail>(id).await.unwrap().position
}

#[tokio::test]
async fn timer_is_due_as_long_as_its_event_is_the_last_one() {
    let plant = Plant::new().await;
    let held = queued(&plant, MailDelivery::Held).await;
    // No clocks are compared: the server's may be ahead.
    let early = queued(&plant, far_away()).await;
    let cancelled = queued(&plant, far_away()).await;
    let before = position(&plant, cancelled).await;
    let reason = String::new().into();
    ask(&plant, cancelled, MailCommand::Cancel { reason }).await;
    let rescheduled = queued(&plant, far_away()).await;
    let old = position(&plant, rescheduled).await;
    ask(&plant, rescheduled, MailCommand::Reschedule(far_away())).await;
    let new = position(&plant, rescheduled).await;
    let nobody = MailId(Uuid::new_v4());

    let commands = &plant.log.commands;
    for (id, position) in [
        (held, position(&plant, held).await),
        (cancelled, before),
        (cancelled, position(&plant, cancelled).await),
        (rescheduled, old),
    ] {
        let released = release_due::<Mail>(commands, &id.to_string(), position).await;
        assert_eq!(released.unwrap(), Release::Void);
    }
    let elsewhere = release_due::<Mail>(commands, &nobody.to_string(), 1).await;
    assert_eq!(
        elsewhere.unwrap(),
        Release::Void,
        "the event belongs to another mail"
    );
    // As after the log was restored to an earlier point.
    let missing = release_due::<Mail>(commands, &nobody.to_string(), 1_000).await;
    assert_eq!(missing.unwrap(), Release::Missing);

    run_timers(&plant);
    fire(&plant, rescheduled, old).await;
    fire(&plant, rescheduled, new).await;
    let first = position(&plant, early).await;
    fire(&plant, early, first).await;
    fire(&plant, early, first).await;
    for id in [rescheduled, early] {
        until_stage(&plant, id, Stage::Queued).await;
    }
    until("the timers are acknowledged", async || {
        timers(&plant.log.log, "due").await >= 4
    })
    .await;
    assert_eq!(
        plant.history("mail", early).await,
        ["EmailQueued", "EmailReleased"]
    );
    assert_eq!(state(&plant, held).await.stage, Stage::Held);
}

#[tokio::test]
async fn timer_of_a_newer_program_is_left_to_it() {
    let plant = Plant::new().await;
    let id = queued(&plant, far_away()).await;
    let log = &plant.log.log;
    let mut headers = HeaderMap::new();
    headers.insert("ce-id", Uuid::new_v4().to_string());
    headers.insert("ce-type", "EmailPraised");
    headers.insert("ce-time", "2026-11-30T12:00:00Z");
    headers.insert("ce-dataschema", "urn:laureate:event:EmailPraised:1");
    headers.insert("command-id", Uuid::new_v4().to_string());
    headers.insert("correlation-id", Uuid::new_v4().to_string());
    headers.insert("actor", "a newer program");
    let subject = log.names().aggregate("mail", &id.to_string());
    let written = log
        .context()
        .publish_with_headers(subject, headers, "{}".into())
        .await
        .unwrap();
    let position = written.await.unwrap().sequence;
    fire(&plant, id, position).await;
    let states = run_timers_of(&plant, TimersOf::Mails);
    until("health shows that it has stopped", async || {
        let problems = states.problems();
        problems
            .iter()
            .any(|one| one.starts_with("timers is stopped"))
    })
    .await;
}

#[tokio::test]
async fn rescheduled_mail_is_sent_at_its_new_time() {
    let plant = Plant::new().await;
    let to = address(&plant, "");
    let id = issued(&plant, &to, far_away()).await;
    run_mailer(&plant);
    run_timers(&plant);
    until("the timer is set", async || {
        timers(&plant.log.log, "at").await == 1
    })
    .await;
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
        let history = plant.history("mail", id).await;
        match state(&plant, id).await.stage {
            Stage::Claimed => assert!(claimed && cancelled.is_err(), "{history:?}"),
            Stage::Cancelled => assert!(!claimed && cancelled.is_ok(), "{history:?}"),
            stage => panic!("{stage:?}: {history:?}"),
        }
        assert_eq!(history.len(), 2, "{history:?}");
    }
}

#[tokio::test]
async fn timer_whose_event_cannot_be_read_is_dropped_after_30_deliveries() {
    let plant = Plant::new().await;
    let log = &plant.log.log;
    let id = Uuid::new_v4().to_string();
    let subject = log.names().aggregate("mail", &id);
    let stored = log.context().publish(subject, "{}".into()).await.unwrap();
    let position = stored.await.unwrap().sequence;
    let aggregate = "mail";
    let timer = Timer {
        aggregate,
        id: &id,
        position,
    };
    log.fire_timer(&timer.name(), "".into()).await.unwrap();
    let durable = Durable {
        stream: "TIMERS",
        name: "timers",
    };
    let consumer = log.open_durable(durable).await.unwrap();
    for _ in 0..30 {
        let asked = consumer.batch().max_messages(1).messages().await;
        let message = asked.unwrap().next().await.unwrap().unwrap();
        message.ack_with(AckKind::Nak(None)).await.unwrap();
    }
    run_timers(&plant);
    until("the timer is acknowledged", async || {
        let consumer = log.open_durable(durable).await.unwrap();
        let info = consumer.cached_info();
        info.num_ack_pending == 0 && info.num_pending == 0
    })
    .await;
}
