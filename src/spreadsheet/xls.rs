//! Streaming reader of XLS (BIFF8, Excel 97 to 2003; [MS-XLS]).
//!
//! This reader parses about 20 kinds of records itself. The library calamine reads the whole file
//! at once, allocates memory for the dimensions that the file declares, and copies a shared string
//! for each cell that refers to it, so that a file of kilobytes can use gigabytes. This reader
//! keeps one record and the shared strings in memory and ignores declared dimensions. Tests compare
//! it with calamine.
//!
//! Own code, because calamine also returns numbers without their formats, so that the document
//! number `007` becomes 7. A sandbox would only bound its memory.

mod cells;
mod compound;
mod records;
mod text;

use std::collections::{HashMap, HashSet};
use std::fs::File;

use super::number_format::NumberFormat;
use super::strings::Strings;
use super::workbook::{Book, CellSource, Named};
use super::{Limits, SheetError};
use cells::SheetCells;
use compound::Compound;
use records::Records;
use text::Cursor;

/// BIFF version in the first record of a BIFF8 stream.
const BIFF8: u16 = 0x0600;
/// Largest number of formats, of cell styles and of sheets that are kept. Excel writes at most
/// 4,000 styles.
const MAX_STYLES: usize = 65_536;

/// Open XLS workbook, with the data shared by its sheets.
pub(super) struct Workbook {
    records: Records,
    /// Sheets, each with the offset of its first record in the stream.
    sheets: Vec<(Named, u32)>,
    /// True if the file has a RecalcId record, which means that the program that saved it
    /// calculates formulas.
    is_calculated: bool,
    strings: Strings,
    formats: Vec<NumberFormat>,
    is_1904: bool,
    max_chars: usize,
}

impl Workbook {
    pub(super) fn open(file: File, limits: &Limits) -> Result<Self, SheetError> {
        let compound = Compound::open(file)?;
        if compound.has("encryptedpackage") {
            return Err(SheetError::Encrypted);
        }
        if !compound.has("workbook") {
            let what = if compound.has("book") {
                TOO_OLD
            } else {
                "an Office file without a workbook"
            };
            return Err(SheetError::UnknownFormat { what });
        }
        let mut workbook = Self {
            records: Records::new(compound.stream("workbook")?),
            sheets: Vec::new(),
            is_calculated: false,
            strings: Strings::default(),
            formats: Vec::new(),
            is_1904: false,
            max_chars: limits.max_cell_chars,
        };
        workbook.read_shared()?;
        Ok(workbook)
    }

    /// Reads the workbook globals, which precede the sheets.
    fn read_shared(&mut self) -> Result<(), SheetError> {
        self.records.next()?;
        if self.records.kind != records::BEGIN {
            return Err(SheetError::broken("it does not begin as a workbook does"));
        }
        if self.records.short(0)? != BIFF8 {
            return Err(SheetError::UnknownFormat { what: TOO_OLD });
        }
        let mut own: HashMap<u16, NumberFormat> = HashMap::new();
        let mut styles: Vec<u16> = Vec::new();
        loop {
            self.records.next()?;
            match self.records.kind {
                records::END => break,
                records::FILE_PASS => return Err(SheetError::Encrypted),
                records::DATE_MODE => self.is_1904 = self.records.short(0)? == 1,
                records::BOUND_SHEET => {
                    let is_hidden = self.records.byte(4)? & 3 != 0;
                    let is_worksheet = self.records.byte(5)? == 0;
                    if is_worksheet && self.sheets.len() < MAX_STYLES {
                        let start = self.records.long(0)?;
                        let mut name = String::new();
                        Cursor::new(&mut self.records, 6).short(&mut name, self.max_chars)?;
                        self.sheets.push((Named { name, is_hidden }, start));
                    }
                }
                records::RECALC_ID => self.is_calculated = true,
                records::FORMAT if own.len() < MAX_STYLES => {
                    let id = self.records.short(0)?;
                    let mut code = String::new();
                    Cursor::new(&mut self.records, 2).plain(&mut code, self.max_chars)?;
                    own.insert(id, NumberFormat::of_code(&code));
                }
                records::XF if styles.len() < MAX_STYLES => styles.push(self.records.short(2)?),
                records::SST => self.read_strings()?,
                _ => {}
            }
        }
        let format = |id: &u16| {
            own.get(id)
                .cloned()
                .unwrap_or_else(|| NumberFormat::built_in(*id))
        };
        self.formats = styles.iter().map(format).collect();
        Ok(())
    }

    /// Reads the shared strings to the end of their records. The declared count is ignored, because
    /// it may be false.
    fn read_strings(&mut self) -> Result<(), SheetError> {
        let most = self.max_chars.saturating_mul(4);
        let mut cursor = Cursor::new(&mut self.records, 8);
        let mut one = String::new();
        while cursor.has_more()? {
            one.clear();
            cursor.rich(&mut one, most)?;
            self.strings.push(&one)?;
        }
        Ok(())
    }
}

const TOO_OLD: &str = "an Excel file from before 1997";

impl Book for Workbook {
    fn sheets(&self) -> Vec<Named> {
        self.sheets.iter().map(|(sheet, _)| sheet.clone()).collect()
    }

    fn cells(&mut self, sheet: usize) -> Result<Box<dyn CellSource + '_>, SheetError> {
        let start = self.sheets.get(sheet).map(|(_, start)| *start);
        let start = start.ok_or_else(|| SheetError::broken("a sheet of it is missing"))?;
        let is_calculated =
            self.is_calculated || cells::has_result(&mut self.records, start).unwrap_or(true);
        self.records.go_to(start)?;
        self.records.next()?;
        if self.records.kind != records::BEGIN {
            return Err(SheetError::broken("a sheet of it is missing"));
        }
        Ok(Box::new(SheetCells {
            records: &mut self.records,
            strings: &self.strings,
            formats: &self.formats,
            is_1904: self.is_1904,
            max_chars: self.max_chars,
            is_calculated,
            hidden: HashSet::new(),
            hidden_columns: Vec::new(),
            waiting: None,
            numbers: 0..0,
        }))
    }
}
