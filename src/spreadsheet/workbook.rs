//! Reads the rows of XLSX and XLS workbooks in a separate thread.
//!
//! The reader of a sheet borrows its workbook. So both are in the separate thread, which sends rows
//! through a bounded channel. A malicious file may cause a panic in a library. The panic ends only
//! that thread, and the file is reported as broken.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::cell::{Cell, Origin, Record};
use super::header_row::{self, Found};
use super::how_read::{SheetFate, SheetState};
use super::reader::Piece;
use super::{Limits, SheetError, archive, xls, xlsx};
use crate::domain::certification::reading::{ALL_SHEETS, Reading};

/// Capacity of the channel in rows.
const ROWS_AHEAD: usize = 16;
/// Maximum number of sheets that are read if no sheet is named.
const MAX_SHEETS: usize = 256;
/// Maximum row number in both formats.
const LAST_ROW: u32 = 1_048_576;

/// Kind of workbook.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Office Open XML.
    Xlsx,
    /// BIFF8, the format of Excel 97 to 2003.
    Xls,
}

/// Opened workbook.
pub(super) trait Book {
    /// Returns the worksheets in order.
    fn sheets(&self) -> Vec<Named>;
    /// Opens the cells of a sheet. `sheet` is an index into [`Book::sheets`].
    fn cells(&mut self, sheet: usize) -> Result<Box<dyn CellSource + '_>, SheetError>;
}

/// Source of the cells of a sheet, row by row from the top. It may return blank cells.
pub(super) trait CellSource {
    fn next_cell(&mut self) -> Result<Option<Placed>, SheetError>;
    /// Returns ranges of hidden columns as 0-based (first, last). The result is complete after the
    /// first cell has been read.
    fn hidden_columns(&self) -> &[(u32, u32)];
}

/// Name and visibility of a worksheet.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub name: String,
    pub is_hidden: bool,
}

/// Cell and its 0-based position.
pub(super) struct Placed {
    pub row: u32,
    pub column: u32,
    pub cell: Cell,
    /// True if the row is hidden.
    pub is_hidden: bool,
}

enum Message {
    Piece(Box<Piece>),
    Failed(SheetError),
    End,
}

/// Reason why the thread stops before the end.
enum Stop {
    /// The receiver was dropped.
    Unheard,
    Error(SheetError),
}

impl From<SheetError> for Stop {
    fn from(error: SheetError) -> Self {
        Self::Error(error)
    }
}

/// Iterator over the header rows and the rows of the selected sheets. The rows of a sheet follow
/// its header row.
pub(super) struct WorkbookRows {
    messages: Receiver<Message>,
    ended: bool,
}

/// Starts a thread that checks and reads the file.
pub(super) fn open(
    file: File,
    kind: Kind,
    limits: Limits,
    reading: &Reading,
) -> Result<WorkbookRows, SheetError> {
    let (sender, messages) = sync_channel(ROWS_AHEAD);
    let reading = reading.clone();
    thread::Builder::new()
        .name("workbook".to_owned())
        .spawn(move || run(file, kind, limits, &reading, &sender))?;
    Ok(WorkbookRows {
        messages,
        ended: false,
    })
}

fn panicked() -> SheetError {
    SheetError::broken("a part of it violates the format")
}

impl Iterator for WorkbookRows {
    type Item = Result<Piece, SheetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = match self.messages.recv() {
            Ok(Message::Piece(piece)) => return Some(Ok(*piece)),
            Ok(Message::End) => None,
            Ok(Message::Failed(error)) => Some(Err(error)),
            Err(_) => Some(Err(panicked())),
        };
        self.ended = true;
        item
    }
}

fn run(file: File, kind: Kind, limits: Limits, reading: &Reading, sender: &SyncSender<Message>) {
    let last = match read(file, kind, limits, reading, sender) {
        Ok(()) => Message::End,
        Err(Stop::Error(error)) => Message::Failed(error),
        Err(Stop::Unheard) => return,
    };
    // An error means that the receiver is dropped.
    let _ = sender.send(last);
}

fn read(
    file: File,
    kind: Kind,
    limits: Limits,
    reading: &Reading,
    sender: &SyncSender<Message>,
) -> Result<(), Stop> {
    let mut book: Box<dyn Book> = match kind {
        Kind::Xlsx => {
            archive::check(&file, &limits)?;
            Box::new(xlsx::Workbook::open(file, &limits)?)
        }
        Kind::Xls => Box::new(xls::Workbook::open(file, &limits)?),
    };
    let sheets = book.sheets();
    let chosen = Chosen::of(reading, &sheets)?;
    // A sheet without headers, such as a cover sheet, is skipped. If no sheet fits, the first error
    // is returned.
    let mut refused = None;
    let mut has_read = false;
    let mut states = Vec::with_capacity(sheets.len());
    for (index, sheet) in sheets.into_iter().enumerate() {
        let fate = if chosen.reads(index, &sheet, has_read) {
            match read_sheet(&mut *book, index, &sheet.name, &limits, reading, sender) {
                Ok(fate) => fate,
                Err(Stop::Error(error)) if is_header(&error) && !chosen.is_named() => {
                    refused = refused.or(Some(error));
                    SheetFate::NoHeaders
                }
                Err(stop) => return Err(stop),
            }
        } else if sheet.is_hidden {
            SheetFate::Hidden
        } else if index >= MAX_SHEETS && chosen.continues_after(has_read) {
            SheetFate::BeyondLimit
        } else {
            SheetFate::NotChosen
        };
        has_read |= fate == SheetFate::Read;
        states.push(SheetState {
            name: sheet.name,
            fate,
        });
    }
    if !has_read {
        return Err(Stop::Error(refused.unwrap_or(SheetError::Empty)));
    }
    send(sender, Piece::Sheets(states))
}

/// Returns true if the error means that a sheet has no valid header row.
fn is_header(error: &SheetError) -> bool {
    match error {
        SheetError::InSheet { source, .. } => is_header(source),
        SheetError::MissingColumns { .. }
        | SheetError::UnknownColumn { .. }
        | SheetError::NoHeaderRow { .. } => true,
        _ => false,
    }
}

/// Selection of the sheets to read.
enum Chosen {
    First,
    All,
    One(usize),
}

impl Chosen {
    fn of(reading: &Reading, sheets: &[Named]) -> Result<Self, SheetError> {
        let Some(wanted) = reading.sheets.as_deref() else {
            return Ok(Self::First);
        };
        let alike =
            |sheet: &Named| sheet.name.trim().to_lowercase() == wanted.trim().to_lowercase();
        let named = sheets.iter().position(|sheet| sheet.name == wanted);
        match named.or_else(|| sheets.iter().position(alike)) {
            _ if wanted.eq_ignore_ascii_case(ALL_SHEETS) => Ok(Self::All),
            Some(index) => Ok(Self::One(index)),
            None => Err(SheetError::UnknownSheet {
                sheet: super::error::printable(wanted),
                sheets: sheets.iter().map(|sheet| sheet.name.clone()).collect(),
            }),
        }
    }

    const fn is_named(&self) -> bool {
        matches!(self, Self::One(_))
    }

    /// Returns true if the next sheets must be considered too. `has_read` is true if a sheet was
    /// already read. The limit of sheets is not considered here.
    const fn continues_after(&self, has_read: bool) -> bool {
        match self {
            Self::First => !has_read,
            Self::All => true,
            Self::One(_) => false,
        }
    }

    const fn reads(&self, index: usize, sheet: &Named, has_read: bool) -> bool {
        match self {
            Self::First => !sheet.is_hidden && !has_read && index < MAX_SHEETS,
            Self::All => !sheet.is_hidden && index < MAX_SHEETS,
            Self::One(wanted) => *wanted == index,
        }
    }
}

fn read_sheet(
    book: &mut dyn Book,
    index: usize,
    name: &str,
    limits: &Limits,
    reading: &Reading,
    sender: &SyncSender<Message>,
) -> Result<SheetFate, Stop> {
    let in_sheet = |error: SheetError| Stop::Error(error.in_sheet(Some(name)));
    let mut rows = Rows {
        cells: book.cells(index).map_err(in_sheet)?,
        ahead: None,
        ended: false,
        limits: *limits,
    };
    let Some(found) = header_row::find(&mut rows, limits, reading).map_err(in_sheet)? else {
        return Ok(SheetFate::Empty);
    };
    let is_hidden = |position: &usize| {
        let mut ranges = rows.cells.hidden_columns().iter();
        u32::try_from(*position)
            .is_ok_and(|place| ranges.any(|(first, last)| (*first..=*last).contains(&place)))
    };
    let hidden_columns = (0..found.map.headers.len()).filter(is_hidden).collect();
    let found = Found {
        hidden_columns,
        ..found
    };
    send(sender, Piece::Head(found, Some(Arc::from(name))))?;
    for record in rows {
        send(sender, Piece::Row(record.map_err(in_sheet)?))?;
    }
    Ok(SheetFate::Read)
}

fn send(sender: &SyncSender<Message>, piece: Piece) -> Result<(), Stop> {
    sender
        .send(Message::Piece(Box::new(piece)))
        .map_err(|_| Stop::Unheard)
}

impl Iterator for Rows<'_> {
    type Item = Result<Record, SheetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_row().transpose()
    }
}

/// Iterator that groups filled cells into rows.
struct Rows<'a> {
    cells: Box<dyn CellSource + 'a>,
    ahead: Option<Placed>,
    /// True after the last cell. The source must not be read again.
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
        let is_hidden = first.is_hidden;
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
        Ok(Some(Record {
            row: row + 1,
            cells,
            origin: Origin::Workbook,
            is_hidden,
            faults: Vec::new(),
        }))
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

/// Puts the cell into its column. The column is below `max_columns`, so `cells` remains small.
fn place(cells: &mut Vec<Cell>, placed: Placed) {
    let column = placed.column as usize;
    if cells.len() <= column {
        cells.resize(column + 1, Cell::blank());
    }
    cells[column] = placed.cell;
}
