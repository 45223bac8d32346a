//! Sequential reader for the records of a workbook stream ([MS-XLS] §2.1.4).

use std::io::{self, Read};

use super::compound::Stream;
use crate::spreadsheet::SheetError;

/// Maximum size of a record in bytes. Longer data continues in CONTINUE records.
const MAX_RECORD: usize = 8_224;

pub(super) const FORMULA: u16 = 0x0006;
pub(super) const END: u16 = 0x000A;
pub(super) const DATE_MODE: u16 = 0x0022;
pub(super) const FILE_PASS: u16 = 0x002F;
pub(super) const CONTINUE: u16 = 0x003C;
pub(super) const COLUMN_INFO: u16 = 0x007D;
pub(super) const BOUND_SHEET: u16 = 0x0085;
pub(super) const MUL_RK: u16 = 0x00BD;
pub(super) const RICH_LABEL: u16 = 0x00D6;
pub(super) const XF: u16 = 0x00E0;
pub(super) const RECALC_ID: u16 = 0x01C1;
pub(super) const ROW: u16 = 0x0208;
pub(super) const SST: u16 = 0x00FC;
pub(super) const LABEL_SST: u16 = 0x00FD;
pub(super) const NUMBER: u16 = 0x0203;
pub(super) const LABEL: u16 = 0x0204;
pub(super) const BOOL_OR_ERROR: u16 = 0x0205;
pub(super) const STRING: u16 = 0x0207;
pub(super) const RK: u16 = 0x027E;
pub(super) const FORMAT: u16 = 0x041E;
pub(super) const BEGIN: u16 = 0x0809;

/// Record reader. It contains the current record.
pub(super) struct Records {
    stream: Stream,
    pub kind: u16,
    pub data: Vec<u8>,
    /// Kind of the record that `next_if_continue` has read in advance. Its data is in `data`.
    waiting: Option<u16>,
    /// Number of bytes that may still be read. It is limited because many sheets can refer to the
    /// same offset.
    left: u64,
}

impl Records {
    /// Creates a reader. In total, it reads at most twice the length of `stream`.
    pub(super) fn new(stream: Stream) -> Self {
        let left = stream.length().saturating_mul(2);
        Self {
            stream,
            kind: 0,
            data: Vec::new(),
            waiting: None,
            left,
        }
    }

    pub(super) fn go_to(&mut self, position: u32) -> Result<(), SheetError> {
        self.waiting = None;
        Ok(self.stream.go_to(position.into())?)
    }

    /// Reads the next record into `kind` and `data`. Fails at the end of the stream.
    pub(super) fn next(&mut self) -> Result<(), SheetError> {
        match self.waiting.take() {
            Some(kind) => self.kind = kind,
            None => self.kind = self.read()?,
        }
        Ok(())
    }

    /// Reads the next record if it is a CONTINUE record. Returns true in that case.
    pub(super) fn next_if_continue(&mut self) -> Result<bool, SheetError> {
        if self.waiting.is_some() {
            return Ok(false);
        }
        let kind = self.read()?;
        if kind == CONTINUE {
            return Ok(true);
        }
        self.waiting = Some(kind);
        Ok(false)
    }

    fn read(&mut self) -> Result<u16, SheetError> {
        let mut head = [0; 4];
        self.exactly(&mut head)?;
        let [kind_low, kind_high, length_low, length_high] = head;
        let length = usize::from(u16::from_le_bytes([length_low, length_high]));
        if length > MAX_RECORD {
            return Err(SheetError::broken("a record in it is too long"));
        }
        let left = self.left.checked_sub(length as u64 + 4);
        self.left = left.ok_or_else(|| SheetError::broken("its sheets overlap"))?;
        let mut data = std::mem::take(&mut self.data);
        data.resize(length, 0);
        let read = self.exactly(&mut data);
        self.data = data;
        read.map(|()| u16::from_le_bytes([kind_low, kind_high]))
    }

    fn exactly(&mut self, out: &mut [u8]) -> Result<(), SheetError> {
        self.stream
            .read_exact(out)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => SheetError::broken("it is cut off"),
                _ => SheetError::Io(error),
            })
    }

    pub(super) fn byte(&self, at: usize) -> Result<u8, SheetError> {
        self.data.get(at).copied().ok_or_else(too_short)
    }

    pub(super) fn short(&self, at: usize) -> Result<u16, SheetError> {
        Ok(u16::from_le_bytes([self.byte(at)?, self.byte(at + 1)?]))
    }

    pub(super) fn long(&self, at: usize) -> Result<u32, SheetError> {
        Ok(u32::from(self.short(at)?) | u32::from(self.short(at + 2)?) << 16)
    }

    pub(super) fn double(&self, at: usize) -> Result<f64, SheetError> {
        Ok(f64::from_bits(
            u64::from(self.long(at)?) | u64::from(self.long(at + 4)?) << 32,
        ))
    }
}

pub(super) fn too_short() -> SheetError {
    SheetError::broken("a record in it is too short")
}
