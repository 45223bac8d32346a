//! How a file was read, for its uploader to check.

use std::collections::BTreeMap;

use super::encoding::EncodingSource;
use super::headers::Column;
use super::raw_row::RawRow;
use super::row::{RowOutcome, SheetRow};
use crate::domain::{PersonEntry, Personal};

/// Rows that are shown as read.
pub const MAX_SHOWN_ROWS: usize = 5;
/// Hidden columns that are kept.
pub const MAX_HIDDEN_COLUMNS: usize = 100;
/// Numbers of hidden rows that are kept.
pub const MAX_HIDDEN_ROWS: usize = 100;

/// How a file was read.
#[derive(Clone, Debug, Default)]
pub struct HowRead {
    /// Label of the text's encoding and what told it; absent for workbooks.
    pub encoding: Option<(&'static str, EncodingSource)>,
    /// The sheets of a workbook, in order.
    pub sheets: Vec<SheetState>,
    /// Number of the first header row.
    pub header_row: u32,
    /// Headers of the first sheet that was read, left to right, with the fields that they give.
    pub columns: Vec<(String, Option<&'static str>)>,
    /// Rows with nothing but a counter and empty check boxes.
    pub blank_rows: u32,
    /// Rows that the program doesn't show.
    pub hidden: HiddenRows,
    /// The first columns that the program doesn't show, of all sheets that were read.
    pub hidden_columns: Vec<HiddenColumn>,
    /// The first rows, by field.
    pub first_rows: Vec<ShownRow>,
    /// The first rows whose names have other than ASCII letters, where the encoding is guessed.
    pub guessed_names: Vec<ShownRow>,
}

/// Rows that the program doesn't show.
#[derive(Clone, Debug, Default)]
pub struct HiddenRows {
    /// How many there are.
    pub count: u32,
    /// The first of them: name of the sheet and number of the row.
    pub rows: Vec<(Option<String>, u32)>,
    /// True if they were read all the same.
    pub are_read: bool,
}

/// A column that the program doesn't show. Its values are read all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenColumn {
    /// Name of the sheet.
    pub sheet: Option<String>,
    /// Its header as written.
    pub header: String,
}

/// A sheet of a workbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetState {
    /// Its name.
    pub name: String,
    /// Outcome.
    pub fate: SheetFate,
}

/// Outcome of a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SheetFate {
    /// Its rows were read.
    Read,
    /// It was not asked for.
    NotChosen,
    /// The program doesn't show it.
    Hidden,
    /// It comes after the sheets that are looked at.
    BeyondLimit,
    /// None of its rows has the headers.
    NoHeaders,
    /// It is empty.
    Empty,
}

impl SheetFate {
    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::NotChosen => "notChosen",
            Self::Hidden => "hidden",
            Self::BeyondLimit => "beyondLimit",
            Self::NoHeaders => "noHeaders",
            Self::Empty => "empty",
        }
    }
}

/// A row as it was read.
#[derive(Clone, Debug)]
pub struct ShownRow {
    /// Name of the sheet, in a workbook.
    pub sheet: Option<String>,
    /// The row's number as the spreadsheet program shows it.
    pub row: u32,
    /// Values by field; of a rejected row, as they are written.
    pub values: BTreeMap<&'static str, Personal<String>>,
}

impl HowRead {
    /// Keeps the columns of a sheet that the program doesn't show.
    pub(super) fn hide_columns<'a>(
        &mut self,
        sheet: Option<&str>,
        headers: impl Iterator<Item = &'a String>,
    ) {
        let left = MAX_HIDDEN_COLUMNS.saturating_sub(self.hidden_columns.len());
        let column =
            |header: &String| HiddenColumn { sheet: sheet.map(str::to_owned), header: header.clone() };
        self.hidden_columns.extend(headers.take(left).map(column));
    }
}

impl ShownRow {
    /// Shows a row.
    pub(super) fn of(row: &SheetRow) -> Self {
        let (raw, values) = match &row.outcome {
            RowOutcome::Person { person, raw, .. } => (raw, of_person(person)),
            RowOutcome::Rejected { raw, .. } => (raw, as_written(raw)),
        };
        Self { sheet: raw.sheet().map(str::to_owned), row: raw.shown_row(row.row), values }
    }
}

fn of_person(person: &PersonEntry) -> BTreeMap<&'static str, Personal<String>> {
    let fields = [
        (Column::FullName, Some(&person.full_name)),
        (Column::Country, person.country.as_ref()),
        (Column::DocumentType, person.document_type.as_ref()),
        (Column::DocumentNumber, person.document_number()),
        (Column::Gender, person.gender.as_ref()),
        (Column::Email, person.email.as_ref()),
    ];
    fields.into_iter().filter_map(|(column, value)| Some((column.name(), value?.clone()))).collect()
}

fn as_written(raw: &RawRow) -> BTreeMap<&'static str, Personal<String>> {
    let value = |column: Column| Some((column.name(), raw.value_of(column)?.clone()));
    Column::ALL.into_iter().filter_map(value).collect()
}
