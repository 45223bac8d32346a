//! Importer: rows that depend on each other have the same results as if they were imported one
//! after the other.

use laureate::domain::certification::attendee::Attendee;
use laureate::domain::kernel::claim::{Claim, ClaimKind};
use laureate::domain::{AttendeeId, ImportId, SharedEmail};
use laureate::importing::ImportOptions;
use laureate::workers::Worker;

use super::fixture::Plant;
use super::importing::{
    HEADER, completed, counts, import, importer, key, people, rehearsed, rows, updating, uploaded,
    without_ids,
};

/// Returns the name and document number of the person who has an address.
async fn holder(plant: &Plant, address: &str) -> Option<(String, String)> {
    let claim = ClaimKind::AttendeeEmail.subject_id(key().reveal().as_bytes(), address);
    let id = plant
        .log
        .commands
        .load::<Claim>(claim)
        .await
        .unwrap()
        .state
        .0?;
    let known = plant
        .log
        .commands
        .load::<Attendee>(AttendeeId(id))
        .await
        .unwrap()
        .state
        .0?;
    let number = known
        .document_number
        .map(|number| number.into_revealed())
        .unwrap_or_default();
    Some((known.full_name.reveal_str().to_owned(), number))
}

async fn update_from(plant: &Plant, file: &str) -> (ImportId, (u32, u32, u32, u32, u32)) {
    let (id, delivery) = uploaded(plant, file, updating()).await;
    importer(plant).work(&[delivery]).await;
    (id, counts(&completed(plant, id).await.0))
}

#[tokio::test]
async fn row_can_take_a_value_that_an_earlier_row_releases() {
    for round in 0..3 {
        let plant = Plant::new().await;
        import(&plant, &people(1), ImportOptions::default()).await;
        // The first row releases DOC0, and the second row takes it. Many other rows are processed
        // at the same time.
        let file = format!(
            "{HEADER}Ada Lovelace,NEW,p0@example.com\nBea,DOC0,b@example.com\n{}",
            rows(100, 50 * round)
        );
        let (_, found) = update_from(&plant, &file).await;
        assert_eq!(
            found,
            (2 + 50 * round as u32, 1 + 50 * round as u32, 1, 0, 0)
        );
        assert_eq!(
            holder(&plant, "p0@example.com").await,
            Some(("Ada Lovelace".to_owned(), "NEW".to_owned()))
        );
        assert_eq!(
            holder(&plant, "b@example.com").await,
            Some(("Bea".to_owned(), "DOC0".to_owned()))
        );
    }
}

#[tokio::test]
async fn row_cannot_take_a_value_that_a_later_row_releases() {
    let plant = Plant::new().await;
    import(&plant, &people(2), ImportOptions::default()).await;
    // The e-mail address and the document number belong to two different people until the second
    // row has changed one of them.
    let file =
        format!("{HEADER}Ada Lovelace,DOC1,p0@example.com\nAda Lovelace,NEW,p1@example.com\n");
    let (_, found) = update_from(&plant, &file).await;
    assert_eq!(found, (2, 0, 1, 1, 0));
    assert_eq!(
        holder(&plant, "p0@example.com").await,
        Some(("Ada Lovelace".to_owned(), "DOC0".to_owned()))
    );
}

/// Returns pseudo-random numbers (SplitMix64). They are the same in each run.
fn drawn(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ (mixed >> 31)) % below
}

#[tokio::test]
async fn import_has_the_same_outcome_as_its_rows_one_by_one() {
    for seed in 1..=3 {
        let mut state = seed;
        let known: String = (0..12)
            .map(|n| format!("P{},D{n},a{n}@example.com\n", n % 3))
            .collect();
        let rows: String = (0..60)
            .map(|_| {
                [
                    drawn(&mut state, 3),
                    drawn(&mut state, 24),
                    drawn(&mut state, 24),
                ]
            })
            .map(|[name, document, address]| {
                format!("P{name},D{document},a{address}@example.com\n")
            })
            .collect();
        let plant = Plant::new().await;
        import(
            &plant,
            &format!("{HEADER}{known}"),
            ImportOptions::default(),
        )
        .await;
        let file = format!("{HEADER}{rows}");
        // A dry run processes the rows one after the other.
        let one_by_one = rehearsed(&plant, &file, updating()).await;
        let (_, whole) = import(&plant, &file, updating()).await;
        let met = (whole.created, whole.updated, whole.errors);
        assert!(
            met.0 > 1 && met.1 > 0 && met.2 > 3,
            "the rows depend on each other: {met:?}"
        );
        assert_eq!(without_ids(whole), without_ids(one_by_one), "seed {seed}");
    }
}

#[tokio::test]
async fn dry_run_keeps_the_holder_of_a_name_at_a_shared_address() {
    let sharing = ImportOptions {
        requires_document: false,
        shared_email: SharedEmail::Allow,
        ..ImportOptions::default()
    };
    let plant = Plant::new().await;
    import(&plant, &format!("{HEADER}Ana,D1,s@example.com\n"), sharing).await;
    // The first row is a different person who has the same name. The second row is the known
    // person.
    let file = format!("{HEADER}Ana,D2,s@example.com\nAna,,s@example.com\n");
    let message = rehearsed(&plant, &file, sharing).await;
    assert_eq!(
        (
            message.created,
            message.existing,
            message.repeated,
            message.errors
        ),
        (1, 1, 0, 0)
    );
    let (_, done) = import(&plant, &file, sharing).await;
    assert_eq!(without_ids(done), without_ids(message));
}

/// Tests two workers of the same import. They do not load the events again for each chunk.
#[tokio::test]
async fn concurrent_workers_of_one_import_record_each_chunk_once() {
    let plant = Plant::new().await;
    let (id, delivery) = uploaded(&plant, &people(1_500), ImportOptions::default()).await;
    // Two workers import the same file at the same time, as can happen after an early redelivery.
    let first = importer(&plant);
    let second = importer(&plant);
    tokio::join!(
        first.work(std::slice::from_ref(&delivery)),
        second.work(std::slice::from_ref(&delivery))
    );
    assert_eq!(
        counts(&completed(&plant, id).await.0),
        (1_500, 1_500, 0, 0, 0)
    );
    let noted = plant.history("import", id).await;
    assert_eq!(
        noted
            .iter()
            .filter(|event| *event == "ImportRowsAccepted")
            .count(),
        3,
        "{noted:?}"
    );
    let people = plant
        .log
        .all()
        .await
        .into_iter()
        .filter(|e| e.event_type == "AttendeeImported")
        .count();
    assert_eq!(people, 1_500);
}
