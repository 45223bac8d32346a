//! Conversion of a row's cells to a person or to a list of errors.

use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use super::cell::{Cell, Origin, Record};
use super::field::{self, Marks};
use super::headers::{Column, HeaderMap, is_answer};
use super::raw_row::{Head, RawRow};
use crate::domain::FieldError;
use crate::domain::certification::person::order::NameOrder;
use crate::domain::certification::person::{PersonEntry, RawPerson, folded_name};
use crate::domain::trimmed;

/// Filled row below the header row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetRow {
    /// 1-based row number, as spreadsheet programs show it; the header is usually row 1. In later
    /// sheets of a workbook, the numbers continue from the last row of the sheet before, so that
    /// they are unique in the file. [`RawRow::shown_row`] returns the number in the sheet.
    pub row: u32,
    /// Outcome of reading the row.
    pub outcome: RowOutcome,
}

/// Outcome of reading a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowOutcome {
    /// All fields are valid.
    Person {
        /// Fields of the person. E-mail address and document number may be blank.
        person: PersonEntry,
        /// Certificate id of the row, if the sheet has that column and the cell is filled.
        certificate_id: Option<Uuid>,
        /// The row as written.
        raw: RawRow,
    },
    /// The row has errors. None of its values is used.
    Rejected {
        /// The row as written.
        raw: RawRow,
        /// Errors of the row, at least one.
        errors: Vec<RowError>,
    },
}

/// Error that rejects a row. Messages contain no cell values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// Header as written in the file; `None` if the error concerns the whole row.
    pub column: Option<String>,
    /// Name of the field in the API; `None` if the error concerns the whole row.
    pub field: Option<&'static str>,
    /// Error code: one of [`FieldError`], or `WRONG_TYPE`, `UNREADABLE`, `UNKNOWN_FIELD`,
    /// `GIVEN_TWICE`, `FIELD_COUNT`, `INVALID_UUID`, `INVALID_DATE`, `NOT_CALCULATED` or another
    /// code of an unusable cell.
    pub code: &'static str,
    /// Description of the error and of its correction.
    pub message: String,
}

/// Converts a record to a person or to a list of errors.
pub(super) fn read(record: Record, map: &HeaderMap, head: &Arc<Head>) -> SheetRow {
    let raw = RawRow::of(Arc::clone(head), &record.cells);
    let row = record.row.saturating_add(head.rows_before);
    let outcome = match check(record, map) {
        Ok((person, certificate_id)) => RowOutcome::Person {
            person,
            certificate_id,
            raw,
        },
        Err(errors) => RowOutcome::Rejected {
            errors: placed(errors, head),
            raw,
        },
    };
    SheetRow { row, outcome }
}

/// Sets the column of each error.
fn placed(mut errors: Vec<RowError>, head: &Head) -> Vec<RowError> {
    for error in &mut errors {
        let column = error
            .field
            .and_then(|field| head.header(field))
            .map(str::to_owned);
        error.column = column.or(error.column.take());
    }
    errors
}

fn check(record: Record, map: &HeaderMap) -> Result<(PersonEntry, Option<Uuid>), Vec<RowError>> {
    if let Some(error) = field_count(&record, map.headers.len()) {
        // The fields are shifted against the header, so further errors would be misleading.
        return Err(vec![error]);
    }
    if !record.faults.is_empty() && record.cells.iter().all(Cell::is_blank) {
        return Err(record.faults);
    }
    let marks = Marks {
        origin: record.origin,
        is_marked: has_marks(&record, map),
    };
    let mut cells: Vec<Option<Cell>> = record.cells.into_iter().map(Some).collect();
    let mut errors = record.faults;
    let mut take = |column| take_text(map, column, marks, &mut cells, &mut errors);
    let full_name = take(Column::FullName);
    let parts = [
        take(Column::FirstName),
        take(Column::MiddleName),
        take(Column::LastName),
        take(Column::SecondLastName),
        take(Column::NameSuffix),
    ];
    let (full_name, first_name, last_name) = named(full_name, parts);
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
    let raw = with_plain_name(raw, map, marks, &mut cells, &mut errors);
    let person = match raw.check_entry() {
        Ok(person) => Some(person),
        Err(found) => {
            let unusable: Vec<_> = errors
                .iter()
                .filter_map(|error: &RowError| error.field)
                .collect();
            let is_known =
                |error: &FieldError| error.code == "REQUIRED" && covers(&unusable, error.field);
            errors.extend(
                found
                    .into_iter()
                    .filter(|error| !is_known(error))
                    .map(of_field),
            );
            None
        }
    };
    let certificate_id = parse_certificate_id(certificate_id, &mut errors);
    match person {
        Some(person) if errors.is_empty() => Ok((person, certificate_id)),
        _ => Err(errors),
    }
}

/// Joins the parts of a name: first and middle names to one, both surnames and the suffix to
/// another. A placeholder such as a dash or dot means that the person has no such part.
fn named(
    full: Option<String>,
    parts: [Option<String>; 5],
) -> (Option<String>, Option<String>, Option<String>) {
    let has_none = |part: &Option<String>| part.as_deref().is_some_and(field::is_placeholder);
    let [first, _, last, ..] = &parts;
    let no_first = has_none(first);
    let no_last = has_none(last);
    let parts = parts
        .map(|part| part.filter(|text| !text.trim().is_empty() && !field::is_placeholder(text)));
    let [first, middle, last, second_last, suffix] = parts;
    let joined = |parts: Vec<Option<String>>| {
        let texts: Vec<String> = parts
            .into_iter()
            .flatten()
            .map(|text| text.trim().to_owned())
            .collect();
        (!texts.is_empty()).then(|| texts.join(" "))
    };
    // A middle name alone doesn't count as a first name, nor a second surname alone as a last name.
    let first = if first.is_some() || no_first {
        joined(vec![first, middle])
    } else {
        None
    };
    let last = if last.is_some() || no_last {
        joined(vec![last, second_last, suffix])
    } else {
        None
    };
    match (first, last) {
        (first, None) if no_last && full.is_none() => (first, None, None),
        (None, last) if no_first && full.is_none() => (last, None, None),
        (first, last) => (full, first, last),
    }
}

/// Returns an error if a CSV row has more fields than the header, for example because of an
/// unquoted delimiter. Fewer fields are valid, because programs omit blank cells at the end of a
/// row.
fn field_count(record: &Record, expected: usize) -> Option<RowError> {
    let filled = record
        .cells
        .iter()
        .rposition(|cell| !cell.is_blank())
        .map_or(0, |last| last + 1);
    if !matches!(record.origin, Origin::Csv | Origin::Export) || filled <= expected {
        return None;
    }
    let has_quotes = record
        .cells
        .iter()
        .any(|cell| cell.shown().reveal().contains('"'));
    let quotes = if has_quotes {
        "; a quotation mark in the row is probably not closed, or not doubled"
    } else {
        ""
    };
    Some(RowError {
        column: None,
        field: None,
        code: "FIELD_COUNT",
        message: format!(
            "the row has {filled} fields and the header has {expected}; put fields that contain the delimiter in \
             quotation marks{quotes}"
        ),
    })
}

/// Returns true if a cell of the row certainly begins with an apostrophe that marks the cell as
/// text.
fn has_marks(record: &Record, map: &HeaderMap) -> bool {
    let text = |position: usize| {
        record
            .cells
            .get(position)
            .map_or("", |cell| cell.shown().reveal_str())
    };
    map.columns
        .iter()
        .any(|(column, position)| field::is_marked(*column, text(*position)))
}

fn take_text(
    map: &HeaderMap,
    column: Column,
    marks: Marks,
    cells: &mut [Option<Cell>],
    errors: &mut Vec<RowError>,
) -> Option<String> {
    // If several columns give one field, the first filled one is used. `HeaderMap::check` ensures
    // that they agree. In a column for the name on the certificate, "-" means the same name as in
    // the other columns.
    let is_preferred =
        |position: usize| column == Column::FullName && map.preferred == Some(position);
    let is_filled = |position: &usize| {
        cells
            .get(*position)
            .and_then(Option::as_ref)
            .is_some_and(|cell| {
                let is_same =
                    || is_preferred(*position) && field::is_placeholder(cell.shown().reveal_str());
                !cell.is_blank() && !is_same()
            })
    };
    let position = map.positions(column).find(is_filled)?;
    let fault = match cells.get_mut(position)?.take()? {
        Cell::Text(text) => match field::value(column, text.reveal_str(), marks) {
            Ok(value) if is_preferred(position) && is_answer(&value) => (
                "INVALID_NAME",
                "is an answer and not a name; leave it blank, or write the name",
            ),
            Ok(value) if column == Column::FullName => {
                match whole_name(value, map, position, marks) {
                    Ok(name) => return Some(name),
                    Err(message) => ("INVALID_NAME", message),
                }
            }
            Ok(value) => return Some(value),
            Err(fault) => (fault.code, fault.message),
        },
        Cell::Unusable { code, message, .. } => (code, message),
    };
    errors.push(unusable(column, fault.0, fault.1));
    None
}

fn unusable(column: Column, code: &'static str, message: &str) -> RowError {
    RowError {
        column: None,
        field: Some(column.name()),
        code,
        message: format!("{} {message}", column.name()),
    }
}

/// Uses a "Name" column beside those for first and last name if both of these are blank.
fn with_plain_name(
    mut raw: RawPerson,
    map: &HeaderMap,
    marks: Marks,
    cells: &mut [Option<Cell>],
    errors: &mut Vec<RowError>,
) -> RawPerson {
    let Some(position) = map.plain_name else {
        return raw;
    };
    if raw.full_name.is_some() || raw.first_name.is_some() || raw.last_name.is_some() {
        return raw;
    }
    match cells.get_mut(position).and_then(Option::take) {
        Some(Cell::Unusable { code, message, .. }) => {
            errors.push(unusable(Column::FullName, code, message))
        }
        Some(Cell::Text(name)) => match field::value(Column::FullName, name.reveal_str(), marks) {
            Ok(name) => match whole_name(name, map, position, marks) {
                Ok(name) => raw.full_name = Some(name),
                Err(message) => errors.push(unusable(Column::FullName, "INVALID_NAME", message)),
            },
            Err(fault) => errors.push(unusable(Column::FullName, fault.code, fault.message)),
        },
        None => {}
    }
    raw
}

/// Returns a full name as it is printed: without the name for the screen, and with the surname
/// last. Our own exports and lists in requests have names as they are printed.
///
/// # Errors
/// The name can't be told, or seems to have the surname first where the header doesn't say so.
fn whole_name(
    text: String,
    map: &HeaderMap,
    position: usize,
    marks: Marks,
) -> Result<String, &'static str> {
    let name = if map.bracketed.contains(&position) {
        original_name(&text)?
    } else {
        text
    };
    if matches!(marks.origin, Origin::Export | Origin::Json) {
        return Ok(name);
    }
    match NameOrder::of(&name) {
        NameOrder::AsWritten => Ok(name),
        NameOrder::SurnameFirst(printed) if map.surname_first.contains(&position) => Ok(printed),
        NameOrder::SurnameFirst(_) | NameOrder::Unclear => Err(
            "has a comma and seems to have the surname first; write it as it is printed, without the comma, or rename \
             the header to \"Last name, first name\" or \"Apellidos y nombres\"",
        ),
    }
}

/// Returns the name at registration of `Name on the screen (Name at registration)`; any other text
/// as it is. Pronouns in brackets, such as `(she/her)`, are left out.
///
/// # Errors
/// Returns an error if the text in brackets may not be the name: it has only one word, it has a
/// slash, or the text before it is a name of several words and shares none with it.
fn original_name(text: &str) -> Result<String, &'static str> {
    let mut rest = text.trim();
    loop {
        let Some((screen, original)) = in_brackets(rest) else {
            return Ok(rest.to_owned());
        };
        let is_empty = |part: &str| !part.chars().any(char::is_alphabetic);
        if screen.is_empty() {
            return Ok(rest.to_owned());
        }
        if is_empty(original) || are_pronouns(original) {
            rest = screen;
            continue;
        }
        let before: Vec<String> = folded_words(screen);
        let inside: Vec<String> = folded_words(original);
        let is_whole = before.len() >= 2 && !before.iter().any(|word| inside.contains(word));
        let is_device = screen
            .split_whitespace()
            .any(|word| DEVICES.contains(&word.to_lowercase().as_str()));
        if inside.len() < 2
            || original.contains('/')
            || (is_whole && !is_device && !is_empty(screen))
        {
            return Err("has other words in brackets; write the whole name, without brackets");
        }
        return Ok(original.to_owned());
    }
}

/// Words in default device names, which Zoom shows for participants who have not set a name.
const DEVICES: [&str; 8] = [
    "iphone", "ipad", "android", "galaxy", "samsung", "macbook", "zoom", "huawei",
];

/// Pronouns that participants append to their names.
const PRONOUNS: [&str; 22] = [
    "she", "her", "hers", "he", "him", "his", "they", "them", "theirs", "ella", "él", "el", "elle",
    "ellx", "ela", "dela", "ele", "dele", "il", "lui", "sie", "er",
];

fn are_pronouns(text: &str) -> bool {
    text.split(['/', ',', ' '])
        .filter(|word| !word.is_empty())
        .all(|word| PRONOUNS.contains(&word.to_lowercase().as_str()))
}

fn folded_words(text: &str) -> Vec<String> {
    folded_name(text)
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

/// Splits `text` into the part before its trailing brackets and the part within them.
fn in_brackets(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_suffix(')')?;
    let mut depth = 1_u32;
    for (position, character) in inside.char_indices().rev() {
        match character {
            ')' => depth += 1,
            '(' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((inside[..position].trim(), inside[position + 1..].trim()));
        }
    }
    None
}

/// Returns true if `field` was reported missing only because its cell is unusable.
fn covers(unusable: &[&'static str], field: &str) -> bool {
    let is_name = |name: &str| Column::of_name(name).is_some_and(Column::is_name);
    unusable
        .iter()
        .any(|known| *known == field || (is_name(field) && is_name(known)))
}

fn of_field(error: FieldError) -> RowError {
    RowError {
        column: None,
        field: Some(error.field),
        code: error.code,
        message: error.message,
    }
}

fn parse_certificate_id(text: Option<String>, errors: &mut Vec<RowError>) -> Option<Uuid> {
    let text = text?;
    let text = trimmed(&text);
    if text.is_empty() {
        return None;
    }
    let id = Uuid::try_parse(text).ok();
    if id.is_none() {
        let field = Column::CertificateId.name();
        errors.push(RowError {
            column: None,
            field: Some(field),
            code: "INVALID_UUID",
            message:
                "certificateId is not a UUID; copy the certificate's id, or leave the cell empty"
                    .to_owned(),
        });
    }
    id
}
