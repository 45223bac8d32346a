//! Strings in records ([MS-XLS] §2.5.293 and .294). They may continue in the next record.

use super::records::{Records, too_short};
use crate::spreadsheet::SheetError;

/// Position in a record from which strings are read.
pub(super) struct Cursor<'r> {
    records: &'r mut Records,
    at: usize,
}

impl<'r> Cursor<'r> {
    pub(super) const fn new(records: &'r mut Records, at: usize) -> Self {
        Self { records, at }
    }

    /// Returns true if this record or its CONTINUE records have more data.
    pub(super) fn has_more(&mut self) -> Result<bool, SheetError> {
        while self.at >= self.records.data.len() {
            if !self.records.next_if_continue()? {
                return Ok(false);
            }
            self.at = 0;
        }
        Ok(true)
    }

    /// Reads the text of a string and skips its formatting runs and phonetic guides.
    pub(super) fn rich(&mut self, text: &mut String, most: usize) -> Result<(), SheetError> {
        let count = self.records.short(self.at)?;
        let flags = self.records.byte(self.at + 2)?;
        self.at += 3;
        let mut skipped = 0_u64;
        if flags & 0x08 != 0 {
            skipped += u64::from(self.records.short(self.at)?) * 4;
            self.at += 2;
        }
        if flags & 0x04 != 0 {
            skipped += u64::from(self.records.long(self.at)?);
            self.at += 4;
        }
        self.characters(usize::from(count), flags & 1 != 0, text, most)?;
        self.skip(skipped)
    }

    /// Reads a string without formatting runs and phonetic guides.
    pub(super) fn plain(&mut self, text: &mut String, most: usize) -> Result<(), SheetError> {
        let count = self.records.short(self.at)?;
        let flags = self.records.byte(self.at + 2)?;
        self.at += 3;
        self.characters(usize::from(count), flags & 1 != 0, text, most)
    }

    /// Reads a plain string of at most 255 characters, for example the name of a sheet.
    pub(super) fn short(&mut self, text: &mut String, most: usize) -> Result<(), SheetError> {
        let count = self.records.byte(self.at)?;
        let flags = self.records.byte(self.at + 1)?;
        self.at += 2;
        self.characters(usize::from(count), flags & 1 != 0, text, most)
    }

    /// Reads `count` UTF-16 code units. A unit has 2 bytes if `is_wide` is true, otherwise 1 byte,
    /// for values below 256. If the string continues in the next record, that record starts with a
    /// new flag for the width. Appends to `text` until `text` has more than `most` bytes.
    fn characters(
        &mut self,
        count: usize,
        is_wide: bool,
        text: &mut String,
        most: usize,
    ) -> Result<(), SheetError> {
        let mut left = count;
        let mut is_wide = is_wide;
        // At most 65,535 units, the maximum of the length field.
        let mut units: Vec<u16> = Vec::new();
        while left > 0 {
            if self.at >= self.records.data.len() {
                if !self.records.next_if_continue()? {
                    return Err(too_short());
                }
                is_wide = self.records.byte(0)? & 1 != 0;
                self.at = 1;
                continue;
            }
            let unit = if is_wide {
                self.records.short(self.at)?
            } else {
                self.records.byte(self.at)?.into()
            };
            self.at += if is_wide { 2 } else { 1 };
            units.push(unit);
            left -= 1;
        }
        for character in char::decode_utf16(units) {
            if text.len() > most {
                break;
            }
            text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), SheetError> {
        let mut left = bytes;
        while left > 0 {
            if !self.has_more()? {
                return Err(too_short());
            }
            let here = (self.records.data.len() - self.at) as u64;
            let step = here.min(left);
            self.at += step as usize; // proof: at most what is left of a record
            left -= step;
        }
        Ok(())
    }
}
