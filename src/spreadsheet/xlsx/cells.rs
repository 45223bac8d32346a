//! Cells of an XLSX sheet in file order.

use std::io::BufRead;

use quick_xml::events::{BytesStart, Event};

use super::xml::{Xml, attribute, cut_off, unescape};
use crate::spreadsheet::cell::Cell;
use crate::spreadsheet::number_format::NumberFormat;
use crate::spreadsheet::strings::Strings;
use crate::spreadsheet::workbook::{CellSource, Placed};
use crate::spreadsheet::{SheetError, values};

/// Maximum number of ranges of hidden columns that are kept.
const MAX_HIDDEN_RANGES: usize = 256;

/// Streaming source of the cells of a sheet.
pub(super) struct SheetCells<'a, R> {
    pub xml: Xml<R>,
    pub strings: &'a Strings,
    pub formats: &'a [NumberFormat],
    pub is_1904: bool,
    pub max_chars: usize,
    /// 0-based position of the next cell. It is used if the cell has no reference.
    pub row: u32,
    pub column: u32,
    pub in_data: bool,
    /// True if the current row is hidden.
    pub is_hidden: bool,
    /// Ranges of hidden columns as 0-based (first, last).
    pub hidden_columns: Vec<(u32, u32)>,
}

/// Attributes of the XML element of a cell.
struct Described {
    row: u32,
    column: u32,
    kind: Option<String>,
    style: Option<usize>,
}

impl<R: BufRead> CellSource for SheetCells<'_, R> {
    fn next_cell(&mut self) -> Result<Option<Placed>, SheetError> {
        loop {
            let described = match self.xml.next()?.0 {
                Event::Start(element) => match element.local_name().as_ref() {
                    "sheetData" => {
                        self.in_data = true;
                        continue;
                    }
                    "col" if !self.in_data => {
                        if is_hidden(&element, "width")?
                            && self.hidden_columns.len() < MAX_HIDDEN_RANGES
                        {
                            let end = |name| {
                                Ok::<_, SheetError>(
                                    attribute(&element, name)?.map(|end| one_based(&end)),
                                )
                            };
                            if let (Some(first), Some(last)) = (end("min")?, end("max")?) {
                                self.hidden_columns.push((first?, last?));
                            }
                        }
                        continue;
                    }
                    "row" if self.in_data => {
                        if let Some(row) = attribute(&element, "r")? {
                            self.row = one_based(&row)?;
                        }
                        self.column = 0;
                        self.is_hidden = is_hidden(&element, "ht")?;
                        continue;
                    }
                    "c" if self.in_data => described(&element, self.row, self.column)?,
                    _ => continue,
                },
                Event::End(element) => {
                    match element.local_name().as_ref() {
                        "row" if self.in_data => self.row = self.row.saturating_add(1),
                        "sheetData" => return Ok(None),
                        _ => {}
                    }
                    continue;
                }
                Event::Eof => return Err(cut_off()),
                _ => continue,
            };
            self.column = described.column.saturating_add(1);
            let row = described.row;
            let column = described.column;
            let cell = self.content(&described)?;
            return Ok(Some(Placed {
                row,
                column,
                cell,
                is_hidden: self.is_hidden,
            }));
        }
    }

    fn hidden_columns(&self) -> &[(u32, u32)] {
        &self.hidden_columns
    }
}

impl<R: BufRead> SheetCells<'_, R> {
    /// Reads to the end of a cell. Formulas are skipped, because their saved result is used. If
    /// there is no result, the formula was never calculated.
    fn content(&mut self, described: &Described) -> Result<Cell, SheetError> {
        let most = self.max_chars.saturating_mul(4);
        let mut value = None;
        let mut inline = None;
        let mut is_formula = false;
        let inside = self.xml.depth();
        loop {
            let (event, depth) = self.xml.next()?;
            let name = match &event {
                Event::Start(element) => element.local_name().as_ref().to_owned(),
                Event::End(_) if depth < inside => break,
                Event::Eof => return Err(cut_off()),
                _ => continue,
            };
            let mut text = String::new();
            match name.as_str() {
                "v" => {
                    self.xml.text(&mut text, most)?;
                    value = Some(text);
                }
                "is" => {
                    self.xml.rich_text(&mut text, most)?;
                    inline = Some(text);
                }
                "f" => {
                    is_formula = true;
                    self.xml.skip()?;
                }
                _ => self.xml.skip()?,
            }
        }
        let is_text = matches!(described.kind.as_deref(), Some("str"));
        if is_formula
            && inline.is_none()
            && value
                .as_ref()
                .is_none_or(|value| value.is_empty() && !is_text)
        {
            return Ok(values::not_calculated());
        }
        self.convert(described, inline.or(value).unwrap_or_default())
    }

    fn convert(&self, described: &Described, value: String) -> Result<Cell, SheetError> {
        let trimmed = value.trim();
        if trimmed.is_empty() {
            return Ok(Cell::blank());
        }
        Ok(match described.kind.as_deref() {
            Some("s") => {
                let shared = trimmed
                    .parse()
                    .ok()
                    .and_then(|index| self.strings.get(index));
                let shared = shared.ok_or_else(|| {
                    SheetError::broken("a cell refers to a text that is not there")
                })?;
                Cell::text(shared.to_owned(), self.max_chars)
            }
            Some("b") => values::truth(matches!(trimmed, "1" | "true" | "TRUE")),
            Some("e") => values::error(Cell::cut(trimmed, self.max_chars)),
            Some("n") | None => match trimmed.parse::<f64>() {
                Ok(number) => {
                    let format = described.style.and_then(|style| self.formats.get(style));
                    values::number(number, format.unwrap_or(&NumberFormat::Plain), self.is_1904)
                }
                Err(_) => Cell::text(value, self.max_chars),
            },
            Some("d") => values::date(Cell::cut(
                trimmed.trim_end_matches("T00:00:00"),
                self.max_chars,
            )),
            Some("str") => {
                let mut text = value;
                unescape(&mut text);
                Cell::text(text, self.max_chars)
            }
            Some(_) => Cell::text(value, self.max_chars),
        })
    }
}

/// Returns true if a row or column is hidden or has size 0. `size` is the name of the attribute
/// with the size.
fn is_hidden(element: &BytesStart<'_>, size: &str) -> Result<bool, SheetError> {
    let hidden = attribute(element, "hidden")?;
    let size = attribute(element, size)?.and_then(|size| size.trim().parse::<f64>().ok());
    Ok(matches!(hidden.as_deref(), Some("1" | "true" | "on"))
        || size.is_some_and(|size| size <= 0.0))
}

fn described(element: &BytesStart<'_>, row: u32, column: u32) -> Result<Described, SheetError> {
    let (row, column) = match attribute(element, "r")? {
        Some(reference) => position(&reference)?,
        None => (row, column),
    };
    let style = attribute(element, "s")?.and_then(|style| style.parse().ok());
    Ok(Described {
        row,
        column,
        kind: attribute(element, "t")?,
        style,
    })
}

fn outside() -> SheetError {
    SheetError::broken("a cell lies outside the sheet")
}

fn one_based(number: &str) -> Result<u32, SheetError> {
    number
        .trim()
        .parse::<u32>()
        .ok()
        .and_then(|row| row.checked_sub(1))
        .ok_or_else(outside)
}

/// Converts a cell reference to a 0-based row and column. `B7` gives (6, 1).
fn position(reference: &str) -> Result<(u32, u32), SheetError> {
    let letters = reference
        .bytes()
        .take_while(u8::is_ascii_alphabetic)
        .count();
    let (letters, digits) = reference.split_at(letters);
    let column = letters.bytes().try_fold(0_u32, |column, letter| {
        let letter = u32::from(letter.to_ascii_uppercase() - b'A') + 1;
        column.checked_mul(26)?.checked_add(letter)
    });
    let column = column
        .and_then(|column| column.checked_sub(1))
        .ok_or_else(outside)?;
    Ok((one_based(digits)?, column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_reference_is_parsed_into_row_and_column() {
        assert_eq!(position("A1").ok(), Some((0, 0)));
        assert_eq!(position("xfd1048576").ok(), Some((1_048_575, 16_383)));
        for wrong in ["", "A", "1", "A0", "A-1", "ZZZZZZZZZ1", "A1B", "é1"] {
            assert!(position(wrong).is_err(), "{wrong}");
        }
    }
}
