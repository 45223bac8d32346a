//! The uploader's mapping of columns to fields.

use super::super::SheetError;
use super::super::error::printable;
use super::recognised::head_of;
use super::{Column, Meaning, key, letter, recognise};
use crate::domain::Personal;
use crate::domain::certification::reading::Reading;

/// The uploader's mapping: positions and their fields. `None` means that the column is ignored.
pub(super) struct Chosen(Vec<(usize, Option<Column>)>);

impl Chosen {
    /// Finds the columns of the mapping: by the exact header, then without case, accents and
    /// punctuation, then by the letter of the column.
    ///
    /// # Errors
    /// Fails if a column of the mapping is not in the header row.
    pub(super) fn of(cells: &[String], reading: &Reading) -> Result<Self, SheetError> {
        let mut chosen = Vec::new();
        let keys: Vec<String> = match reading.mapping.is_empty() {
            true => Vec::new(),
            false => cells.iter().map(|cell| key(head_of(cell))).collect(),
        };
        for (header, field) in &reading.mapping {
            let column = field.as_deref().and_then(Column::of_name);
            let same = |alike: &dyn Fn(usize) -> bool| -> Vec<usize> {
                (0..cells.len())
                    .filter(|position| alike(*position))
                    .collect()
            };
            let wanted = key(head_of(header));
            let mut found = same(&|position| cells[position].trim() == header.trim());
            if found.is_empty() && !wanted.is_empty() {
                found = same(&|position| keys[position] == wanted);
            }
            if found.is_empty() {
                // The mapping names a column without a unique header by its letter.
                found = same(&|position| letter(position) == header.trim());
            }
            if found.is_empty() {
                let found = cells.iter().map(|cell| cell.trim().to_owned()).collect();
                return Err(SheetError::UnknownColumn {
                    column: printable(header),
                    found: Personal::new(found),
                });
            }
            chosen.extend(found.into_iter().map(|position| (position, column)));
        }
        Ok(Self(chosen))
    }

    pub(super) fn is_chosen(&self, position: usize) -> bool {
        self.0.iter().any(|(at, _)| *at == position)
    }

    fn has(&self, column: Column) -> bool {
        self.0.iter().any(|(_, field)| *field == Some(column))
    }

    /// Returns the meaning of a header. Columns of the mapping exclude other columns with the same
    /// meaning.
    pub(super) fn meaning(&self, position: usize, header: &str) -> Option<Meaning> {
        if let Some((_, column)) = self.0.iter().find(|(at, _)| *at == position) {
            return column.map(Meaning::Column);
        }
        let has_parts = self.has(Column::FirstName) || self.has(Column::LastName);
        recognise(header).filter(|meaning| match meaning {
            Meaning::Column(Column::FullName) | Meaning::DisplayName | Meaning::CertificateName => {
                !self.has(Column::FullName) && !has_parts
            }
            Meaning::PlainName => !self.has(Column::FullName) && !self.has(Column::FirstName),
            Meaning::Column(column) if column.is_name() => {
                !self.has(*column) && !self.has(Column::FullName)
            }
            Meaning::Column(column) => !self.has(*column),
        })
    }
}
