//! Importer: cancellation before the start, during the import, and after the crash of a worker.

use laureate::domain::ImportId;
use laureate::domain::certification::import::{
    Import, ImportCancelled, ImportCommand, ImportEvent,
};
use laureate::importing::ImportOptions;
use laureate::importing::report_file::ReportFile;
use laureate::storage::import_report_key;
use laureate::workers::{Delivery, Verdict, Worker};

use super::fixture::Plant;
use super::importing::{HEADER, import_events, importer, people, rows, uploaded};
use super::importing_again::dies_at_its_event;
use crate::log::fixture::person;
use crate::support::until;

async fn cancel(plant: &Plant, id: ImportId) {
    plant
        .log
        .commands
        .execute::<Import>(&person(), id, ImportCommand::Cancel)
        .await
        .unwrap();
}

async fn cancelled(plant: &Plant, id: ImportId) -> ImportCancelled {
    match import_events(plant, id).await.pop() {
        Some(ImportEvent::ImportCancelled(end)) => end,
        other => panic!("not cancelled: {other:?}"),
    }
}

async fn known(plant: &Plant) -> usize {
    plant
        .log
        .all()
        .await
        .iter()
        .filter(|event| event.event_type == "AttendeeImported")
        .count()
}

/// Returns the row number and error code of the first 1,000 rows in the report.
async fn reported(plant: &Plant, id: ImportId) -> Vec<(u32, String)> {
    let object = plant
        .storage
        .get(&import_report_key(id.0), 1 << 26)
        .await
        .unwrap()
        .unwrap();
    let rows = ReportFile::first_rows(&object).unwrap();
    rows.into_iter()
        .map(|row| (row.row, row.errors[0].code.clone()))
        .collect()
}

#[tokio::test]
async fn import_cancelled_before_its_start_imports_no_rows() {
    let plant = Plant::new().await;
    let file = format!("{}Cleo,C1,nowhere\n", people(2));
    let (id, delivery) = uploaded(&plant, &file, ImportOptions::default()).await;
    cancel(&plant, id).await;
    assert_eq!(
        importer(&plant).work(std::slice::from_ref(&delivery)).await,
        [Verdict::Done]
    );
    let end = cancelled(&plant, id).await;
    assert_eq!((end.total, end.created, end.errors, end.left), (0, 0, 0, 3));
    assert_eq!(known(&plant).await, 0);
    let expected = [
        (2, "NOT_TAKEN_IN"),
        (3, "NOT_TAKEN_IN"),
        (4, "INVALID_EMAIL"),
    ];
    assert_eq!(
        reported(&plant, id).await,
        expected.map(|(row, code)| (row, code.to_owned()))
    );
    // A redelivery has no effect.
    assert_eq!(importer(&plant).work(&[delivery]).await, [Verdict::Done]);
    assert_eq!(cancelled(&plant, id).await, end);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn import_cancelled_in_progress_counts_imported_and_remaining_rows() {
    const ROWS: usize = 6_660;
    let plant = Plant::new().await;
    let (id, delivery) = uploaded(&plant, &people(ROWS), ImportOptions::default()).await;
    let worker = importer(&plant);
    let working = tokio::spawn(async move { worker.work(&[delivery]).await });
    until("a chunk is recorded", async || {
        plant
            .log
            .commands
            .load::<Import>(id)
            .await
            .unwrap()
            .state
            .through_row
            > 0
    })
    .await;
    cancel(&plant, id).await;
    assert_eq!(working.await.unwrap(), [Verdict::Done]);
    let end = cancelled(&plant, id).await;
    assert_eq!((end.total + end.left) as usize, ROWS);
    assert_eq!(end.created as usize, known(&plant).await);
    assert!(end.left > 0 && end.created > 0, "{end:?}");
    let left = reported(&plant, id).await;
    assert_eq!(
        left.first(),
        Some(&(end.total + 2, "NOT_TAKEN_IN".to_owned())),
        "in the file's order"
    );
}

#[tokio::test]
async fn import_cancelled_after_a_crash_counts_all_imported_rows() {
    let plant = Plant::new().await;
    let file = format!("{HEADER}{}", rows(0, 2_700));
    let (id, delivery) = uploaded(&plant, &file, ImportOptions::default()).await;
    // Each row has three events, so the worker dies in the second chunk.
    dies_at_its_event(&plant, 2_500, &delivery).await;
    cancel(&plant, id).await;
    let again = Delivery {
        attempt: 2,
        ..delivery
    };
    assert_eq!(importer(&plant).work(&[again]).await, [Verdict::Done]);
    let end = cancelled(&plant, id).await;
    assert_eq!(end.created as usize, known(&plant).await);
    assert_eq!((end.created + end.left, end.errors), (2_700, 0));
    assert!(end.left > 0, "{end:?}");
}
