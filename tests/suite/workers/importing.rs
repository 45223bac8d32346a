//! Importer: the report, the events and the known people that result from a file.

use std::path::Path;

use bytes::Bytes;
use laureate::domain::certification::attendee::Attendee;
use laureate::domain::certification::import::{
    FileFormat, Import, ImportCommand, ImportCompleted, ImportEvent, ImportRequested,
};
use laureate::domain::certification::mail::MailDelivery;
use laureate::domain::certification::reading::Reading;
use laureate::domain::{AttendeeId, CertificateId, ImportId, Secret};
use laureate::importing::ImportOptions;
use laureate::importing::Importer;
use laureate::importing::dry_run::dry_run;
use laureate::importing::report::ImportReport;
use laureate::importing::report_file::ReportFile;
use laureate::spreadsheet;
use laureate::spreadsheet::{Format, Limits};
use laureate::storage::{import_key, import_report_key};
use laureate::workers::importer::ImporterWorker;
use laureate::workers::{Delivery, Verdict, Worker};
use uuid::Uuid;

use super::fixture::{Plant, first_delivery};
use super::issuing::renderer;
use super::withdrawing::defined;
use crate::log::fixture::person;

pub const HEADER: &str = "fullName,documentNumber,email\n";

pub fn key() -> Secret {
    Secret::new("a key for claims")
}

pub fn importer(plant: &Plant) -> ImporterWorker {
    let commands = plant.log.commands.clone();
    ImporterWorker(Importer::new(
        commands,
        plant.storage.clone(),
        key(),
        Limits::default(),
        renderer(),
    ))
}

/// Returns rows of different people. `from` is the number of the first person.
pub fn rows(from: usize, count: usize) -> String {
    (from..from + count)
        .map(|n| format!("Ada Lovelace,DOC{n},p{n}@example.com\n"))
        .collect()
}

pub fn people(count: usize) -> String {
    format!("{HEADER}{}", rows(0, count))
}

/// Stores a file and requests its import. Returns the delivery that an importer gets.
pub async fn uploaded(plant: &Plant, file: &str, options: ImportOptions) -> (ImportId, Delivery) {
    let id = ImportId(Uuid::new_v4());
    let object = import_key(id.0);
    plant
        .storage
        .put(&object, Bytes::from(file.to_owned()))
        .await
        .unwrap();
    let request = ImportRequested {
        object_key: object.to_string(),
        format: FileFormat::Csv,
        sha256: "ab".repeat(32),
        size: file.len() as u64,
        update_existing: options.update_existing,
        certificate_id: options.certificate_id.map(Into::into),
        delivery: MailDelivery::Immediate,
        reading: Default::default(),
        issue_date: None,
        requires_document: options.requires_document,
        shared_email: options.shared_email,
    };
    let command = ImportCommand::Request(request);
    plant
        .log
        .commands
        .execute::<Import>(&person(), id, command)
        .await
        .unwrap();
    let event = plant
        .log
        .log
        .load("import", &id.to_string(), 0)
        .await
        .unwrap()
        .remove(0);
    (id, first_delivery(event))
}

pub async fn import_events(plant: &Plant, id: ImportId) -> Vec<ImportEvent> {
    let recorded = plant
        .log
        .log
        .load("import", &id.to_string(), 0)
        .await
        .unwrap();
    recorded
        .iter()
        .map(|event| event.decode_as::<ImportEvent>().unwrap())
        .collect()
}

/// Imports a file, and returns the last event of the import and its report.
pub async fn import(
    plant: &Plant,
    file: &str,
    options: ImportOptions,
) -> (ImportCompleted, ImportReport) {
    let (id, delivery) = uploaded(plant, file, options).await;
    assert_eq!(importer(plant).work(&[delivery]).await, [Verdict::Done]);
    completed(plant, id).await
}

pub async fn completed(plant: &Plant, id: ImportId) -> (ImportCompleted, ImportReport) {
    let Some(ImportEvent::ImportCompleted(end)) = import_events(plant, id).await.pop() else {
        panic!("not completed")
    };
    let error_details = match &end.report_key {
        Some(report_key) => {
            assert_eq!(*report_key, import_report_key(id.0).to_string());
            let object = plant
                .storage
                .get(&import_report_key(id.0), 1 << 26)
                .await
                .unwrap()
                .unwrap();
            ReportFile::first_rows(&object).unwrap()
        }
        None => Vec::new(),
    };
    let report = ImportReport {
        total_records: end.total,
        created: end.created,
        updated: end.updated,
        existing: end.existing,
        repeated: end.repeated,
        errors: end.errors,
        error_details,
        certificates_associated: end.associated,
        warnings: 0,
        warning_details: Vec::new(),
    };
    (end, report)
}

/// Returns (total, created, updated, errors, associated).
pub fn counts(end: &ImportCompleted) -> (u32, u32, u32, u32, u32) {
    (
        end.total,
        end.created,
        end.updated,
        end.errors,
        end.associated,
    )
}

pub fn codes(report: &ImportReport) -> Vec<(u32, &str, Option<&str>)> {
    let details = report.error_details.iter();
    details
        .map(|d| {
            (
                d.row,
                d.errors[0].code.as_str(),
                d.errors[0].field.as_deref(),
            )
        })
        .collect()
}

pub async fn rehearsed(plant: &Plant, file: &str, options: ImportOptions) -> ImportReport {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    std::fs::write(&path, file).unwrap();
    let reader =
        spreadsheet::open(&path, Format::Csv, Limits::default(), &Reading::default()).unwrap();
    dry_run(&plant.log.commands, &key(), &renderer(), reader, options)
        .await
        .unwrap()
        .report
}

pub fn earning() -> ImportOptions {
    ImportOptions {
        certificate_id: Some(Uuid::new_v4()),
        ..ImportOptions::default()
    }
}

pub fn updating() -> ImportOptions {
    ImportOptions {
        update_existing: true,
        ..ImportOptions::default()
    }
}

#[tokio::test]
async fn second_import_of_the_sample_matches_all_people() {
    let plant = Plant::new().await;
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/people.csv");
    let file = std::fs::read_to_string(sample).unwrap();
    let data_rows = u32::try_from(
        file.lines()
            .skip(1)
            .filter(|line| !line.trim().is_empty())
            .count(),
    )
    .unwrap();
    let (first, report) = import(&plant, &file, ImportOptions::default()).await;
    assert_eq!(first.total, data_rows);
    assert_eq!(
        (
            first.created + first.errors,
            first.updated,
            first.associated
        ),
        (data_rows, 0, 0)
    );
    assert_eq!(codes(&report).len() as u32, first.errors);
    let attendees = || async {
        plant
            .log
            .all()
            .await
            .iter()
            .filter(|e| e.aggregate == "attendee")
            .count()
    };
    assert_eq!(attendees().await as u32, first.created);

    let (second, _) = import(&plant, &file, earning()).await;
    assert_eq!(
        (second.total, second.created, second.updated),
        (data_rows, 0, 0)
    );
    assert_eq!(
        (second.existing, second.errors),
        (first.created, first.errors),
        "known people are no errors"
    );
    assert!(
        second.associated > 0 && second.associated <= second.existing,
        "known people earn it, too"
    );
    assert_eq!(
        attendees().await as u32,
        first.created,
        "no person is created twice"
    );
}

#[tokio::test]
async fn certificate_of_the_import_is_earned_unless_the_row_names_another() {
    let plant = Plant::new().await;
    let options = earning();
    let other = defined(&plant.log.commands).await;
    let file = format!(
        "fullName,documentNumber,email,certificateId\nAda,D1,a@example.com,\nBea,D2,b@example.com,{other}\n"
    );
    let (id, delivery) = uploaded(&plant, &file, options).await;
    importer(&plant).work(&[delivery]).await;
    let events = import_events(&plant, id).await;
    let ImportEvent::ImportRowsAccepted(accepted) = &events[1] else {
        panic!("{events:?}")
    };
    let earned: Vec<_> = accepted
        .earned
        .iter()
        .map(|earned| earned.certificate_id)
        .collect();
    assert_eq!(
        earned,
        [options.certificate_id.map(CertificateId).unwrap(), other]
    );
    assert_eq!(accepted.earned[0].attendee_id, AttendeeId::of_row(id, 2));
    assert_eq!(counts(&completed(&plant, id).await.0), (2, 2, 0, 0, 2));
}

#[tokio::test]
async fn known_people_are_changed_if_updates_are_enabled() {
    let plant = Plant::new().await;
    let (id, delivery) = uploaded(&plant, &people(3), ImportOptions::default()).await;
    importer(&plant).work(&[delivery]).await;
    // One person has another name, one has another address, and one is unchanged.
    let changed = format!(
        "{HEADER}Grace Hopper,DOC0,p0@example.com\nAda Lovelace,DOC1,new@example.com\nAda Lovelace,DOC2,p2@example.com\n"
    );
    let (end, _) = import(&plant, &changed, updating()).await;
    assert_eq!((counts(&end), end.existing), ((3, 0, 2, 0, 0), 1));
    let known = plant
        .log
        .commands
        .load::<Attendee>(AttendeeId::of_row(id, 2))
        .await
        .unwrap()
        .state
        .0
        .unwrap();
    assert_eq!(known.full_name.reveal_str(), "Grace Hopper");
    // The old address can be used again, and the new one can't.
    let next = format!("{HEADER}Bea,D8,p1@example.com\nCleo,D9,new@example.com\n");
    let (end, report) = import(&plant, &next, ImportOptions::default()).await;
    assert_eq!(counts(&end), (2, 1, 0, 1, 0));
    assert_eq!(codes(&report), [(3, "DUPLICATE", Some("email"))]);
}

#[tokio::test]
async fn second_row_with_the_same_address_is_an_error() {
    let plant = Plant::new().await;
    for round in 0..5 {
        let file = format!(
            "{HEADER}Ada,A{round},s{round}@example.com\nBea,B{round},s{round}@example.com\nCleo,A{round},c{round}@example.com\n"
        );
        let (id, delivery) = uploaded(&plant, &file, ImportOptions::default()).await;
        importer(&plant).work(&[delivery]).await;
        let (end, report) = completed(&plant, id).await;
        assert_eq!(counts(&end), (3, 1, 0, 2, 0));
        let expected = [
            (3, "DUPLICATE", Some("email")),
            (4, "DUPLICATE", Some("documentNumber")),
        ];
        assert_eq!(codes(&report), expected);
        let known = plant
            .log
            .commands
            .load::<Attendee>(AttendeeId::of_row(id, 2))
            .await
            .unwrap()
            .state
            .0;
        assert_eq!(known.unwrap().full_name.reveal_str(), "Ada");
    }
}

#[tokio::test]
async fn row_that_matches_two_people_changes_neither() {
    let plant = Plant::new().await;
    import(&plant, &people(2), ImportOptions::default()).await;
    let before = plant.log.all().await.len();
    for options in [ImportOptions::default(), updating(), earning()] {
        let file = format!("{HEADER}Ada,DOC0,p1@example.com\n");
        let (end, report) = import(&plant, &file, options).await;
        assert_eq!(counts(&end), (1, 0, 0, 1, 0));
        assert_eq!(codes(&report), [(2, "MATCHES_TWO_PEOPLE", Some("email"))]);
    }
    let imports = plant.log.all().await.split_off(before);
    assert!(imports.iter().all(|event| event.aggregate == "import"));
}

#[tokio::test]
async fn dry_run_returns_the_report_of_the_import_and_writes_nothing() {
    let plant = Plant::new().await;
    import(&plant, &people(5), ImportOptions::default()).await;
    // A known person, a new person, a repeated address, data of two different people, and invalid
    // rows.
    let file = format!(
        "{HEADER}Ada,DOC0,p0@example.com\nBea,N1,n1@example.com\nCleo,N2,n1@example.com\n\
         Dora,DOC1,p2@example.com\nEve,N3,nowhere\n,N4,n4@example.com\nFay,DOC3,n5@example.com\n"
    );
    for options in [ImportOptions::default(), earning(), updating()] {
        let before = plant.log.log.info().await.unwrap().last_position;
        let text = rehearsed(&plant, &file, options).await;
        assert_eq!(
            plant.log.log.info().await.unwrap().last_position,
            before,
            "something was written"
        );
        let fresh = Plant::new().await;
        import(&fresh, &people(5), ImportOptions::default()).await;
        let (_, done) = import(&fresh, &file, options).await;
        assert_eq!(without_ids(text), without_ids(done));
    }
}

/// Returns the report without the ids of people, because they differ between logs.
pub fn without_ids(mut report: ImportReport) -> ImportReport {
    for error in report
        .error_details
        .iter_mut()
        .flat_map(|detail| &mut detail.errors)
    {
        let words = error.message.split(' ').map(|word| {
            match Uuid::parse_str(word.trim_matches([',', ';'])) {
                Ok(_) => "ID",
                Err(_) => word,
            }
        });
        error.message = words.collect::<Vec<_>>().join(" ");
    }
    report
}
