//! XLSX (ECMA-376), cell by cell through calamine, on a thread of its own.
//!
//! calamine's cell reader borrows its workbook, and it panics on some damaged files. On a thread behind a
//! bounded channel the first costs nothing and the second is one more way for a file to be broken.

use std::fs::File;
use std::io::BufReader;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use calamine::{DataRef, Reader as _, SheetType, SheetVisible, Xlsx, XlsxCellReader, XlsxError};

use super::headers::{self, HeaderMap};
use super::row::{Cell, Record};
use super::{Limits, SheetError, archive};

/// Rows on their way; more would only hold memory.
const ROWS_AHEAD: usize = 64;
/// The last row and column that the format has.
const LAST_ROW: u32 = 1_048_576;
/// Spreadsheet programs keep 15 digits of a number; whole numbers from here on have more.
const FIRST_ROUNDED: f64 = 1e15;

type Source = BufReader<File>;

enum Message {
    Header(HeaderMap),
    Row(Record),
    Failed(SheetError),
    End,
}

/// Why the thread stops early.
enum Stop {
    /// Nobody listens any more.
    Unheard,
    Error(SheetError),
}

impl From<SheetError> for Stop {
    fn from(error: SheetError) -> Self {
        Self::Error(error)
    }
}

/// The rows below the header of the first visible sheet that has one.
pub(super) struct WorkbookRows {
    messages: Receiver<Message>,
    ended: bool,
}

/// Looks the file over, opens it and finds the header.
pub(super) fn open(file: File, limits: Limits) -> Result<(HeaderMap, WorkbookRows), SheetError> {
    archive::check(&file, &limits)?;
    let (sender, messages) = sync_channel(ROWS_AHEAD);
    thread::Builder::new().name("xlsx".to_owned()).spawn(move || run(file, limits, &sender))?;
    match messages.recv() {
        Ok(Message::Header(header)) => Ok((header, WorkbookRows { messages, ended: false })),
        Ok(Message::Failed(error)) => Err(error),
        Ok(Message::Row(_) | Message::End) | Err(_) => Err(panicked()),
    }
}

fn panicked() -> SheetError {
    SheetError::broken("a part of it is not as the format requires")
}

impl Iterator for WorkbookRows {
    type Item = Result<Record, SheetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = match self.messages.recv() {
            Ok(Message::Row(record)) => return Some(Ok(record)),
            Ok(Message::End) => None,
            Ok(Message::Failed(error)) => Some(Err(error)),
            Ok(Message::Header(_)) | Err(_) => Some(Err(panicked())),
        };
        self.ended = true;
        item
    }
}

fn run(file: File, limits: Limits, sender: &SyncSender<Message>) {
    let last = match read(file, limits, sender) {
        Ok(()) => Message::End,
        Err(Stop::Error(error)) => Message::Failed(error),
        Err(Stop::Unheard) => return,
    };
    // Nobody may listen any more; then there is nobody to tell.
    let _ = sender.send(last);
}

fn read(file: File, limits: Limits, sender: &SyncSender<Message>) -> Result<(), Stop> {
    let mut workbook = Xlsx::new(BufReader::new(file)).map_err(|error| damaged(&error))?;
    let sheets = workbook.sheets_metadata().iter();
    let shown =
        sheets.filter(|sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet);
    let names: Vec<String> = shown.map(|sheet| sheet.name.clone()).collect();
    // A cover sheet before the people is no reason to refuse; if no sheet fits, the first one's reason counts.
    let mut refused = None;
    for name in names {
        let cells = workbook.worksheet_cells_reader(&name).map_err(|error| damaged(&error))?;
        let mut rows = Rows { cells, ahead: None, ended: false, limits };
        let Some(first) = rows.next_row()? else { continue };
        let header: Vec<String> = first.cells.iter().map(|cell| cell.shown().reveal().clone()).collect();
        match headers::map(&header) {
            Ok(map) => {
                send(sender, Message::Header(map))?;
                while let Some(record) = rows.next_row()? {
                    send(sender, Message::Row(record))?;
                }
                return Ok(());
            }
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(Stop::Error(refused.unwrap_or(SheetError::Empty)))
}

fn send(sender: &SyncSender<Message>, message: Message) -> Result<(), Stop> {
    sender.send(message).map_err(|_| Stop::Unheard)
}

/// calamine's messages may quote a cell, so only the kind of damage is told.
fn damaged(error: &XlsxError) -> SheetError {
    match error {
        XlsxError::Password => SheetError::Encrypted,
        XlsxError::Xml(_) | XlsxError::XmlAttr(_) => SheetError::broken("its XML is not well formed"),
        XlsxError::XmlEof(_) => SheetError::broken("a part of it is cut off"),
        XlsxError::FileNotFound(_) | XlsxError::RelationshipNotFound | XlsxError::WorksheetNotFound(_) => {
            SheetError::broken("a part of it is missing")
        }
        XlsxError::CellError(_) => SheetError::broken("a cell has an error value that is not known"),
        _ => panicked(),
    }
}

/// Gathers cells into rows; calamine gives filled and formatted cells in the order of the file.
struct Rows<'a> {
    cells: XlsxCellReader<'a, Source>,
    ahead: Option<Placed>,
    /// Behind the last cell calamine would read on, into the end of the part.
    ended: bool,
    limits: Limits,
}

/// A filled cell and its position, counted from 0.
struct Placed {
    row: u32,
    column: usize,
    cell: Cell,
}

impl Rows<'_> {
    fn next_row(&mut self) -> Result<Option<Record>, SheetError> {
        let first = match self.ahead.take() {
            Some(placed) => placed,
            None => match self.next_filled()? {
                Some(placed) => placed,
                None => return Ok(None),
            },
        };
        let row = first.row;
        let mut cells = Vec::new();
        place(&mut cells, first);
        while let Some(placed) = self.next_filled()? {
            if placed.row < row {
                return Err(SheetError::broken("its rows are out of order"));
            }
            if placed.row > row {
                self.ahead = Some(placed);
                break;
            }
            place(&mut cells, placed);
        }
        Ok(Some(Record { row: row + 1, cells, counted: false }))
    }

    fn next_filled(&mut self) -> Result<Option<Placed>, SheetError> {
        while !self.ended {
            let Some(found) = self.cells.next_cell().map_err(|error| damaged(&error))? else {
                self.ended = true;
                break;
            };
            let Some(cell) = convert(found.get_value(), self.limits.max_cell_chars) else { continue };
            let (row, column) = found.get_position();
            if row >= LAST_ROW {
                return Err(SheetError::broken("a cell lies outside the sheet"));
            }
            if column as usize >= self.limits.max_columns {
                return Err(SheetError::TooManyColumns {
                    row: row + 1,
                    column: u64::from(column) + 1,
                    limit: self.limits.max_columns,
                });
            }
            return Ok(Some(Placed { row, column: column as usize, cell }));
        }
        Ok(None)
    }
}

/// The column is below the limit, so the row stays small.
fn place(cells: &mut Vec<Cell>, placed: Placed) {
    if cells.len() <= placed.column {
        cells.resize(placed.column + 1, Cell::Text(String::new().into()));
    }
    cells[placed.column] = placed.cell;
}

/// A cell as text, the way the spreadsheet program would show it unformatted; `None` for a blank one.
/// Formulas arrive as the value they had when the file was saved.
fn convert(value: &DataRef<'_>, max_chars: usize) -> Option<Cell> {
    let text = match value {
        DataRef::Empty => return None,
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => return Some(convert_number(*number)),
        DataRef::DateTime(time) if time.is_duration() => return Some(convert_number(time.as_f64())),
        DataRef::DateTime(time) => iso(time.to_ymd_hms_milli()),
        DataRef::Bool(is_true) => {
            let shown = if *is_true { "TRUE" } else { "FALSE" };
            return Some(Cell::unusable(shown, "BOOLEAN_CELL", "is a TRUE/FALSE cell; write it as text"));
        }
        DataRef::Error(error) => {
            return Some(Cell::unusable(
                error.to_string(),
                "ERROR_CELL",
                "is a formula that failed; correct the formula or write the value",
            ));
        }
    };
    if text.trim().is_empty() { None } else { Some(Cell::text(text, max_chars)) }
}

/// Never with an exponent or a trailing `.0`: a document number typed into a number cell stays itself.
fn convert_number(number: f64) -> Cell {
    if number.abs() >= FIRST_ROUNDED || !number.is_finite() {
        return Cell::unusable(
            format!("{number}"),
            "NUMBER_ROUNDED",
            "is a number of more than 15 digits, which spreadsheet programs round; format the column as text and \
             type it again",
        );
    }
    // Adding zero turns -0 into 0; `Display` never writes an exponent.
    Cell::Text(format!("{}", number + 0.0).into())
}

fn iso((year, month, day, hour, minute, second, milli): (u16, u8, u8, u8, u8, u8, u16)) -> String {
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second, milli) == (0, 0, 0, 0) {
        return date;
    }
    format!("{date}T{hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &DataRef<'_>) -> Option<String> {
        convert(value, 19).map(|cell| match cell {
            Cell::Text(text) => text.into_revealed(),
            Cell::Unusable { code, .. } => code.to_owned(),
        })
    }

    #[test]
    fn numbers_are_written_out() {
        for (number, text) in [
            (12_345_678.0, "12345678"),
            (1.2e10, "12000000000"),
            (999_999_999_999_999.0, "999999999999999"),
            (-0.0, "0"),
            (0.5, "0.5"),
            (1e-7, "0.0000001"),
            (1e15, "NUMBER_ROUNDED"),
            (f64::INFINITY, "NUMBER_ROUNDED"),
        ] {
            assert_eq!(shown(&DataRef::Float(number)).as_deref(), Some(text));
        }
    }

    #[test]
    fn other_cells() {
        let date = |value| {
            DataRef::DateTime(calamine::ExcelDateTime::new(
                value,
                calamine::ExcelDateTimeType::DateTime,
                false,
            ))
        };
        assert_eq!(shown(&date(45_943.0)).as_deref(), Some("2025-10-13"));
        assert_eq!(shown(&date(45_943.5)).as_deref(), Some("2025-10-13T12:00:00"));
        assert_eq!(shown(&DataRef::SharedString("007")).as_deref(), Some("007"));
        assert_eq!(shown(&DataRef::SharedString("01234567890123456789")).as_deref(), Some("TOO_LONG"));
        assert_eq!(shown(&DataRef::Bool(true)).as_deref(), Some("BOOLEAN_CELL"));
        assert_eq!(shown(&DataRef::String(" \n".to_owned())), None);
    }
}
