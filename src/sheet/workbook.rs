//! Workbooks of both kinds, gathered into rows on a thread of their own.
//!
//! A sheet's reader borrows its workbook; behind a bounded channel that costs nothing. It also keeps a
//! panic in a library, which hostile files are made for, to one more way for a file to be broken.

use std::fs::File;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::headers::{self, HeaderMap};
use super::row::{Cell, Record};
use super::{Limits, SheetError, archive, xls, xlsx};

/// Rows on their way; one holds up to columns × characters of a cell.
const ROWS_AHEAD: usize = 16;
/// Visible sheets that are looked at.
const MAX_SHEETS: usize = 256;
/// The last row that either format has.
const LAST_ROW: u32 = 1_048_576;

/// A kind of workbook.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Office Open XML.
    Xlsx,
    /// BIFF8, Excel 97 to 2003.
    Xls,
}

/// An opened workbook.
pub(super) trait Book {
    /// How many visible sheets it has.
    fn sheets(&self) -> usize;
    /// The cells of a visible sheet.
    fn cells(&mut self, sheet: usize) -> Result<Box<dyn CellSource + '_>, SheetError>;
}

/// The cells of a sheet, row by row from the top; blank ones may be among them.
pub(super) trait CellSource {
    fn next_cell(&mut self) -> Result<Option<Placed>, SheetError>;
}

/// A cell and its position, counted from 0.
pub(super) struct Placed {
    pub row: u32,
    pub column: u32,
    pub cell: Cell,
}

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
pub(super) fn open(file: File, kind: Kind, limits: Limits) -> Result<(HeaderMap, WorkbookRows), SheetError> {
    let (sender, messages) = sync_channel(ROWS_AHEAD);
    thread::Builder::new().name("workbook".to_owned()).spawn(move || run(file, kind, limits, &sender))?;
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

fn run(file: File, kind: Kind, limits: Limits, sender: &SyncSender<Message>) {
    let last = match read(file, kind, limits, sender) {
        Ok(()) => Message::End,
        Err(Stop::Error(error)) => Message::Failed(error),
        Err(Stop::Unheard) => return,
    };
    // Nobody may listen any more; then there is nobody to tell.
    let _ = sender.send(last);
}

fn read(file: File, kind: Kind, limits: Limits, sender: &SyncSender<Message>) -> Result<(), Stop> {
    let mut book: Box<dyn Book> = match kind {
        Kind::Xlsx => {
            archive::check(&file, &limits)?;
            Box::new(xlsx::Workbook::open(file, &limits)?)
        }
        Kind::Xls => Box::new(xls::Workbook::open(file, &limits)?),
    };
    // A cover sheet before the people is no reason to refuse; if no sheet fits, the first one's reason counts.
    let mut refused = None;
    for sheet in 0..book.sheets().min(MAX_SHEETS) {
        let mut rows = Rows { cells: book.cells(sheet)?, ahead: None, ended: false, limits };
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

/// Gathers filled cells into rows.
struct Rows<'a> {
    cells: Box<dyn CellSource + 'a>,
    ahead: Option<Placed>,
    /// What is behind the last cell is not read.
    ended: bool,
    limits: Limits,
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
        Ok(Some(Record { row: row + 1, cells, counted: false, faults: Vec::new() }))
    }

    fn next_filled(&mut self) -> Result<Option<Placed>, SheetError> {
        while !self.ended {
            let Some(placed) = self.cells.next_cell()? else {
                self.ended = true;
                break;
            };
            if placed.cell.is_blank() {
                continue;
            }
            if placed.row >= LAST_ROW {
                return Err(SheetError::broken("a cell lies outside the sheet"));
            }
            if placed.column as usize >= self.limits.max_columns {
                return Err(SheetError::TooManyColumns {
                    row: placed.row + 1,
                    column: u64::from(placed.column) + 1,
                    limit: self.limits.max_columns,
                });
            }
            return Ok(Some(placed));
        }
        Ok(None)
    }
}

/// The column is below the limit, so the row stays small.
fn place(cells: &mut Vec<Cell>, placed: Placed) {
    let column = placed.column as usize;
    if cells.len() <= column {
        cells.resize(column + 1, Cell::blank());
    }
    cells[column] = placed.cell;
}
