//! Rejection of text files whose names look wrong in the assumed encoding.

mod compared;
mod headers;

use super::charset::{Charset, offered};
use super::delimited::{self, Dialect};
use super::encoding::EncodingSource;
use super::error::{Readings, printable};
use super::header_row;
use super::headers::Column;
use super::{Limits, SheetError};
use crate::domain::Personal;
use crate::domain::certification::person::plausible::{Doubt, doubt};
use crate::domain::certification::reading::Reading;

/// Maximum number of other encodings that an error offers.
const MAX_OFFERED: usize = 8;

/// Encoding in which a file is read.
pub(super) struct Assumed {
    charset: Charset,
    source: EncodingSource,
    /// The first bytes of the file.
    start: Vec<u8>,
}

impl Assumed {
    pub(super) fn of(dialect: Dialect) -> Self {
        let Dialect {
            charset,
            source,
            start,
        } = dialect;
        Self {
            charset,
            source,
            start,
        }
    }

    /// Returns the label of the encoding, and its source.
    pub(super) fn label_and_source(&self) -> (&'static str, EncodingSource) {
        (self.charset.label, self.source)
    }

    /// Rejects the file if `name` looks misread.
    ///
    /// If the uploader has given the encoding, the file is never rejected. If the encoding is
    /// evident, only double-encoded text rejects the file. Other doubtful names are errors of their
    /// rows.
    pub(super) fn check(
        &self,
        name: &str,
        row: u32,
        column: impl FnOnce() -> String,
    ) -> Result<(), SheetError> {
        if name.is_ascii() {
            return Ok(());
        }
        let is_misread = match self.source {
            EncodingSource::Given => false,
            EncodingSource::Evident => doubt(name, false) == Some(Doubt::ReadTwice),
            EncodingSource::Guessed => {
                doubt(name, true).is_some() || compared::is_better_elsewhere(name, self.charset)
            }
        };
        if !is_misread {
            return Ok(());
        }
        let bytes = self.charset.encoded(name);
        let others = offered()
            .filter(|charset| *charset != self.charset)
            .filter_map(|charset| {
                let read = charset
                    .decoded(&bytes)
                    .filter(|read| read != name && is_plausible(read))?;
                Some((charset.label, Personal::new(read)))
            });
        let others = distinct(others.collect());
        Err(self.misread(row, &column(), name, others))
    }

    fn misread(
        &self,
        row: u32,
        column: &str,
        name: &str,
        others: Vec<(&'static str, Personal<String>)>,
    ) -> SheetError {
        let readings = Box::new(Readings {
            read: Personal::new(name.to_owned()),
            others,
        });
        SheetError::MisreadText {
            assumed: self.charset.label,
            row,
            column: printable(column),
            readings,
        }
    }

    /// Returns the error for a file without a header row. If the encoding is guessed and the
    /// headers are found in another encoding, the error reports misread text.
    pub(super) fn header_not_found(
        &self,
        error: SheetError,
        limits: &Limits,
        reading: &Reading,
    ) -> SheetError {
        let needs_document = match &error {
            SheetError::MissingColumns { missing, .. } => {
                missing.contains(&Column::DocumentNumber.name())
            }
            SheetError::UnknownColumn { .. } => false,
            _ => return error,
        };
        if self.source != EncodingSource::Guessed {
            return headers::hinted(error, self.charset, &self.start);
        }
        let mut found = Vec::new();
        for charset in offered().filter(|charset| *charset != self.charset) {
            if let Some((row, header, name)) =
                self.first_name(charset, limits, reading, needs_document)
            {
                found.push((row, header, (charset.label, Personal::new(name))));
            }
        }
        let Some((row, header, (label, name))) = found.first().cloned() else {
            return headers::hinted(error, self.charset, &self.start);
        };
        let bytes = Charset::of_label(label).map(|charset| charset.encoded(name.reveal_str()));
        let read = bytes
            .and_then(|bytes| self.charset.decoded(&bytes))
            .unwrap_or_default();
        let others = distinct(found.into_iter().map(|(.., reading)| reading).collect());
        self.misread(row, &header, &read, others)
    }

    /// Returns row, header and text of the first non-ASCII name, or of the first name if all are
    /// ASCII. Returns `None` unless the headers are found in `charset` and all names are plausible.
    fn first_name(
        &self,
        charset: Charset,
        limits: &Limits,
        reading: &Reading,
        needs_document: bool,
    ) -> Option<(u32, String, String)> {
        let rows = delimited::first_rows(&self.start, charset, reading, limits);
        let mut rows = rows.into_iter().map(Ok);
        let found = header_row::find(&mut rows, limits, reading).ok()??;
        if needs_document && found.map.position(Column::DocumentNumber).is_none() {
            return None;
        }
        let column = found
            .map
            .columns
            .iter()
            .find(|(column, _)| matches!(column, Column::FullName | Column::FirstName))?;
        let names = rows.filter_map(Result::ok).filter_map(|record| {
            let name = record.cells.get(column.1)?.shown().reveal().clone();
            Some((record.row, name))
        });
        let names: Vec<(u32, String)> = names.collect();
        if !names.iter().all(|(_, name)| is_plausible(name)) {
            return None;
        }
        let telling = names
            .iter()
            .find(|(_, name)| !name.is_ascii())
            .or(names.first())?;
        Some((
            telling.0,
            found.map.headers.get(column.1)?.clone(),
            telling.1.clone(),
        ))
    }
}

fn is_plausible(name: &str) -> bool {
    doubt(name, true).is_none()
        && !name
            .chars()
            .any(|c| c == char::REPLACEMENT_CHARACTER || c.is_control())
}

/// Returns the first [`MAX_OFFERED`] readings with different texts.
fn distinct(
    readings: Vec<(&'static str, Personal<String>)>,
) -> Vec<(&'static str, Personal<String>)> {
    let mut kept: Vec<(&'static str, Personal<String>)> = Vec::new();
    for (label, text) in readings {
        if kept.len() < MAX_OFFERED
            && !kept
                .iter()
                .any(|(_, known)| known.reveal() == text.reveal())
        {
            kept.push((label, text));
        }
    }
    kept
}

#[cfg(test)]
mod tests;
