//! Work that is never acknowledged. It results in an outcome in the log and a dead letter.

use laureate::domain::certification::import::{FileFormat, Import, ImportCommand, ImportRequested};
use laureate::domain::certification::issuance::Issuance;
use laureate::domain::certification::mail::{
    EmailRetryRequested, Mail, MailCommand, MailDelivery, OnUnknown, Stage,
};
use laureate::domain::{ImportId, MailId, SharedEmail};
use laureate::event_log::Position;
use laureate::workers::dead_letter::{DeadLetter, keep, kept, settle};
use laureate::workers::max_deliveries::MaxDeliveriesConsumer;
use laureate::workers::{Delivery, Verdict};
use serde_json::json;
use uuid::Uuid;

use super::fixture::{Plant, Probe, first_delivery};
use super::issuing::{queued_mail, request, requested};
use crate::log::fixture::person;
use crate::support::until;

fn consume_advisories(plant: &Plant) {
    let consumer = MaxDeliveriesConsumer::new(plant.log.commands.clone());
    let shutdown = plant.shutdown.clone();
    tokio::spawn(async move { consumer.run(shutdown).await.unwrap() });
}

/// Publishes the advisory with which the server reports that the maximum number of deliveries was
/// reached.
async fn given_up(plant: &Plant, consumer: &str, position: Position) {
    let log = &plant.log.log;
    let stream = log.names().events();
    let advisory = json!({
        "type": "io.nats.jetstream.advisory.v1.max_deliver",
        "stream": stream, "consumer": consumer, "stream_seq": position, "deliveries": 12,
    });
    let subject = format!("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{stream}.{consumer}");
    log.client()
        .publish(subject, advisory.to_string().into())
        .await
        .unwrap();
}

#[tokio::test]
async fn crash_at_each_attempt_leaves_an_outcome_and_a_dead_letter() {
    let plant = Plant::new().await;
    plant
        .set_consumer(
            "renderer",
            json!({ "ack_wait": 1_000_000_000_u64, "max_deliver": 2 }),
        )
        .await;
    let id = requested(&plant, request("Ada", "ada@example.com")).await;
    let probe = Probe::new(async |delivery: Delivery| {
        // The event of the recorded outcome is delivered too. It is acknowledged, because this test
        // is only about the request.
        assert!(
            delivery.event.event_type != "CertificateRequested",
            "simulated crash"
        );
        Verdict::Done
    });
    plant.run(probe.clone());
    consume_advisories(&plant);
    let letters = plant.until_dead_letters(1).await;
    assert_eq!(probe.seen()[..2], [(1, 1), (1, 2)]);
    let letter = &letters[0];
    assert_eq!(
        (letter.worker.as_str(), letter.position, letter.attempts),
        ("renderer", 1, 2)
    );
    assert_eq!(
        (letter.event_type.as_str(), &letter.id),
        ("CertificateRequested", &id.to_string())
    );
    let issuance = plant.log.commands.load::<Issuance>(id).await.unwrap().state;
    assert_eq!(
        issuance.failure.map(|failure| failure.code).as_deref(),
        Some("WORKER_STOPPED")
    );
}

#[tokio::test]
async fn claimed_mail_of_a_crashed_worker_is_parked() {
    let plant = Plant::new().await;
    let id = MailId(Uuid::new_v4());
    let queue = MailCommand::Queue(Box::new(queued_mail("ada@example.com", OnUnknown::Park)));
    let queued = plant
        .log
        .commands
        .execute::<Mail>(&person(), id, queue)
        .await
        .unwrap();
    let claim = MailCommand::Claim {
        message_id: "<1@example.com>".to_owned(),
    };
    plant
        .log
        .commands
        .execute::<Mail>(&person(), id, claim)
        .await
        .unwrap();
    consume_advisories(&plant);
    given_up(&plant, "mailer", queued.position).await;
    let letters = plant.until_dead_letters(1).await;
    assert_eq!(
        (letters[0].attempts, letters[0].id.clone()),
        (12, id.to_string())
    );
    let history = plant.history("email", id).await;
    assert_eq!(
        history,
        ["EmailQueued", "SendClaimed", "EmailOutcomeUnknown"]
    );
}

#[tokio::test]
async fn unclaimed_mail_of_a_crashed_worker_fails_and_can_be_retried() {
    let plant = Plant::new().await;
    let id = MailId(Uuid::new_v4());
    let queue = MailCommand::Queue(Box::new(queued_mail("ada@example.com", OnUnknown::Park)));
    let queued = plant
        .log
        .commands
        .execute::<Mail>(&person(), id, queue)
        .await
        .unwrap();
    consume_advisories(&plant);
    // The advisory is delivered twice, as can happen after a restart.
    given_up(&plant, "mailer", queued.position).await;
    given_up(&plant, "mailer", queued.position).await;
    plant.until_dead_letters(2).await;
    assert_eq!(
        plant.history("email", id).await,
        ["EmailQueued", "EmailFailed"]
    );
    let done = plant
        .log
        .commands
        .execute::<Mail>(&person(), id, MailCommand::Retry)
        .await
        .unwrap();
    assert_eq!(done.events, [EmailRetryRequested {}.into()]);
    assert_eq!(done.state.stage, Stage::Queued);
}

#[tokio::test]
async fn import_of_a_crashed_worker_fails() {
    let plant = Plant::new().await;
    let id = ImportId(Uuid::new_v4());
    let request = ImportRequested {
        object_key: "expiring/imports/1/source".to_owned(),
        format: FileFormat::Csv,
        sha256: "aa".to_owned(),
        size: 1,
        update_existing: false,
        certificate_id: None,
        delivery: MailDelivery::Immediate,
        reading: Default::default(),
        issue_date: None,
        requires_document: true,
        shared_email: SharedEmail::Refuse,
    };
    let done = plant
        .log
        .commands
        .execute::<Import>(&person(), id, ImportCommand::Request(request))
        .await
        .unwrap();
    consume_advisories(&plant);
    given_up(&plant, "importer", done.position).await;
    plant.until_dead_letters(1).await;
    assert_eq!(
        plant.history("import", id).await,
        ["ImportRequested", "ImportFailed"]
    );
}

#[tokio::test]
async fn unreadable_advisory_does_not_block_others() {
    let plant = Plant::new().await;
    let id = requested(&plant, request("Ada", "ada@example.com")).await;
    let subject = format!(
        "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{}.renderer",
        plant.log.log.names().events()
    );
    plant
        .log
        .log
        .client()
        .publish(subject, "{}".into())
        .await
        .unwrap();
    consume_advisories(&plant);
    given_up(&plant, "renderer", 1).await;
    plant.until_dead_letters(1).await;
    until("its outcome is in the log", async || {
        plant.history("issuance", id).await.len() == 2
    })
    .await;
}

/// Returns the numbers of the newest open dead letters, at most `most`, of one worker or of all
/// workers.
async fn open(plant: &Plant, worker: Option<&str>, most: usize) -> Vec<Position> {
    let found = kept(&plant.log.log, worker, most).await.unwrap();
    found.into_iter().map(|kept| kept.number).collect()
}

#[tokio::test]
async fn limit_counts_open_dead_letters_from_the_newest() {
    let plant = Plant::new().await;
    assert_eq!(open(&plant, None, 10).await, [0; 0]);
    requested(&plant, request("Ada", "ada@example.com")).await;
    let delivery = first_delivery(plant.log.all().await.pop().unwrap());
    let log = &plant.log.log;
    for worker in ["renderer", "mailer", "renderer", "mailer", "renderer"] {
        keep(log, &DeadLetter::of(worker, &delivery, "nothing helped"))
            .await
            .unwrap();
    }
    for settled in kept(log, None, 10)
        .await
        .unwrap()
        .into_iter()
        .filter(|kept| [1, 4].contains(&kept.number))
    {
        settle(log, &settled).await.unwrap();
    }
    assert_eq!(open(&plant, None, 10).await, [2, 3, 5]);
    assert_eq!(open(&plant, None, 2).await, [3, 5]);
    assert_eq!(open(&plant, Some("mailer"), 10).await, [2]);
    assert_eq!(open(&plant, Some("renderer"), 1).await, [5]);
    assert_eq!(open(&plant, Some("*"), 10).await, [0; 0]);
    // Two more pages of the stream. Their letters are all settled, except the last one.
    let letter = DeadLetter::of("renderer", &delivery, "nothing helped");
    futures_util::future::join_all((0..1_100).map(|_| async { keep(log, &letter).await.unwrap() }))
        .await;
    let new = kept(log, None, 1_099).await.unwrap();
    futures_util::future::join_all(
        new.iter()
            .map(|kept| async { settle(log, kept).await.unwrap() }),
    )
    .await;
    assert_eq!(open(&plant, None, 10).await, [2, 3, 5, 8]);
}
