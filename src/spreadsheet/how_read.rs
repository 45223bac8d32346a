//! Report about the interpretation of a file. The uploader can check it.

use std::collections::BTreeMap;

use super::encoding::EncodingSource;
use super::headers::Column;
use super::raw_row::RawRow;
use super::row::{RowOutcome, SheetRow};
use crate::domain::{PersonEntry, Personal};

/// Maximum number of rows that the report shows.
pub const MAX_SHOWN_ROWS: usize = 5;
/// Maximum number of hidden columns in the report.
pub const MAX_HIDDEN_COLUMNS: usize = 100;
/// Maximum number of hidden rows in the report.
pub const MAX_HIDDEN_ROWS: usize = 100;

/// Interpretation of a file.
#[derive(Clone, Debug, Default)]
pub struct HowRead {
    /// Label of the encoding, and the way in which it was determined. `None` for workbooks.
    pub encoding: Option<(&'static str, EncodingSource)>,
    /// Sheets of the workbook, in order.
    pub sheets: Vec<SheetState>,
    /// Number of the first header row.
    pub header_row: u32,
    /// Headers of the first sheet that was read, from left to right, each with its field.
    pub columns: Vec<(String, Option<&'static str>)>,
    /// Number of rows that have nothing but a counter and empty check boxes.
    pub blank_rows: u32,
    /// Rows that are hidden in the spreadsheet program.
    pub hidden: HiddenRows,
    /// First columns that are hidden in the spreadsheet program, from all sheets that were read.
    pub hidden_columns: Vec<HiddenColumn>,
    /// First rows, with their values by field.
    pub first_rows: Vec<ShownRow>,
    /// First rows whose names have non-ASCII characters, if the encoding was guessed.
    pub guessed_names: Vec<ShownRow>,
}

/// Rows that are hidden in the spreadsheet program.
#[derive(Clone, Debug, Default)]
pub struct HiddenRows {
    /// Number of hidden rows.
    pub count: u32,
    /// First hidden rows, as sheet name and row number.
    pub rows: Vec<(Option<String>, u32)>,
    /// True if the hidden rows were read.
    pub are_read: bool,
}

/// Column that is hidden in the spreadsheet program. Its values are still read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenColumn {
    /// Name of the sheet.
    pub sheet: Option<String>,
    /// Header as written in the file.
    pub header: String,
}

/// Sheet of a workbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetState {
    /// Name of the sheet.
    pub name: String,
    /// Result for this sheet.
    pub fate: SheetFate,
}

/// Result for a sheet: read, or the reason why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SheetFate {
    /// Its rows were read.
    Read,
    /// The uploader did not choose it.
    NotChosen,
    /// It is hidden in the spreadsheet program.
    Hidden,
    /// It comes after the maximum number of sheets that are searched.
    BeyondLimit,
    /// None of its rows has the required headers.
    NoHeaders,
    /// The sheet is empty.
    Empty,
}

impl SheetFate {
    /// Returns the name that the API uses.
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

/// Row as it was read.
#[derive(Clone, Debug)]
pub struct ShownRow {
    /// Name of the sheet, if the file is a workbook.
    pub sheet: Option<String>,
    /// Row number as shown in spreadsheet programs.
    pub row: u32,
    /// Values by field. For a rejected row, the values as written in the file.
    pub values: BTreeMap<&'static str, Personal<String>>,
}

impl HowRead {
    /// Adds the hidden columns of a sheet, up to [`MAX_HIDDEN_COLUMNS`] in total.
    pub(super) fn hide_columns<'a>(
        &mut self,
        sheet: Option<&str>,
        headers: impl Iterator<Item = &'a String>,
    ) {
        let left = MAX_HIDDEN_COLUMNS.saturating_sub(self.hidden_columns.len());
        let column = |header: &String| HiddenColumn {
            sheet: sheet.map(str::to_owned),
            header: header.clone(),
        };
        self.hidden_columns.extend(headers.take(left).map(column));
    }
}

impl ShownRow {
    /// Creates the report entry of a row.
    pub(super) fn of(row: &SheetRow) -> Self {
        let (raw, values) = match &row.outcome {
            RowOutcome::Person { person, raw, .. } => (raw, of_person(person)),
            RowOutcome::Rejected { raw, .. } => (raw, as_written(raw)),
        };
        Self {
            sheet: raw.sheet().map(str::to_owned),
            row: raw.shown_row(row.row),
            values,
        }
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
    fields
        .into_iter()
        .filter_map(|(column, value)| Some((column.name(), value?.clone())))
        .collect()
}

fn as_written(raw: &RawRow) -> BTreeMap<&'static str, Personal<String>> {
    let value = |column: Column| Some((column.name(), raw.value_of(column)?.clone()));
    Column::ALL.into_iter().filter_map(value).collect()
}
