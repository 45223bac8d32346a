//! Streaming reader for XLSX (ECMA-376).
//!
//! This module parses five kinds of parts itself. Libraries keep a sheet or a cell of any size in
//! memory, fail at the first invalid cell, and don't return number formats. Tests compare this
//! module with calamine.

mod cells;
mod package;
mod parts;
mod xml;

use std::fs::File;

use super::number_format::NumberFormat;
use super::strings::Strings;
use super::workbook::{Book, CellSource, Named};
use super::{Limits, SheetError};
use cells::SheetCells;
use package::Package;
use parts::Contents;

/// Open XLSX workbook, with the data that its sheets share.
pub(super) struct Workbook {
    package: Package,
    sheets: Vec<(Named, String)>,
    strings: Strings,
    formats: Vec<NumberFormat>,
    is_1904: bool,
    max_chars: usize,
}

impl Workbook {
    /// Opens an archive, which `archive::check` must have accepted.
    pub(super) fn open(file: File, limits: &Limits) -> Result<Self, SheetError> {
        let mut package = Package::open(file, limits.max_inflated_bytes)?;
        let main = package
            .relations("")?
            .into_iter()
            .find(|relation| relation.kind == "officeDocument");
        let main = main.map_or_else(|| "xl/workbook.xml".to_owned(), |relation| relation.target);
        let contents = Contents::read(&mut package, &main)?;
        let relations = package.relations(&main)?;
        let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
        let named = |kind: &str, usual: &str| {
            let found = relations.iter().find(|relation| relation.kind == kind);
            found.map_or_else(
                || format!("{folder}/{usual}"),
                |relation| relation.target.clone(),
            )
        };
        let sheet = |(sheet, id): (Named, String)| {
            let found = relations
                .iter()
                .find(|relation| relation.id == id && relation.kind == "worksheet");
            found.map(|relation| (sheet, relation.target.clone()))
        };
        let most = limits.max_cell_chars.saturating_mul(4);
        let is_1904 = contents.is_1904;
        Ok(Self {
            sheets: contents.sheets.into_iter().filter_map(sheet).collect(),
            strings: parts::strings(
                &mut package,
                &named("sharedStrings", "sharedStrings.xml"),
                most,
            )?,
            formats: parts::formats(&mut package, &named("styles", "styles.xml"))?,
            is_1904,
            max_chars: limits.max_cell_chars,
            package,
        })
    }
}

impl Book for Workbook {
    fn sheets(&self) -> Vec<Named> {
        self.sheets.iter().map(|(sheet, _)| sheet.clone()).collect()
    }

    fn cells(&mut self, sheet: usize) -> Result<Box<dyn CellSource + '_>, SheetError> {
        let (_, name) = self
            .sheets
            .get(sheet)
            .ok_or_else(|| SheetError::broken("a part of it is missing"))?;
        Ok(Box::new(SheetCells {
            xml: self.package.part(name)?,
            strings: &self.strings,
            formats: &self.formats,
            is_1904: self.is_1904,
            max_chars: self.max_chars,
            row: 0,
            column: 0,
            in_data: false,
            is_hidden: false,
            hidden_columns: Vec::new(),
        }))
    }
}
