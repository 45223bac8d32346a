//! One row of a sheet: from cells to a person, or to what is wrong with it.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use super::headers::{Column, HeaderMap, letter};
use crate::domain::person::{FieldError, PersonEntry, RawPerson};
use crate::domain::{Personal, trimmed};

/// What a row may take in a report, in bytes.
const MAX_RAW_BYTES: usize = 16 << 10;

/// One filled row below the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetRow {
    /// 1-based, as the spreadsheet program shows it; the header is usually row 1.
    pub row: u32,
    /// What became of it.
    pub outcome: RowOutcome,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowOutcome {
    /// Every field is as it must be.
    Person {
        /// The person, field by field. E-mail address and document number may be blank.
        person: PersonEntry,
        /// The row's own certificate, where the sheet has such a column and the cell is filled.
        certificate_id: Option<Uuid>,
        /// The row as written.
        raw: RawRow,
    },
    /// Something is wrong; nothing was taken from the row.
    Rejected {
        /// The row as written.
        raw: RawRow,
        /// At least one.
        errors: Vec<RowError>,
    },
}

/// Why a row was rejected. No message contains a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// The header as written in the file; `None` where the row as a whole is wrong.
    pub column: Option<String>,
    /// The field's name in the API; `None` where the row as a whole is wrong.
    pub field: Option<&'static str>,
    /// A code of [`FieldError`], or `WRONG_TYPE`, `UNKNOWN_FIELD`, `FIELD_COUNT`, `INVALID_UUID`, `BOOLEAN_CELL`, `ERROR_CELL`,
    /// `NUMBER_ROUNDED` or `INVALID_DATE`.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// A row as written, cell by cell, for the report that goes back to the uploader. Cells are cut to
/// [`super::Limits::max_cell_chars`], and the row as a whole to 16 KiB: many rows are held at once.
#[derive(Clone, PartialEq, Eq)]
pub struct RawRow {
    headers: Arc<[String]>,
    values: Vec<Personal<String>>,
    /// Header of each field that the sheet has.
    fields: Vec<(&'static str, usize)>,
}

impl RawRow {
    /// The header of a field as written in the file; a full name made of parts has that of the first one.
    #[must_use]
    pub fn header_of(&self, field: &str) -> Option<&str> {
        let of = |name: &str| self.fields.iter().find(|(known, _)| *known == name);
        let is_name = field == Column::FullName.name();
        let found = of(field).or_else(|| if is_name { of(Column::FirstName.name()) } else { None });
        found.and_then(|(_, position)| self.headers.get(*position)).map(String::as_str)
    }

    /// The headers as written, left to right; a column without one has its letter.
    #[must_use]
    pub const fn headers(&self) -> &Arc<[String]> {
        &self.headers
    }

    /// The header of a field whose cell is blank.
    #[must_use]
    pub fn blank_header_of(&self, field: &str) -> Option<&str> {
        let mut places = self.fields.iter().filter(|(known, _)| *known == field).map(|(_, place)| *place);
        let is_blank =
            |place: usize| self.values.get(place).is_none_or(|value| value.reveal_str().trim().is_empty());
        places.all(is_blank).then(|| self.header_of(field))?
    }

    /// Header and value of each filled cell, left to right. A cell outside the header has its column's letter.
    pub fn pairs(&self) -> impl Iterator<Item = (String, &Personal<String>)> {
        let header =
            |position: usize| self.headers.get(position).cloned().unwrap_or_else(|| letter(position));
        let filled = self.values.iter().enumerate().filter(|(_, value)| !value.reveal().is_empty());
        filled.map(move |(position, value)| (header(position), value))
    }
}

impl fmt::Debug for RawRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawRow({} cells)", self.values.len())
    }
}

/// One cell as a source read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Text(Personal<String>),
    /// Something that no field can take; harmless in a column that means nothing.
    Unusable {
        shown: Personal<String>,
        code: &'static str,
        message: &'static str,
    },
}

impl Cell {
    /// Text, or an unusable cell showing the beginning of one that is too long.
    pub(super) fn text(text: String, max_chars: usize) -> Self {
        match text.char_indices().nth(max_chars) {
            None => Self::Text(text.into()),
            Some((end, _)) => Self::Unusable {
                shown: text[..end].to_owned().into(),
                code: "TOO_LONG",
                message: "is longer than a cell may be; shorten it",
            },
        }
    }

    /// A cell that nothing was written into.
    pub(super) fn blank() -> Self {
        Self::Text(String::new().into())
    }

    /// The beginning of a text, of at most so many characters.
    pub(super) fn cut(text: &str, max_chars: usize) -> &str {
        text.char_indices().nth(max_chars).map_or(text, |(end, _)| &text[..end])
    }

    pub(super) fn unusable(shown: impl Into<String>, code: &'static str, message: &'static str) -> Self {
        Self::Unusable { shown: Personal::new(shown.into()), code, message }
    }

    /// The value as the report shows it.
    pub(super) const fn shown(&self) -> &Personal<String> {
        match self {
            Self::Text(text) => text,
            Self::Unusable { shown, .. } => shown,
        }
    }

    pub(super) fn is_blank(&self) -> bool {
        trimmed(self.shown().reveal()).is_empty()
    }
}

/// One row as a source read it.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// 1-based, as the spreadsheet program shows it.
    pub row: u32,
    pub cells: Vec<Cell>,
    /// Whether a row must have as many cells as the header (CSV), or may leave some out (XLSX).
    pub counted: bool,
    /// What is wrong with the row besides its cells.
    pub faults: Vec<RowError>,
}

/// Turns a record into a person or into what is wrong with it.
pub(super) fn read(record: Record, map: &HeaderMap, headers: &Arc<[String]>) -> SheetRow {
    let columns = map.columns.iter().chain(&map.twins);
    let fields = columns.map(|(column, position)| (column.name(), *position)).collect();
    let raw = RawRow { headers: Arc::clone(headers), values: as_written(&record.cells), fields };
    let row = record.row;
    let outcome = match check(record, map) {
        Ok((person, certificate_id)) => RowOutcome::Person { person, certificate_id, raw },
        Err(errors) => RowOutcome::Rejected { raw, errors },
    };
    SheetRow { row, outcome }
}

fn as_written(cells: &[Cell]) -> Vec<Personal<String>> {
    let mut left = MAX_RAW_BYTES;
    let cut = |cell: &Cell| {
        let text = cell.shown().reveal();
        let kept = &text[..text.floor_char_boundary(left.min(text.len()))];
        left -= kept.len();
        Personal::new(kept.to_owned())
    };
    cells.iter().map(cut).collect()
}

fn check(record: Record, map: &HeaderMap) -> Result<(PersonEntry, Option<Uuid>), Vec<RowError>> {
    if let Some(error) = field_count(&record, map.headers.len()) {
        // The fields are shifted against the header: looking at them would only mislead.
        return Err(vec![error]);
    }
    let mut errors = record.faults;
    if !errors.is_empty() && record.cells.iter().all(Cell::is_blank) {
        return Err(errors);
    }
    let mut cells: Vec<Option<Cell>> = record.cells.into_iter().map(Some).collect();
    let mut take = |column| take_text(map, column, &mut cells, &mut errors);
    let (full_name, first_name, last_name) =
        (take(Column::FullName), take(Column::FirstName), take(Column::LastName));
    let raw = RawPerson {
        full_name,
        first_name,
        last_name,
        country: take(Column::Country),
        document_type: take(Column::DocumentType),
        document_number: take(Column::DocumentNumber),
        gender: take(Column::Gender),
        email: take(Column::Email),
    };
    let certificate_id = take(Column::CertificateId);
    let raw = with_plain_name(raw, map, &mut cells);
    let person = match raw.check_entry() {
        Ok(person) => Some(person),
        Err(found) => {
            let unusable: Vec<_> = errors.iter().filter_map(|error: &RowError| error.field).collect();
            let is_known = |error: &FieldError| error.code == "REQUIRED" && covers(&unusable, error.field);
            errors.extend(
                found.into_iter().filter(|error| !is_known(error)).map(|error| in_column(map, error)),
            );
            None
        }
    };
    let certificate_id = parse_certificate_id(map, certificate_id, &mut errors);
    match person {
        Some(person) if errors.is_empty() => Ok((person, certificate_id)),
        _ => Err(errors),
    }
}

/// A row that was cut or has an unquoted delimiter in it. Blank cells to the right do no harm.
fn field_count(record: &Record, expected: usize) -> Option<RowError> {
    let filled = record.cells.iter().rposition(|cell| !cell.is_blank()).map_or(0, |last| last + 1);
    if !record.counted || (record.cells.len() >= expected && filled <= expected) {
        return None;
    }
    let found = if filled > expected { filled } else { record.cells.len() };
    Some(RowError {
        column: None,
        field: None,
        code: "FIELD_COUNT",
        message: format!(
            "the row has {found} fields and the header has {expected}; put fields that contain the delimiter in \
             quotation marks, and keep the delimiters of empty fields"
        ),
    })
}

fn take_text(
    map: &HeaderMap,
    column: Column,
    cells: &mut [Option<Cell>],
    errors: &mut Vec<RowError>,
) -> Option<String> {
    // Of several columns of one meaning the first that says anything; that they agree is checked before.
    let is_filled =
        |position: &usize| cells.get(*position).and_then(Option::as_ref).is_some_and(|cell| !cell.is_blank());
    let position = map.positions(column).find(is_filled)?;
    match cells.get_mut(position)?.take()? {
        Cell::Text(text) => Some(text.into_revealed()),
        Cell::Unusable { code, message, .. } => {
            errors.push(RowError {
                column: header(map, column.name()),
                field: Some(column.name()),
                code,
                message: format!("{} {message}", column.name()),
            });
            None
        }
    }
}

/// "Name" beside a first and a last name counts where both of them are blank.
fn with_plain_name(mut raw: RawPerson, map: &HeaderMap, cells: &mut [Option<Cell>]) -> RawPerson {
    let plain = map.plain_name.and_then(|position| cells.get_mut(position)).and_then(Option::take);
    if let (Some(Cell::Text(name)), None, None) = (plain, &raw.first_name, &raw.last_name) {
        raw.full_name = Some(name.into_revealed());
    }
    raw
}

/// Whether a field that is reported missing is one whose cell could not be used.
fn covers(unusable: &[&'static str], field: &str) -> bool {
    let parts = [Column::FirstName.name(), Column::LastName.name()];
    unusable
        .iter()
        .any(|&known| known == field || (field == Column::FullName.name() && parts.contains(&known)))
}

fn in_column(map: &HeaderMap, error: FieldError) -> RowError {
    RowError {
        column: header(map, error.field),
        field: Some(error.field),
        code: error.code,
        message: error.message,
    }
}

/// The header of a field; a full name made of parts is told under the first of them.
fn header(map: &HeaderMap, field: &str) -> Option<String> {
    let of = |name: &str| map.columns.iter().find(|(column, _)| column.name() == name);
    let is_name = field == Column::FullName.name();
    let column = of(field).or_else(|| if is_name { of(Column::FirstName.name()) } else { None });
    column.map(|(_, position)| map.headers[*position].clone())
}

fn parse_certificate_id(map: &HeaderMap, text: Option<String>, errors: &mut Vec<RowError>) -> Option<Uuid> {
    let text = text?;
    let text = trimmed(&text);
    if text.is_empty() {
        return None;
    }
    let id = Uuid::try_parse(text).ok();
    if id.is_none() {
        let field = Column::CertificateId.name();
        errors.push(RowError {
            column: header(map, field),
            field: Some(field),
            code: "INVALID_UUID",
            message: "certificateId is not a UUID; copy the certificate's id, or leave the cell empty"
                .to_owned(),
        });
    }
    id
}
