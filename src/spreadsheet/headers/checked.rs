//! Checks of a row against the header row. They find errors of the file as a whole.

use std::collections::HashSet;

use super::super::SheetError;
use super::super::cell::{Cell, Origin, Record};
use super::super::error::printable;
use super::super::field::is_placeholder;
use super::{Column, HeaderMap, key, letter};
use crate::domain::certification::person::is_quite_different;

impl HeaderMap {
    /// Checks that the columns of the row do not contradict each other, and that no unknown column
    /// has a part of the name. The correct column is then unknown for all rows, so each error
    /// rejects the whole file.
    pub(in crate::spreadsheet) fn check(&self, record: &Record) -> Result<(), SheetError> {
        let at = |position: usize| {
            record
                .cells
                .get(position)
                .map_or("", |cell| cell.shown().reveal().trim())
        };
        // A formula without a result is an error of its row, so its cell counts as empty here.
        let is_usable =
            |position: usize| !matches!(record.cells.get(position), Some(Cell::Unusable { .. }));
        let usable = |position: usize| {
            if is_usable(position) {
                at(position)
            } else {
                ""
            }
        };
        for (column, second) in &self.twins {
            let is_own = |position: &usize| {
                *column == Column::FullName
                    && self.preferred.is_some_and(|first| first == *position)
            };
            let mut earlier = self
                .positions(*column)
                .filter(|position| position < second && !is_own(position));
            if let Some(first) = earlier.find(|first| contradict(at(*first), at(*second))) {
                return Err(self.contradiction(column.name(), first, *second, record.row));
            }
        }
        let is_read =
            |position: usize| record.origin != Origin::Csv || position < self.headers.len();
        let mut suspects = self
            .suspects
            .iter()
            .filter(|suspect| is_read(suspect.position));
        let name = || self.name_words(at);
        if let Some(suspect) = suspects.find(|suspect| suspect.is_name(at(suspect.position), name))
        {
            return Err(SheetError::UnknownNameColumn {
                column: self.shown(suspect.position),
                key: self.mapping_key(suspect.position),
                reason: suspect.reason(),
                proposal: suspect.proposal,
                row: record.row,
            });
        }
        if let Some((full, part)) = self.lost_part(at) {
            return Err(SheetError::IncompleteFullName {
                full: self.shown(full),
                full_key: self.mapping_key(full),
                part: self.shown(part),
                part_key: self.is_surname_part(part).then(|| self.mapping_key(part)),
                row: record.row,
            });
        }
        let parts = self
            .position(Column::FirstName)
            .zip(self.position(Column::LastName));
        if let Some((full, first)) = self.other_person(usable) {
            return Err(SheetError::FullNameDiffers {
                full: self.shown(full),
                key: self.mapping_key(full),
                first: self.shown(first),
                row: record.row,
            });
        }
        if let (Some(plain), Some((first, last))) = (self.plain_name, parts) {
            let all = [
                Column::FirstName,
                Column::MiddleName,
                Column::LastName,
                Column::SecondLastName,
            ];
            let whole = all
                .into_iter()
                .filter_map(|part| self.position(part))
                .map(at)
                .collect::<Vec<_>>();
            let short = format!("{} {}", at(first), at(last));
            if !contradict(at(plain), short.trim()) {
                return Ok(());
            }
            let whole = whole.join(" ");
            if contradict(at(plain), whole.trim()) && contradict(at(plain), at(first)) {
                return Err(self.contradiction(Column::FullName.name(), first, plain, record.row));
            }
        }
        Ok(())
    }

    /// Returns the positions of the full name and of a part of the name that it lacks. If the sheet
    /// has both first and last name, the full name is another spelling of the whole name and is
    /// used alone.
    fn lost_part<'a>(&self, at: impl Fn(usize) -> &'a str) -> Option<(usize, usize)> {
        let has = |column| self.position(column).is_some();
        let full = self
            .positions(Column::FullName)
            .find(|position| !at(*position).is_empty())?;
        if self.preferred == Some(full) || (has(Column::FirstName) && has(Column::LastName)) {
            return None;
        }
        let whole: Vec<String> = at(full).split_whitespace().map(key).collect();
        let is_lost = |part: &usize| {
            let text = at(*part);
            !is_placeholder(text)
                && !text
                    .split_whitespace()
                    .map(key)
                    .all(|word| whole.contains(&word))
        };
        let parts = [
            Column::FirstName,
            Column::MiddleName,
            Column::LastName,
            Column::SecondLastName,
            Column::NameSuffix,
        ];
        let mut present = parts.into_iter().flat_map(|part| self.positions(part));
        present.find(is_lost).map(|part| (full, part))
    }

    /// Returns the positions of the full name and the first name if the full name belongs to
    /// another person than first and last name.
    fn other_person<'a>(&self, at: impl Fn(usize) -> &'a str + Copy) -> Option<(usize, usize)> {
        let (first, last) = self
            .position(Column::FirstName)
            .zip(self.position(Column::LastName))?;
        let full = self
            .positions(Column::FullName)
            .find(|position| !at(*position).is_empty())?;
        let is_blank = |position: usize| at(position).is_empty() || is_placeholder(at(position));
        if self.preferred == Some(full) || is_blank(full) || is_blank(first) || is_blank(last) {
            return None;
        }
        let has_parts = |parts: &[Column]| {
            let parts = parts
                .iter()
                .filter_map(|part| self.position(*part))
                .map(at)
                .collect::<Vec<_>>();
            !is_quite_different(at(full), &parts.join(" "))
        };
        let [first_name, middle, last_name, second] = [
            Column::FirstName,
            Column::MiddleName,
            Column::LastName,
            Column::SecondLastName,
        ];
        // "佐藤花子" has the surname first and no space. "Ana" lacks the surname if the parts are "Ana"
        // and "Gil".
        let whole = key(at(full));
        let has_both = |one: usize, other: usize| whole == key(at(one)) + &key(at(other));
        let is_one_word = at(full).split_whitespace().count() == 1;
        // Programs that require two names repeat a single one.
        let is_repeated = whole == key(at(first)) && whole == key(at(last));
        if is_one_word && !is_repeated && !has_both(first, last) && !has_both(last, first) {
            return Some((full, first));
        }
        if is_repeated {
            return None;
        }
        let is_same = has_parts(&[first_name, last_name])
            || has_parts(&[last_name, first_name])
            || has_parts(&[first_name, middle, last_name, second]);
        (!is_same).then_some((full, first))
    }

    /// Returns true if the column has the first or only surname.
    fn is_surname_part(&self, position: usize) -> bool {
        let is_at = |column| self.positions(column).any(|known| known == position);
        is_at(Column::LastName)
            || self.position(Column::LastName).is_none() && is_at(Column::SecondLastName)
    }

    /// Returns the keys of all words of the name in a row.
    fn name_words<'a>(&self, at: impl Fn(usize) -> &'a str) -> HashSet<String> {
        let named = self
            .columns
            .iter()
            .chain(&self.twins)
            .filter(|(column, _)| column.is_name());
        let positions = named.map(|(_, position)| *position).chain(self.plain_name);
        positions
            .flat_map(|position| at(position).split_whitespace().map(key))
            .collect()
    }

    /// Returns the key of a column in a mapping: its header, or its letter if the header is too
    /// long for a message or not unique.
    fn mapping_key(&self, position: usize) -> String {
        let header = self.shown(position);
        let written = self
            .headers
            .get(position)
            .is_some_and(|written| *written == header);
        let same = self
            .headers
            .iter()
            .filter(|other| key(other) == key(&header))
            .count();
        if written && same == 1 {
            header
        } else {
            letter(position)
        }
    }

    /// Returns the header of a column as shown in messages.
    fn shown(&self, position: usize) -> String {
        self.headers
            .get(position)
            .map_or_else(|| letter(position), |header| printable(header))
    }

    fn contradiction(&self, field: &'static str, one: usize, other: usize, row: u32) -> SheetError {
        SheetError::DuplicateColumns {
            field,
            first: self.shown(one),
            second: self.shown(other),
            key: self.mapping_key(other),
            row,
        }
    }
}

fn contradict(one: &str, other: &str) -> bool {
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_lowercase)
            .collect::<Vec<_>>()
    };
    !one.is_empty() && !other.is_empty() && one != other && words(one) != words(other)
}
