//! Importer: truncated files, workers that crash, and redeliveries.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use laureate::commands::Commands;
use laureate::commands::person_claims::PersonClaims;
use laureate::domain::AttendeeId;
use laureate::domain::certification::attendee::Attendee;
use laureate::domain::certification::batch::BatchRequested;
use laureate::domain::certification::import::{Import, ImportCommand, ImportEvent};
use laureate::domain::kernel::claim::Claim;
use laureate::importing::{ImportOptions, Importer};
use laureate::spreadsheet::Limits;
use laureate::storage::import_key;
use laureate::workers::importer::ImporterWorker;
use laureate::workers::{Delivery, Verdict, Worker};

use super::fixture::{Plant, first_delivery};
use super::importing::{
    HEADER, completed, counts, earning, import, import_events, importer, key, people, rows,
    updating, uploaded,
};
use super::issuing::renderer;
use crate::log::fixture::person;
use crate::support::until;

/// Runs an importer that panics when it creates its `n`th event.
pub async fn dies_at_its_event(plant: &Plant, n: usize, delivery: &Delivery) {
    let made = AtomicUsize::new(0);
    let clock = move || {
        assert!(
            made.fetch_add(1, Ordering::Relaxed) + 1 < n,
            "simulated crash"
        );
        time::macros::datetime!(2026-11-21 12:00 UTC)
    };
    let commands = Commands::new(plant.log.log.clone(), Arc::new(clock));
    let importer = Importer::new(
        commands,
        plant.storage.clone(),
        key(),
        Limits::default(),
        renderer(),
    );
    let worker = ImporterWorker(importer);
    let delivery = delivery.clone();
    let dying = tokio::spawn(async move { worker.work(&[delivery]).await });
    assert!(
        dying.await.is_err_and(|error| error.is_panic()),
        "the worker did not crash"
    );
}

#[tokio::test]
async fn rows_before_a_broken_row_are_imported() {
    let plant = Plant::new().await;
    let file = format!("{}\"Bea,B1,b@example.com\n{}", people(700), rows(700, 100));
    let (id, delivery) = uploaded(&plant, &file, ImportOptions::default()).await;
    let verdicts = importer(&plant).work(std::slice::from_ref(&delivery)).await;
    assert_eq!(
        verdicts,
        [Verdict::GiveUp {
            why: "UNCLOSED_QUOTE".to_owned()
        }]
    );
    let events = import_events(&plant, id).await;
    let Some(ImportEvent::ImportFailed(failed)) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!(failed.code, "UNCLOSED_QUOTE");
    assert!(failed.reason.contains("row 702"), "{}", failed.reason);
    let attendees = plant
        .log
        .all()
        .await
        .into_iter()
        .filter(|e| e.event_type == "AttendeeImported")
        .count();
    assert_eq!(attendees, 700);
    // A redelivery has no effect.
    let written = plant.log.all().await.len();
    assert_eq!(importer(&plant).work(&[delivery]).await, [Verdict::Done]);
    assert_eq!(plant.log.all().await.len(), written);
}

#[tokio::test]
async fn import_of_an_expired_file_fails_with_a_remedy() {
    let plant = Plant::new().await;
    let (id, delivery) = uploaded(&plant, &people(1), ImportOptions::default()).await;
    plant.storage.delete(&import_key(id.0)).await.unwrap();
    let verdicts = importer(&plant).work(&[delivery]).await;
    assert_eq!(
        verdicts,
        [Verdict::GiveUp {
            why: "FILE_EXPIRED".to_owned()
        }]
    );
    let Some(ImportEvent::ImportFailed(failed)) = import_events(&plant, id).await.pop() else {
        panic!("no failure")
    };
    assert!(
        failed.reason.contains("upload it again"),
        "{}",
        failed.reason
    );
}

#[tokio::test]
async fn failed_import_continues_under_its_id_and_skips_what_is_done() {
    let plant = Plant::new().await;
    let (id, delivery) = uploaded(&plant, &people(1_500), earning()).await;
    dies_at_its_event(&plant, 2_100, &delivery).await;
    let importer = importer(&plant);
    let why = "the storage was away for too long";
    Worker::abandon(&importer, &delivery, why).await.unwrap();
    let events = import_events(&plant, id).await;
    assert!(
        matches!(events.last(), Some(ImportEvent::ImportFailed(_))),
        "{events:?}"
    );

    for _ in 0..2 {
        let retry = ImportCommand::Retry;
        plant
            .log
            .commands
            .execute::<Import>(&person(), id, retry)
            .await
            .unwrap();
    }
    let event = plant.log.all().await.pop().unwrap();
    assert_eq!(event.event_type, "ImportRetryRequested");
    let retried = event.position;
    assert_eq!(
        importer.work(&[first_delivery(event)]).await,
        [Verdict::Done]
    );
    let (end, _) = completed(&plant, id).await;
    assert_eq!(counts(&end), (1_500, 1_500, 0, 0, 1_500));
    let all = plant.log.all().await;
    let imported = all
        .iter()
        .filter(|event| event.event_type == "AttendeeImported");
    assert_eq!(imported.count(), 1_500);
    for event in all.iter().filter(|event| event.position > retried) {
        let cause = event.caused_by.map(|cause| cause.position);
        assert_eq!(cause, Some(retried), "{}", event.event_type);
    }
    // People of rows that were recorded before the failure are in another batch than the others.
    let mut people = 0;
    for event in all
        .iter()
        .filter(|event| event.event_type == "BatchRequested")
    {
        let batch: BatchRequested = serde_json::from_slice(&event.body).unwrap();
        people += batch.attendee_ids.len();
    }
    assert_eq!(people, 1_500);
}

#[tokio::test]
async fn redelivery_after_the_end_of_an_import_does_nothing() {
    let plant = Plant::new().await;
    let (id, delivery) = uploaded(&plant, &people(20), ImportOptions::default()).await;
    assert_eq!(
        importer(&plant).work(std::slice::from_ref(&delivery)).await,
        [Verdict::Done]
    );
    assert!(
        !plant.storage.exists(&import_key(id.0)).await.unwrap(),
        "the file is deleted"
    );
    let written = plant.log.all().await.len();
    assert_eq!(importer(&plant).work(&[delivery]).await, [Verdict::Done]);
    assert_eq!(plant.log.all().await.len(), written);
}

#[tokio::test]
async fn import_of_a_crashed_worker_is_resumed_with_the_same_outcome() {
    let plant = Plant::new().await;
    // In each chunk, some rows are rejected. So an incomplete report would be detected.
    let file = format!(
        "{HEADER}{}Bea,DOC3,b@example.com\n{}Cleo,C1,nowhere\n",
        rows(0, 600),
        rows(600, 900)
    );
    let (id, delivery) = uploaded(&plant, &file, ImportOptions::default()).await;
    // A chunk has 665 rows with three events each, and two more events. So the worker dies in the
    // second chunk.
    dies_at_its_event(&plant, 2_500, &delivery).await;
    // The first chunk is recorded while the second chunk is being processed.
    until("the first chunk is recorded", async || {
        plant.history("import", id).await
            == [
                "ImportRequested",
                "ImportRowsRejected",
                "ImportRowsAccepted",
            ]
    })
    .await;

    assert_eq!(importer(&plant).work(&[delivery]).await, [Verdict::Done]);
    let (end, report) = completed(&plant, id).await;
    assert_eq!(counts(&end), (1_502, 1_500, 0, 2, 0));
    let rejected: Vec<_> = report
        .error_details
        .iter()
        .map(|detail| detail.row)
        .collect();
    assert_eq!(rejected, [602, 1_503]);
    let all = plant.log.all().await;
    assert_eq!(
        all.iter()
            .filter(|e| e.event_type == "AttendeeImported")
            .count(),
        1_500
    );
    // The events of the chunks add up to the final event, and contain each row once.
    let mut created = 0;
    let mut through = 0;
    for event in import_events(&plant, id).await {
        if let ImportEvent::ImportRowsAccepted(rows) = event {
            assert!(rows.through_row > through);
            (created, through) = (created + rows.created, rows.through_row);
        }
    }
    assert_eq!((created, through), (1_500, 1_503));
}

#[tokio::test]
async fn row_imported_again_does_not_overwrite_later_changes() {
    let plant = Plant::new().await;
    let updating = updating();
    let (created, first) = uploaded(&plant, &people(1), ImportOptions::default()).await;
    importer(&plant).work(&[first]).await;
    let id = AttendeeId::of_row(created, 2);

    // This worker dies after its only row, before it records the end of the import.
    let earlier = format!("{HEADER}Ada Lovelace,DOC0,earlier@example.com\n");
    let (earlier_id, delivery) = uploaded(&plant, &earlier, updating).await;
    // The worker appends the events of the attendee, the old claim and the new claim. It then dies
    // before it records the row.
    dies_at_its_event(&plant, 4, &delivery).await;
    assert_eq!(
        plant.history("import", earlier_id).await,
        ["ImportRequested"]
    );
    let email = async || {
        let known = plant
            .log
            .commands
            .load::<Attendee>(id)
            .await
            .unwrap()
            .state
            .0
            .unwrap();
        known.email.reveal_str().to_owned()
    };
    assert_eq!(email().await, "earlier@example.com");

    import(
        &plant,
        &format!("{HEADER}Ada Lovelace,DOC0,later@example.com\n"),
        updating,
    )
    .await;
    assert_eq!(importer(&plant).work(&[delivery]).await, [Verdict::Done]);
    assert_eq!(
        counts(&completed(&plant, earlier_id).await.0),
        (1, 0, 1, 0, 0)
    );
    assert_eq!(email().await, "later@example.com");
    let known = plant
        .log
        .commands
        .load::<Attendee>(id)
        .await
        .unwrap()
        .state
        .0
        .unwrap();
    let claims = PersonClaims::of(key().reveal().as_bytes(), &known);
    for claim in [claims.email, claims.document].into_iter().flatten() {
        assert_eq!(
            plant
                .log
                .commands
                .load::<Claim>(claim)
                .await
                .unwrap()
                .state
                .0,
            Some(id.0)
        );
    }
}
