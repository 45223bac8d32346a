//! Files that the demo uses.

use std::collections::HashSet;
use std::path::Path;

use super::super::fixture::rows;
use super::super::{Format, Limits, RowOutcome, SheetRow, made_up_people, open, sniff};
use crate::domain::Person;
use crate::domain::certification::reading::Reading;

fn people(rows: &[SheetRow]) -> Vec<Person> {
    let person = |row: &SheetRow| match &row.outcome {
        RowOutcome::Person { person, .. } => person.complete(true).ok(),
        RowOutcome::Rejected { .. } => None,
    };
    rows.iter().filter_map(person).collect()
}

#[test]
fn sample_file_has_two_invalid_rows_and_one_duplicate() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/people.csv");
    let bytes = std::fs::read(&path).expect("the sample is there");
    let format = sniff(&bytes).expect("it is a CSV");
    let reader = open(&path, format, Limits::default(), &Reading::default()).expect("it opens");
    assert_eq!(reader.columns().count(), 6);
    let rows: Vec<SheetRow> = reader.collect::<Result<_, _>>().expect("it is whole");
    assert_eq!(rows.len(), 72);

    let wrong: Vec<_> = rows
        .iter()
        .filter_map(|row| match &row.outcome {
            RowOutcome::Rejected { errors, .. } => {
                Some(errors.iter().map(|error| error.code).collect::<Vec<_>>())
            }
            RowOutcome::Person { person, .. } => {
                let errors = person.complete(true).err()?;
                Some(errors.iter().map(|error| error.code).collect())
            }
        })
        .collect();
    assert_eq!(wrong, [vec!["INVALID_EMAIL"], vec!["REQUIRED"]]);

    let people = people(&rows);
    let mailboxes: HashSet<_> = people
        .iter()
        .map(|person| person.normalised_email())
        .collect();
    let documents: HashSet<_> = people
        .iter()
        .map(|person| person.normalised_document())
        .collect();
    assert_eq!(
        (people.len(), mailboxes.len(), documents.len()),
        (70, 69, 70),
        "one address is there twice"
    );
    let longest = people
        .iter()
        .map(|person| person.full_name.reveal_str().chars().count())
        .max();
    assert_eq!(longest, Some(60));
    for person in &people {
        let mailbox = person.email.reveal_str();
        assert!(
            ["@example.com", "@example.org", "@example.net"]
                .iter()
                .any(|domain| mailbox.ends_with(domain))
        );
    }
    for script in ['ñ', 'ğ', 'ễ', 'Ω', 'Ж', 'م', '子'] {
        let has = |person: &Person| person.full_name.reveal_str().contains(script);
        assert!(people.iter().any(has), "{script}");
    }
}

#[test]
fn generated_people_are_unique_and_depend_only_on_the_seed() {
    let written = |people, seed| {
        let mut bytes = Vec::new();
        made_up_people(people, seed, &mut bytes).expect("writing to memory never fails");
        bytes
    };
    let bytes = written(5_000, 7);
    assert_eq!(bytes, written(5_000, 7));
    assert_ne!(bytes, written(5_000, 8));
    let rows = rows(&bytes, Format::Csv);
    let people = people(&rows);
    assert_eq!(people.len(), 5_000);
    let mailboxes: HashSet<_> = people
        .iter()
        .map(|person| person.normalised_email())
        .collect();
    let documents: HashSet<_> = people
        .iter()
        .map(|person| person.normalised_document())
        .collect();
    assert_eq!((mailboxes.len(), documents.len()), (5_000, 5_000));
}

#[test]
fn error_of_the_writer_is_returned_unchanged() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::new(
                std::io::ErrorKind::BrokenPipe,
                "nobody reads",
            ))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let error = made_up_people(5_000, 7, Closed).expect_err("cannot be written");
    assert_eq!(
        (error.kind(), error.to_string()),
        (std::io::ErrorKind::BrokenPipe, "nobody reads".to_owned())
    );
}
