//! Details of how an uploaded file was read, in the form of the API.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Personal;
use crate::http::protocol::names::SheetStateName;
use crate::spreadsheet::{EncodingSource, HowRead, SheetFate, ShownRow};

/// Details of how a file was read.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadingAnswer {
    /// Encoding of the text; absent for workbooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<EncodingAnswer>,
    /// Number of the header row, as a spreadsheet program shows it.
    pub header_row: u32,
    /// Headers, left to right, with their fields.
    pub columns: Vec<ColumnAnswer>,
    /// Headers of columns that were not read.
    pub ignored_columns: Vec<String>,
    /// The sheets of a workbook, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sheets: Vec<SheetAnswer>,
    /// Number of rows that were ignored because they contain only a counter and empty check boxes.
    pub blank_rows: u32,
    /// Rows that the spreadsheet program hides, such as filtered rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_rows: Option<HiddenAnswer>,
    /// The first 100 columns that the spreadsheet program hides. Their values are read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hidden_columns: Vec<HiddenColumnAnswer>,
    /// The first rows as they were read, by field. Rejected rows are shown as written in the file.
    pub first_rows: Vec<RowAnswer>,
    /// The first rows with non-ASCII names, to check a guessed encoding.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names_to_check: Vec<RowAnswer>,
}

/// A text's encoding.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EncodingAnswer {
    /// Label of the encoding, as accepted by the upload's field `encoding`.
    #[schema(example = "windows-1252")]
    pub label: String,
    /// `given` by the upload, `evident` from the text, or `guessed`.
    #[schema(example = "guessed")]
    pub source: String,
}

/// A column of the file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ColumnAnswer {
    /// Header as written.
    pub header: String,
    /// Name of its field in the API; null if the column is not read.
    pub field: Option<String>,
}

/// A sheet of a workbook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SheetAnswer {
    /// Name of the sheet.
    pub name: String,
    /// True if its rows were read.
    pub is_read: bool,
    /// `read`, `notChosen` (see `sheets`), `hidden`, `noHeaders`, `empty`, or `beyondLimit` (only
    /// the first 256 sheets are looked at).
    #[schema(value_type = SheetStateName)]
    pub state: String,
}

/// Rows that the spreadsheet program hides.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HiddenAnswer {
    /// Number of hidden rows.
    pub count: u32,
    /// True if they were read, because the upload has `hiddenRows=include`.
    pub are_read: bool,
    /// The first 100 of them.
    pub rows: Vec<PlaceAnswer>,
}

/// A column that the spreadsheet program hides.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HiddenColumnAnswer {
    /// Name of the sheet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Header as written.
    pub header: String,
}

/// Position of a row.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaceAnswer {
    /// Name of the sheet, in a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The row's number as a spreadsheet program shows it.
    pub row: u32,
}

/// A row as it was read.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowAnswer {
    /// Name of the sheet, in a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The row's number as a spreadsheet program shows it.
    pub row: u32,
    /// Values by field.
    #[schema(value_type = BTreeMap<String, String>)]
    pub values: BTreeMap<&'static str, Personal<String>>,
}

impl From<HowRead> for ReadingAnswer {
    fn from(how: HowRead) -> Self {
        let ignored = how.columns.iter().filter(|(_, field)| field.is_none());
        let ignored_columns = ignored.map(|(header, _)| header.clone()).collect();
        let column = |(header, field): (String, Option<&'static str>)| ColumnAnswer {
            header,
            field: field.map(str::to_owned),
        };
        let places = how
            .hidden
            .rows
            .into_iter()
            .map(|(sheet, row)| PlaceAnswer { sheet, row });
        let hidden = HiddenAnswer {
            count: how.hidden.count,
            are_read: how.hidden.are_read,
            rows: places.collect(),
        };
        Self {
            encoding: how.encoding.map(EncodingAnswer::from),
            header_row: how.header_row,
            columns: how.columns.into_iter().map(column).collect(),
            ignored_columns,
            sheets: how.sheets.into_iter().map(SheetAnswer::from).collect(),
            blank_rows: how.blank_rows,
            hidden_columns: how
                .hidden_columns
                .into_iter()
                .map(HiddenColumnAnswer::from)
                .collect(),
            hidden_rows: (hidden.count > 0).then_some(hidden),
            first_rows: how.first_rows.into_iter().map(RowAnswer::from).collect(),
            names_to_check: how.guessed_names.into_iter().map(RowAnswer::from).collect(),
        }
    }
}

impl From<(&'static str, EncodingSource)> for EncodingAnswer {
    fn from((label, source): (&'static str, EncodingSource)) -> Self {
        let source = match source {
            EncodingSource::Given => "given",
            EncodingSource::Evident => "evident",
            EncodingSource::Guessed => "guessed",
        };
        Self {
            label: label.to_owned(),
            source: source.to_owned(),
        }
    }
}

impl From<crate::spreadsheet::SheetState> for SheetAnswer {
    fn from(sheet: crate::spreadsheet::SheetState) -> Self {
        let is_read = sheet.fate == SheetFate::Read;
        Self {
            name: sheet.name,
            is_read,
            state: sheet.fate.name().to_owned(),
        }
    }
}

impl From<crate::spreadsheet::HiddenColumn> for HiddenColumnAnswer {
    fn from(column: crate::spreadsheet::HiddenColumn) -> Self {
        Self {
            sheet: column.sheet,
            header: column.header,
        }
    }
}

impl From<ShownRow> for RowAnswer {
    fn from(row: ShownRow) -> Self {
        Self {
            sheet: row.sheet,
            row: row.row,
            values: row.values,
        }
    }
}
