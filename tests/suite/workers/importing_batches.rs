//! Importer: people and certificates are counted once, and certificates are issued in batches.

use laureate::domain::certification::batch::BatchRequested;
use laureate::domain::{CertificateId, SharedEmail};
use laureate::importing::ImportOptions;
use laureate::workers::{Verdict, Worker};
use uuid::Uuid;

use super::fixture::{Plant, first_delivery};
use super::importing::{
    HEADER, codes, completed, counts, earning, import, importer, people, rehearsed, rows, updating,
    uploaded, without_ids,
};
use super::withdrawing::{defined, processes};

async fn batches(plant: &Plant) -> Vec<BatchRequested> {
    let all = plant.log.all().await;
    let requested = all
        .iter()
        .filter(|event| event.event_type == "BatchRequested");
    requested
        .map(|event| serde_json::from_slice(&event.body).unwrap())
        .collect()
}

#[tokio::test]
async fn each_certificate_of_a_file_is_issued_by_a_batch() {
    let plant = Plant::new().await;
    let options = earning();
    let other = defined(&plant.log.commands).await;
    let file = format!(
        "fullName,documentNumber,email,certificateId\nAda,D1,a@example.com,\nBea,D2,b@example.com,{other}\n\
         Cleo,D3,c@example.com,\n"
    );
    let (id, delivery) = uploaded(&plant, &file, options).await;
    assert_eq!(importer(&plant).work(&[delivery]).await, [Verdict::Done]);
    let mut found: Vec<_> = batches(&plant)
        .await
        .into_iter()
        .map(|batch| {
            assert_eq!(batch.import_id, Some(id));
            (batch.certificate_id, batch.attendee_ids.len())
        })
        .collect();
    found.sort();
    let mut expected = [
        (options.certificate_id.map(CertificateId).unwrap(), 2),
        (other, 1),
    ];
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn row_with_an_unknown_certificate_is_an_error() {
    let plant = Plant::new().await;
    let other = Uuid::new_v4();
    let file =
        format!("fullName,documentNumber,email,ID certificado\nAda,D1,a@example.com,{other}\n");
    for report in [
        rehearsed(&plant, &file, ImportOptions::default()).await,
        import(&plant, &file, ImportOptions::default()).await.1,
    ] {
        assert_eq!(
            codes(&report),
            [(2, "UNKNOWN_CERTIFICATE", Some("certificateId"))]
        );
        assert_eq!(
            report.error_details[0].errors[0].column.as_deref(),
            Some("ID certificado")
        );
    }
}

#[tokio::test]
async fn people_and_certificates_are_counted_once_per_file() {
    let plant = Plant::new().await;
    let other = defined(&plant.log.commands).await;
    let file = format!(
        "fullName,documentNumber,email,certificateId\nAda,D1,a@example.com,\nADA,d-1,A@example.com,\n\
         Ada,D1,a@example.com,{other}\nAda Mora,D1,a@example.com,\nAda,D1,a@example.com,{other}\n"
    );
    let options = earning();
    let text = rehearsed(&plant, &file, options).await;
    let (end, report) = import(&plant, &file, options).await;
    assert_eq!(without_ids(text), without_ids(report.clone()));
    assert_eq!(
        (counts(&end), end.existing, end.repeated),
        ((5, 1, 0, 1, 2), 0, 3)
    );
    assert_eq!(codes(&report), [(5, "CONTRADICTS_ROW", Some("fullName"))]);
    assert!(report.error_details[0].errors[0].message.contains("row 2"));
    let (again, _) = import(&plant, &file, options).await;
    assert_eq!(
        (counts(&again), again.existing, again.repeated),
        ((5, 0, 0, 1, 2), 1, 3)
    );
}

#[tokio::test]
async fn failed_import_still_issues_to_imported_people() {
    let plant = Plant::new().await;
    let certificate = defined(&plant.log.commands).await;
    let options = ImportOptions {
        certificate_id: Some(certificate.0),
        ..ImportOptions::default()
    };
    let file = format!("{}\"Bea,B1,b@example.com\n{}", people(700), rows(700, 100));
    let (id, delivery) = uploaded(&plant, &file, options).await;
    importer(&plant).work(&[delivery]).await;
    let failed = plant
        .log
        .log
        .load("import", &id.to_string(), 0)
        .await
        .unwrap()
        .pop()
        .unwrap();
    assert_eq!(failed.event_type, "ImportFailed");
    for _ in 0..2 {
        assert_eq!(
            processes(&plant)
                .work(&[first_delivery(failed.clone())])
                .await,
            [Verdict::Done]
        );
    }
    let batches = batches(&plant).await;
    assert_eq!(batches.len(), 1);
    assert_eq!(
        (batches[0].attendee_ids.len(), batches[0].import_id),
        (700, Some(id))
    );
}

#[tokio::test]
async fn rejected_row_earns_no_certificate() {
    let plant = Plant::new().await;
    import(&plant, &people(2), ImportOptions::default()).await;
    for options in [
        earning(),
        ImportOptions {
            update_existing: true,
            ..earning()
        },
    ] {
        let file = format!(
            "{HEADER}Bea,D8,p1@example.com\nCleo,DOC0,c@example.com\nDora,N/A,d@example.com\n"
        );
        let (end, report) = import(&plant, &file, options).await;
        assert_eq!(counts(&end), (3, 0, 0, 3, 0));
        let expected = [
            (2, "DUPLICATE", Some("email")),
            (3, "DUPLICATE", Some("documentNumber")),
            (4, "PLACEHOLDER", Some("documentNumber")),
        ];
        assert_eq!(codes(&report), expected);
    }
    assert_eq!(batches(&plant).await, []);
}

#[tokio::test]
async fn family_members_share_an_address_if_allowed() {
    let plant = Plant::new().await;
    let allow = |options| ImportOptions {
        shared_email: SharedEmail::Allow,
        ..options
    };
    let family = format!("{HEADER}Ana,D1,f@example.com\nBruno,D2,f@example.com\n");
    let (refused, _) = import(&plant, &family, ImportOptions::default()).await;
    assert_eq!(counts(&refused), (2, 1, 0, 1, 0));
    let (end, _) = import(&plant, &family, allow(earning())).await;
    assert_eq!((counts(&end), end.existing), ((2, 1, 0, 0, 2), 1));
    // Both people are recognized later, even if addresses can no longer be shared.
    for options in [
        allow(ImportOptions::default()),
        ImportOptions::default(),
        updating(),
    ] {
        let (end, _) = import(&plant, &family, options).await;
        assert_eq!((counts(&end), end.existing), ((2, 0, 0, 0, 0), 2));
    }
    let third = format!("{HEADER}Carla,D3,f@example.com\n");
    let (end, report) = import(&plant, &third, updating()).await;
    assert_eq!(counts(&end), (1, 0, 0, 1, 0));
    assert_eq!(codes(&report), [(2, "DUPLICATE", Some("email"))]);
}

#[tokio::test]
async fn people_without_documents_are_identified_by_address_and_name() {
    let plant = Plant::new().await;
    let none = ImportOptions {
        requires_document: false,
        ..ImportOptions::default()
    };
    let sharing = ImportOptions {
        shared_email: SharedEmail::Allow,
        ..none
    };
    let family = "fullName,email\nAna,f@example.com\nBruno,f@example.com\n";
    let (end, report) = import(&plant, family, none).await;
    assert_eq!(counts(&end), (2, 1, 0, 1, 0));
    assert_eq!(codes(&report), [(3, "DUPLICATE", Some("email"))]);
    let text = rehearsed(&plant, family, sharing).await;
    assert_eq!((text.created, text.existing, text.errors), (1, 1, 0));
    for (created, existing) in [(1, 1), (0, 2)] {
        let (end, _) = import(&plant, family, sharing).await;
        assert_eq!(
            (end.created, end.existing, end.errors),
            (created, existing, 0)
        );
    }
    // A document number is added only if updates are enabled, and only to the person with the same
    // name.
    let later = format!("{HEADER}Bruno,D2,f@example.com\n");
    let (end, _) = import(
        &plant,
        &later,
        ImportOptions {
            requires_document: true,
            ..sharing
        },
    )
    .await;
    assert_eq!(counts(&end), (1, 0, 0, 1, 0));
    let (end, _) = import(
        &plant,
        &later,
        ImportOptions {
            update_existing: true,
            ..sharing
        },
    )
    .await;
    assert_eq!(counts(&end), (1, 0, 1, 0, 0));
    let (end, _) = import(&plant, &later, ImportOptions::default()).await;
    assert_eq!((counts(&end), end.existing), ((1, 0, 0, 0, 0), 1));
}

#[tokio::test]
async fn concurrent_imports_create_each_person_once() {
    let plant = Plant::new().await;
    let (one, first) = uploaded(&plant, &people(40), ImportOptions::default()).await;
    let (other, second) = uploaded(&plant, &people(40), ImportOptions::default()).await;
    let left = importer(&plant);
    let right = importer(&plant);
    tokio::join!(
        left.work(std::slice::from_ref(&first)),
        right.work(std::slice::from_ref(&second))
    );
    let one = completed(&plant, one).await.0;
    let other = completed(&plant, other).await.0;
    assert_eq!(
        (one.created + other.created, one.existing + other.existing),
        (40, 40)
    );
    assert_eq!((one.errors, other.errors), (0, 0));
}

#[tokio::test]
async fn certificate_of_a_row_requires_a_document_for_that_row() {
    let without = ImportOptions {
        requires_document: false,
        ..ImportOptions::default()
    };
    let plant = Plant::new().await;
    import(&plant, &format!("{HEADER}Cleo,D3,c@example.com\n"), without).await;
    let requiring = defined(&plant.log.commands).await;
    // The last person is known, and has a document number.
    let file = format!(
        "fullName,documentNumber,email,certificateId\nAda,,a@example.com,{requiring}\nBea,,b@example.com,\n\
         Dora,N/A,d@example.com,{requiring}\nCleo,,c@example.com,{requiring}\n"
    );
    let text = rehearsed(&plant, &file, without).await;
    let (_, done) = import(&plant, &file, without).await;
    for report in [text, done] {
        let missing = ("REQUIRED", Some("documentNumber"));
        assert_eq!(
            codes(&report),
            [(2, missing.0, missing.1), (4, missing.0, missing.1)]
        );
        let message = &report.error_details[0].errors[0].message;
        assert!(
            message.contains("names a certificate that requires a documentNumber; fill it in"),
            "{message}"
        );
        assert_eq!(
            (
                report.created,
                report.existing,
                report.certificates_associated
            ),
            (1, 1, 1)
        );
    }
}

#[tokio::test]
async fn known_person_is_checked_with_the_stored_name() {
    for (stored, row, associated) in [("Ana \u{12000}", "Ana", 0), ("Ana", "Ana \u{12000}", 1)] {
        let plant = Plant::new().await;
        let known = format!("{HEADER}{stored},D1,a@example.com\n");
        import(&plant, &known, ImportOptions::default()).await;
        let options = earning();
        let file = format!("{HEADER}{row},D1,a@example.com\n");
        let text = rehearsed(&plant, &file, options).await;
        assert_eq!(
            (text.existing, text.certificates_associated, text.warnings),
            (1, associated, 1 - associated)
        );
        let (end, _) = import(&plant, &file, options).await;
        assert_eq!((end.existing, end.associated), (1, associated), "{row}");
    }
}

#[tokio::test]
async fn person_from_an_earlier_row_of_a_chunk_is_checked_with_stored_name() {
    let plant = Plant::new().await;
    let file = format!("{HEADER}Ana \u{12000},D1,a@example.com\nAna \u{12000},D1,a@example.com\n");
    let options = earning();
    let expected = (1, 1, 0);
    let text = rehearsed(&plant, &file, options).await;
    assert_eq!(
        (text.created, text.repeated, text.certificates_associated),
        expected
    );
    let (end, _) = import(&plant, &file, options).await;
    assert_eq!((end.created, end.repeated, end.associated), expected);
}
