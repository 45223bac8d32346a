//! Mapping of a sheet's header row to fields: by known headers in several languages
//! ([`vocabulary`]), or by the uploader's mapping.

mod checked;
mod chosen;
mod combined;
mod order;
mod recognised;
mod suspicion;
mod suspicious_words;
mod vocabulary;

use super::error::{SheetError, printable};
use crate::domain::Personal;
use crate::domain::certification::reading::Reading;

use chosen::Chosen;
use combined::{is_for_certificate, is_with_original_name};
pub(super) use recognised::{key, recognise};
pub(super) use suspicion::is_answer;
use suspicion::{Suspect, suspects};

/// A known column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant has the name of a field")]
pub enum Column {
    FullName,
    FirstName,
    /// Further given names, appended to the first name.
    MiddleName,
    LastName,
    /// Second surname, appended to the first surname.
    SecondLastName,
    /// Suffix such as "Jr.", appended to the whole name.
    NameSuffix,
    Country,
    DocumentType,
    DocumentNumber,
    Gender,
    Email,
    CertificateId,
}

impl Column {
    /// All columns.
    pub const ALL: [Self; 12] = [
        Self::FullName,
        Self::FirstName,
        Self::MiddleName,
        Self::LastName,
        Self::SecondLastName,
        Self::NameSuffix,
        Self::Country,
        Self::DocumentType,
        Self::DocumentNumber,
        Self::Gender,
        Self::Email,
        Self::CertificateId,
    ];

    /// Returns the column with this name in the API.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name() == name)
    }

    /// Returns the column with this name, in camelCase or snake_case.
    #[must_use]
    pub fn of_written_name(name: &str) -> Option<Self> {
        let is_same = |known: &str| {
            let letters = name.chars().filter(|&character| character != '_');
            known
                .chars()
                .map(|character| character.to_ascii_lowercase())
                .eq(letters)
        };
        let is_snake_case = !name.chars().any(|character| character.is_ascii_uppercase());
        Self::ALL
            .into_iter()
            .find(|column| column.name() == name || (is_snake_case && is_same(column.name())))
    }

    /// Returns true for full names and parts of names.
    #[must_use]
    pub const fn is_name(self) -> bool {
        matches!(
            self,
            Self::FullName
                | Self::FirstName
                | Self::MiddleName
                | Self::LastName
                | Self::SecondLastName
                | Self::NameSuffix
        )
    }

    /// Returns the name of the field in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FullName => "fullName",
            Self::FirstName => "firstName",
            Self::MiddleName => "middleName",
            Self::LastName => "lastName",
            Self::SecondLastName => "secondLastName",
            Self::NameSuffix => "nameSuffix",
            Self::Country => "country",
            Self::DocumentType => "documentType",
            Self::DocumentNumber => "documentNumber",
            Self::Gender => "gender",
            Self::Email => "email",
            Self::CertificateId => "certificateId",
        }
    }
}

/// Meaning of one header, without the other headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Column(Column),
    /// "Nombre" or "Name": the first name if there is a column for the last name, otherwise the
    /// full name.
    PlainName,
    /// Display name, or "Participant": the full name if no other column has a name.
    DisplayName,
    /// Name for the certificate: the full name, with precedence over other columns.
    CertificateName,
}

/// Headers of two words in either order. A link of [`LINKS`] may be between the words.
const PAIRS: &[(Column, &[&str], &[&str])] = &[
    (
        Column::FullName,
        &["nombre", "nombres", "name"],
        &["completo", "completos", "full", "complete"],
    ),
    (
        Column::FirstName,
        &["nombre", "nombres", "name", "names"],
        &["primer", "primero", "first", "given"],
    ),
    (
        Column::LastName,
        &["name", "names", "nombre"],
        &["last", "family"],
    ),
    (
        Column::Email,
        &["correo", "mail", "direccion", "address"],
        &["electronico", "electronic", "email", "correo"],
    ),
    (
        Column::DocumentType,
        &["tipo", "type"],
        &["documento", "document", "doc"],
    ),
    (
        Column::DocumentNumber,
        &["numero", "number", "num", "nro", "nr", "no", "n"],
        &["documento", "document", "doc"],
    ),
    (
        Column::CertificateId,
        &["id"],
        &["certificado", "certificate"],
    ),
];

const LINKS: &[&str] = &["", "de", "del", "of", "ofthe"];

/// Returns the meaning of a header's key if it is one of [`PAIRS`].
fn is_known_pair(key: &str) -> Option<Meaning> {
    let found = PAIRS
        .iter()
        .find(|(_, left, right)| is_pair(key, left, right));
    found.map(|(column, ..)| Meaning::Column(*column))
}

fn is_pair(key: &str, left: &[&str], right: &[&str]) -> bool {
    let ordered = |first: &[&str], second: &[&str]| {
        let rests = first.iter().filter_map(|word| key.strip_prefix(word));
        rests
            .flat_map(|rest| {
                second
                    .iter()
                    .filter_map(move |word| rest.strip_suffix(word))
            })
            .any(|link| LINKS.contains(&link))
    };
    ordered(left, right) || ordered(right, left)
}

/// Positions of the known columns, and all headers as written.
#[derive(Clone, Debug)]
pub(super) struct HeaderMap {
    /// Headers as written, trimmed. For a column without a header, its letter.
    pub headers: Vec<String>,
    /// Columns from left to right, each once, with its position.
    pub columns: Vec<(Column, usize)>,
    /// Further positions of a column. Their values must be equal to the first one or empty.
    pub twins: Vec<(Column, usize)>,
    /// Position of "Name" if there are also columns for first and last name. Its values must be
    /// equal to theirs.
    pub plain_name: Option<usize>,
    /// Position of the name for the certificate. It has precedence over other full names, which may
    /// differ from it.
    pub preferred: Option<usize>,
    /// Positions of names with the original name in brackets.
    pub bracketed: Vec<usize>,
    /// Positions of full names that have the surname first according to their headers.
    pub surname_first: Vec<usize>,
    /// Unknown columns that may contain a part of the name. A row with a name in one of them is an
    /// error.
    pub suspects: Vec<Suspect>,
}

impl HeaderMap {
    /// Returns the first position of the column, if the sheet has it.
    pub(super) fn position(&self, column: Column) -> Option<usize> {
        self.columns
            .iter()
            .find(|(known, _)| *known == column)
            .map(|(_, position)| *position)
    }

    /// Returns all positions of the column, the first one first.
    pub(super) fn positions(&self, column: Column) -> impl Iterator<Item = usize> {
        let all = self.columns.iter().chain(&self.twins);
        all.filter(move |(known, _)| *known == column)
            .map(|(_, position)| *position)
    }

    /// Returns true if the column at this position is mapped to a field.
    pub(super) fn is_read(&self, position: usize) -> bool {
        let mut all = self.columns.iter().chain(&self.twins);
        self.plain_name == Some(position) || all.any(|(_, known)| *known == position)
    }

    /// Rejects a header row without a name or an e-mail address. A missing document number alone is
    /// not an error here, because it may be optional. If another column is missing, the error lists
    /// the document number, too.
    fn require(&self) -> Result<(), SheetError> {
        let has = |column| self.position(column).is_some();
        let mut missing = Vec::new();
        if !has(Column::FullName) {
            match (has(Column::FirstName), has(Column::LastName)) {
                (true, true) => {}
                (true, false) => missing.push(Column::LastName.name()),
                (false, true) => missing.push(Column::FirstName.name()),
                (false, false) => missing.push(Column::FullName.name()),
            }
        }
        let is_complete = missing.is_empty() && has(Column::Email);
        let required = [Column::DocumentNumber, Column::Email];
        missing.extend(
            required
                .into_iter()
                .filter(|column| !has(*column))
                .map(Column::name),
        );
        if is_complete {
            Ok(())
        } else {
            Err(self.missing(missing))
        }
    }

    /// Returns the error for missing columns.
    pub(super) fn missing(&self, missing: Vec<&'static str>) -> SheetError {
        let header = |position: &usize| printable(&self.headers[*position]);
        let recognised = self
            .columns
            .iter()
            .map(|(_, position)| header(position))
            .collect();
        let found = Personal::new(self.headers.clone());
        SheetError::MissingColumns {
            missing,
            recognised,
            found,
            row: 0,
            misread: None,
        }
    }
}

/// Maps a header row. Unknown headers are kept, but have no field.
pub(super) fn map(cells: &[String], reading: &Reading) -> Result<HeaderMap, SheetError> {
    let filled = cells
        .iter()
        .rposition(|cell| !cell.trim().is_empty())
        .map_or(0, |last| last + 1);
    let mut cells = cells[..filled].to_vec();
    if reading.mapping.contains_key(&letter(filled)) {
        // The mapping contains the column after the last header.
        cells.push(String::new());
    }
    let chosen = Chosen::of(&cells, reading)?;
    let meanings: Vec<Option<Meaning>> = cells
        .iter()
        .enumerate()
        .map(|(position, cell)| chosen.meaning(position, cell))
        .collect();
    let Placed {
        columns,
        twins,
        plain_name,
        preferred,
    } = Placed::of(&cells, &meanings);
    let is_bracketed = |(position, cell): &(usize, &String)| {
        meanings[*position].is_some() && is_with_original_name(cell)
    };
    let bracketed = cells
        .iter()
        .enumerate()
        .filter(is_bracketed)
        .map(|(position, _)| position)
        .collect();
    let name = |(position, cell): (usize, &String)| match cell.trim() {
        "" => letter(position),
        header => header.to_owned(),
    };
    let headers = cells.iter().enumerate().map(name).collect();
    let is_ordered = |position: &usize| order::is_surname_first(&cells[*position]);
    let surname_first = (0..cells.len()).filter(is_ordered).collect();
    let mut map = HeaderMap {
        headers,
        columns,
        twins,
        plain_name,
        preferred,
        bracketed,
        surname_first,
        suspects: Vec::new(),
    };
    map.require()?;
    map.suspects = suspects(&cells, &meanings, |position| chosen.is_chosen(position));
    Ok(map)
}

type Positions = Vec<(Column, usize)>;

/// Columns of a header row, determined from all headers together.
struct Placed {
    columns: Positions,
    twins: Positions,
    plain_name: Option<usize>,
    preferred: Option<usize>,
}

impl Placed {
    fn of(cells: &[String], meanings: &[Option<Meaning>]) -> Self {
        let has = |column| meanings.contains(&Some(Meaning::Column(column)));
        let has_first = has(Column::FirstName);
        let has_last = has(Column::LastName);
        let preferred = preferred(cells, meanings);
        let is_plain = |meaning: Option<Meaning>| {
            meaning == Some(Meaning::PlainName)
                || (meaning == Some(Meaning::CertificateName) && preferred.is_none())
        };
        let has_name = has(Column::FullName)
            || has_first
            || has_last
            || preferred.is_some()
            || meanings.iter().any(|meaning| is_plain(*meaning));
        // In German lists with "Vorname", the column "Name" has the family name.
        let is_german = |cell: &String| key(cell).starts_with("vorname");
        let has_vorname = has_first && !has_last && cells.iter().any(is_german);
        let mut placed = Self {
            columns: Vec::new(),
            twins: Vec::new(),
            plain_name: None,
            preferred,
        };
        for (position, meaning) in meanings.iter().enumerate() {
            let column = match *meaning {
                Some(Meaning::Column(column)) => column,
                Some(Meaning::CertificateName) if preferred.is_some() => Column::FullName,
                other if is_plain(other) && has_last && !has_first => Column::FirstName,
                other if is_plain(other) && has_vorname && !has(Column::FullName) => {
                    Column::LastName
                }
                other
                    if is_plain(other)
                        && has_last
                        && !has(Column::FullName)
                        && placed.plain_name.is_none() =>
                {
                    placed.plain_name = Some(position);
                    continue;
                }
                other if is_plain(other) => Column::FullName,
                Some(Meaning::DisplayName) if !has_name => Column::FullName,
                _ => continue,
            };
            placed.push(column, position);
        }
        placed
    }

    fn push(&mut self, column: Column, position: usize) {
        let is_known = self.columns.iter().any(|(known, _)| *known == column);
        let is_behind =
            column == Column::FullName && self.preferred.is_some_and(|first| first != position);
        if is_known || is_behind {
            &mut self.twins
        } else {
            &mut self.columns
        }
        .push((column, position));
    }
}

/// Returns the position of the name for the certificate, which has precedence over all other names.
/// Returns `None` if this is a first name: there is also a surname for the certificate, or a
/// surname without a first name.
fn preferred(cells: &[String], meanings: &[Option<Meaning>]) -> Option<usize> {
    let has = |meaning| meanings.contains(&Some(meaning));
    let is_surname = |meaning: &Option<Meaning>| {
        matches!(
            meaning,
            Some(Meaning::Column(Column::LastName | Column::SecondLastName))
        )
    };
    let mut surnames = cells
        .iter()
        .zip(meanings)
        .filter(|(_, meaning)| is_surname(meaning));
    let has_first = has(Meaning::PlainName) || has(Meaning::Column(Column::FirstName));
    if surnames.any(|(cell, _)| !has_first || is_for_certificate(cell)) {
        return None;
    }
    meanings
        .iter()
        .position(|meaning| *meaning == Some(Meaning::CertificateName))
}

/// Returns the letters of a column as spreadsheet programs show them: 0 → A, 25 → Z, 26 → AA.
pub(super) fn letter(position: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = position + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + (rest % 26) as u8)); // proof: below 26
        rest /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod language_tests;
#[cfg(test)]
mod surname_tests;
#[cfg(test)]
mod tests;
