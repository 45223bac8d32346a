//! Cells of an XLS sheet in file order.

use std::collections::HashSet;
use std::ops::Range;

use super::records::{self, Records, too_short};
use super::text::Cursor;
use crate::spreadsheet::cell::Cell;
use crate::spreadsheet::number_format::NumberFormat;
use crate::spreadsheet::strings::Strings;
use crate::spreadsheet::workbook::{CellSource, Placed};
use crate::spreadsheet::{SheetError, values};

/// Size of one number in a MulRk record, in bytes: a style index of 2 bytes and an RK number of 4
/// bytes.
const IN_MULTIPLE: usize = 6;
/// Mask for the height in a Row record. The highest bit marks the default height.
const ROW_HEIGHT: u16 = 0x7FFF;
/// Flag fHidden of a ColInfo record.
const COLUMN_IS_HIDDEN: u8 = 1;
/// Maximum number of ranges of hidden columns that are kept.
const MAX_HIDDEN_RANGES: usize = 256;
/// Flag fDyZero of a Row record.
const ROW_IS_HIDDEN: u8 = 0x20;
/// Result type of a formula that gave an empty string, or that was never calculated.
const BLANK_RESULT: u8 = 3;

/// Streaming source of the cells of a sheet.
pub(super) struct SheetCells<'a> {
    pub records: &'a mut Records,
    pub strings: &'a Strings,
    pub formats: &'a [NumberFormat],
    pub is_1904: bool,
    pub max_chars: usize,
    /// False if no formula of the sheet has a result. A blank result then means that the formula
    /// was never calculated.
    pub is_calculated: bool,
    /// Hidden rows. The Row record of a row is before its cells.
    pub hidden: HashSet<u32>,
    /// Ranges of hidden columns as 0-based (first, last). Their records are before all cells.
    pub hidden_columns: Vec<(u32, u32)>,
    /// Position of a formula whose result is in the next String record.
    pub waiting: Option<(u32, u32)>,
    /// Indexes of the numbers in the current MulRk record that have not been returned yet.
    pub numbers: Range<usize>,
}

impl CellSource for SheetCells<'_> {
    fn next_cell(&mut self) -> Result<Option<Placed>, SheetError> {
        if let Some(index) = self.numbers.next() {
            return self.one_of_several(index).map(Some);
        }
        let mut embedded = 0_usize;
        loop {
            self.records.next()?;
            match self.records.kind {
                // A chart embedded in the sheet is a nested substream, with records that look like
                // cells.
                records::BEGIN => embedded += 1,
                records::END if embedded == 0 => return Ok(None),
                records::END => embedded -= 1,
                _ if embedded > 0 => {}
                records::MUL_RK => {
                    let several = self.records.data.len().saturating_sub(IN_MULTIPLE);
                    self.numbers = 0..several / IN_MULTIPLE;
                    if let Some(index) = self.numbers.next() {
                        return self.one_of_several(index).map(Some);
                    }
                }
                records::ROW => {
                    let has_no_height = self.records.short(6)? & ROW_HEIGHT == 0;
                    if has_no_height || self.records.byte(12)? & ROW_IS_HIDDEN != 0 {
                        self.hidden.insert(self.records.short(0)?.into());
                    }
                }
                records::COLUMN_INFO if self.hidden_columns.len() < MAX_HIDDEN_RANGES => {
                    if self.records.short(4)? == 0 || self.records.byte(8)? & COLUMN_IS_HIDDEN != 0
                    {
                        self.hidden_columns
                            .push((self.records.short(0)?.into(), self.records.short(2)?.into()));
                    }
                }
                records::FORMULA => {
                    if let Some(cell) = self.formula()? {
                        return Ok(Some(cell));
                    }
                    self.waiting = Some(self.position()?);
                }
                records::STRING => {
                    if let Some((row, column)) = self.waiting.take() {
                        let cell = self.text(0)?;
                        return Ok(Some(self.placed(row, column, cell)));
                    }
                }
                _ => {
                    if let Some(cell) = self.simple()? {
                        return Ok(Some(cell));
                    }
                }
            }
        }
    }
    fn hidden_columns(&self) -> &[(u32, u32)] {
        &self.hidden_columns
    }
}

impl SheetCells<'_> {
    fn position(&self) -> Result<(u32, u32), SheetError> {
        Ok((self.records.short(0)?.into(), self.records.short(2)?.into()))
    }

    fn placed(&self, row: u32, column: u32, cell: Cell) -> Placed {
        Placed {
            row,
            column,
            cell,
            is_hidden: self.hidden.contains(&row),
        }
    }

    fn number(&self, number: f64, style: u16) -> Cell {
        let format = self
            .formats
            .get(usize::from(style))
            .unwrap_or(&NumberFormat::Plain);
        values::number(number, format, self.is_1904)
    }

    fn one_of_several(&self, index: usize) -> Result<Placed, SheetError> {
        let (row, first) = self.position()?;
        let at = 4 + index * IN_MULTIPLE;
        let number = rk(self.records.long(at + 2)?);
        let column = first + u32::try_from(index).map_err(|_| too_short())?;
        let cell = self.number(number, self.records.short(at)?);
        Ok(self.placed(row, column, cell))
    }

    /// Reads a string that begins at offset `at` of the record. It may continue in CONTINUE
    /// records.
    fn text(&mut self, at: usize) -> Result<Cell, SheetError> {
        let mut text = String::new();
        Cursor::new(self.records, at).plain(&mut text, self.max_chars.saturating_mul(4))?;
        Ok(Cell::text(text, self.max_chars))
    }

    /// Returns the saved result of a formula. Returns `None` if the result is a string, which is in
    /// the next String record.
    fn formula(&mut self) -> Result<Option<Placed>, SheetError> {
        let (row, column) = self.position()?;
        let cell = if self.records.short(12)? == 0xFFFF {
            match self.records.byte(6)? {
                0 => return Ok(None),
                1 => values::truth(self.records.byte(8)? != 0),
                2 => values::error(error_text(self.records.byte(8)?)),
                BLANK_RESULT if !self.is_calculated => values::not_calculated(),
                _ => Cell::blank(),
            }
        } else {
            self.number(self.records.double(6)?, self.records.short(4)?)
        };
        Ok(Some(self.placed(row, column, cell)))
    }

    /// Returns the cell of a record that contains one complete cell. Returns `None` for other
    /// records.
    fn simple(&mut self) -> Result<Option<Placed>, SheetError> {
        let kind = self.records.kind;
        if !matches!(
            kind,
            records::NUMBER
                | records::RK
                | records::LABEL
                | records::RICH_LABEL
                | records::LABEL_SST
                | records::BOOL_OR_ERROR
        ) {
            return Ok(None);
        }
        let (row, column) = self.position()?;
        let style = self.records.short(4)?;
        let cell = match kind {
            records::NUMBER => self.number(self.records.double(6)?, style),
            records::RK => self.number(rk(self.records.long(6)?), style),
            records::LABEL_SST => {
                let shared = self.strings.get(self.records.long(6)? as usize);
                let shared = shared.ok_or_else(|| {
                    SheetError::broken("a cell refers to a text that is not there")
                })?;
                Cell::text(shared.to_owned(), self.max_chars)
            }
            records::BOOL_OR_ERROR if self.records.byte(7)? == 0 => {
                values::truth(self.records.byte(6)? != 0)
            }
            records::BOOL_OR_ERROR => values::error(error_text(self.records.byte(6)?)),
            _ => self.text(6)?,
        };
        Ok(Some(self.placed(row, column, cell)))
    }
}

/// Returns true if at least one formula of the sheet has a result that is not blank, or if the
/// sheet has no formulas. Reads the sheet only up to the first such result.
pub(super) fn has_result(records: &mut Records, start: u32) -> Result<bool, SheetError> {
    records.go_to(start)?;
    records.next()?;
    let mut embedded = 0_usize;
    let mut has_formulas = false;
    loop {
        records.next()?;
        match records.kind {
            records::BEGIN => embedded += 1,
            records::END if embedded == 0 => return Ok(!has_formulas),
            records::END => embedded -= 1,
            records::FORMULA if embedded == 0 => {
                has_formulas = true;
                if records.short(12)? != 0xFFFF || records.byte(6)? != BLANK_RESULT {
                    return Ok(true);
                }
            }
            _ => {}
        }
    }
}

/// Decodes an RK number ([MS-XLS] §2.5.217). Its upper 30 bits are an integer or the upper bits of
/// a double. One of the two flags means division by 100.
fn rk(packed: u32) -> f64 {
    let number = if packed & 2 == 0 {
        f64::from_bits(u64::from(packed & 0xFFFF_FFFC) << 32)
    } else {
        f64::from(packed.cast_signed() >> 2)
    };
    if packed & 1 == 0 {
        number
    } else {
        number / 100.0
    }
}

/// Returns the text that spreadsheet programs show for an error code ([MS-XLS] §2.5.10). Newer
/// programs may write other codes.
fn error_text(code: u8) -> String {
    match code {
        0x00 => "#NULL!".to_owned(),
        0x07 => "#DIV/0!".to_owned(),
        0x0F => "#VALUE!".to_owned(),
        0x17 => "#REF!".to_owned(),
        0x1D => "#NAME?".to_owned(),
        0x24 => "#NUM!".to_owned(),
        0x2A => "#N/A".to_owned(),
        0x2B => "#GETTING_DATA".to_owned(),
        other => format!("#ERROR {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_rk_number_is_decoded() {
        for (packed, number) in [
            (0x3FF0_0000, 1.0),
            (0x3FF0_0001, 0.01),
            (0x0000_0006, 1.0),
            (0x0000_01EF, 1.23),
            (0xFFFF_FFFE, -1.0),
            (0x40C8_1C80, 12_345.0),
        ] {
            assert_eq!(rk(packed), number, "{packed:#x}");
        }
    }
}
