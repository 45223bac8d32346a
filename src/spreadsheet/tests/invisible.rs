//! Files with invisible characters in their cells: unusual spaces, fillers and joiners.

use std::path::Path;

use super::super::fixture::rows;
use super::super::{Format, RowOutcome};

/// Returns the name of each row, or the code of its first error.
fn names(case: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(case);
    let bytes = std::fs::read(&path).expect("the case is there");
    let message = |outcome: RowOutcome| match outcome {
        RowOutcome::Person { person, .. } => person.full_name.into_revealed(),
        RowOutcome::Rejected { errors, .. } => errors[0].code.to_owned(),
    };
    rows(&bytes, Format::Csv)
        .into_iter()
        .map(|row| message(row.outcome))
        .collect()
}

#[test]
fn unusual_spaces_become_spaces() {
    assert_eq!(
        names("46-unusual-spaces.csv"),
        [
            "Ana Rojas",
            "Jean Dupont",
            "Eva Gil",
            "Luis Mora",
            "Tom Ruiz",
            "Zoe Paz",
            "Ugo Sol",
            "山田 太郎",
            "Kim Lee"
        ]
    );
}

#[test]
fn names_of_invisible_characters_are_rejected() {
    let no = "INVALID_NAME";
    assert_eq!(names("48-invisible-names.csv"), [no, no, "Ana", no, no]);
}

#[test]
fn joiners_are_kept_in_scripts_that_need_them() {
    assert_eq!(
        names("55-joiners.csv"),
        [
            "می\u{200C}نا علی\u{200C}زاده",
            "ক্\u{200D}ষ",
            "क्\u{200D}ष राज",
            "श्\u{200C}र",
            "FORBIDDEN_CHARACTER",
            "علی"
        ]
    );
}

#[test]
fn cells_and_rows_of_format_characters_only_are_blank() {
    let sheet = "Name,Email,Document number\n\u{FEFF}Ana Rojas\u{200B},\u{200E}a@example.com\u{200F},\u{AD}1\n\
                 \u{200B},\u{FEFF},\u{200E}\nEva Gil,e@example.com,2\n";
    let rows = rows(sheet.as_bytes(), Format::Csv);
    let people: Vec<_> = rows
        .iter()
        .filter_map(|row| match &row.outcome {
            RowOutcome::Person { person, .. } => Some((row.row, person.full_name.reveal_str())),
            RowOutcome::Rejected { .. } => None,
        })
        .collect();
    assert_eq!(
        (rows.len(), people),
        (2, vec![(2, "Ana Rojas"), (4, "Eva Gil")])
    );
}
