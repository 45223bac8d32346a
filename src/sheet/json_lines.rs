//! People that came in a request's body, kept as a line of JSON each.

use std::fs::File;
use std::io::{BufRead, BufReader};

use serde::Deserialize;

use super::cell::{Cell, Origin, Record};
use super::headers::{self, HeaderMap};
use super::{Limits, SheetError};
use crate::domain::Personal;
use crate::domain::reading::Reading;

/// The fields' names, which take the place of a header row.
const FIELDS: [&str; 9] = [
    "fullName",
    "firstName",
    "lastName",
    "country",
    "documentType",
    "documentNumber",
    "gender",
    "email",
    "certificateId",
];

/// One person as written.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Line {
    full_name: Option<Personal<String>>,
    first_name: Option<Personal<String>>,
    last_name: Option<Personal<String>>,
    country: Option<Personal<String>>,
    document_type: Option<Personal<String>>,
    document_number: Option<Personal<String>>,
    gender: Option<Personal<String>>,
    email: Option<Personal<String>>,
    certificate_id: Option<String>,
}

/// The people of a file, numbered by their lines from 1.
pub(super) fn open(
    file: File,
    limits: Limits,
) -> Result<(HeaderMap, impl Iterator<Item = Result<Record, SheetError>> + Send), SheetError> {
    let map = headers::map(&FIELDS.map(str::to_owned), &Reading::default())?;
    let lines = BufReader::new(file).lines().zip(1_u32..);
    let records = lines.map(move |(line, row)| {
        // The parser's own text may quote the line.
        let broken = |_| SheetError::Broken { reason: format!("line {row} is not a person in JSON") };
        let line: Line = serde_json::from_str(&line?).map_err(broken)?;
        Ok(Record { row, cells: line.cells(limits.max_cell_chars), origin: Origin::Json, is_hidden: false })
    });
    Ok((map, records))
}

impl Line {
    fn cells(self, max_chars: usize) -> Vec<Cell> {
        let personal = [
            self.full_name,
            self.first_name,
            self.last_name,
            self.country,
            self.document_type,
            self.document_number,
            self.gender,
            self.email,
        ];
        let texts = personal.into_iter().map(|text| text.map(Personal::into_revealed));
        let cell = |text: Option<String>| Cell::text(text.unwrap_or_default(), max_chars);
        texts.chain([self.certificate_id]).map(cell).collect()
    }
}
