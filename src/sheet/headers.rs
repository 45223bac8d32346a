//! Mapping of a sheet's header row to fields, in the languages of [`vocabulary`] or as the uploader says.

mod recognised;
mod vocabulary;

use super::cell::Record;
use super::error::{SheetError, printable};
use crate::domain::Personal;
use crate::domain::reading::Reading;

pub(super) use recognised::{key, may_be_name, recognise};

/// A known column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the fields'")]
pub enum Column {
    FullName,
    FirstName,
    /// Further given names, joined behind the first.
    MiddleName,
    LastName,
    /// Second surname, joined behind the first.
    SecondLastName,
    /// Such as "Jr.", joined at the end.
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

    /// Returns the column of a field's name in the API.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name() == name)
    }

    /// Returns true for the parts of a name.
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

    /// The field's name in the API.
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

/// Meaning of one header, seen alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Column(Column),
    /// "Nombre", "Name": the first name beside a last name, else the full name.
    PlainName,
    /// The name that somebody chose for the screen: the full name where no other column is one.
    DisplayName,
}

/// Headers of two words in either order, with a "de", "del", "of" or "the" between them or not.
const PAIRS: &[(Column, &[&str], &[&str])] = &[
    (Column::FullName, &["nombre", "nombres", "name"], &["completo", "completos", "full", "complete"]),
    (Column::FirstName, &["nombre", "nombres", "name", "names"], &["primer", "primero", "first", "given"]),
    (Column::LastName, &["name", "names", "nombre"], &["last", "family"]),
    (
        Column::Email,
        &["correo", "mail", "direccion", "address"],
        &["electronico", "electronic", "email", "correo"],
    ),
    (Column::DocumentType, &["tipo", "type"], &["documento", "document", "doc"]),
    (
        Column::DocumentNumber,
        &["numero", "number", "num", "nro", "nr", "no", "n"],
        &["documento", "document", "doc"],
    ),
    (Column::CertificateId, &["id"], &["certificado", "certificate"]),
];

const LINKS: &[&str] = &["", "de", "del", "of", "ofthe"];

/// Returns the meaning of a header's key that is one of [`PAIRS`].
fn is_known_pair(key: &str) -> Option<Meaning> {
    let found = PAIRS.iter().find(|(_, left, right)| is_pair(key, left, right));
    found.map(|(column, ..)| Meaning::Column(*column))
}

fn is_pair(key: &str, left: &[&str], right: &[&str]) -> bool {
    let ordered = |first: &[&str], second: &[&str]| {
        let rests = first.iter().filter_map(|word| key.strip_prefix(word));
        rests
            .flat_map(|rest| second.iter().filter_map(move |word| rest.strip_suffix(word)))
            .any(|link| LINKS.contains(&link))
    };
    ordered(left, right) || ordered(right, left)
}

/// Where each column stands, and all headers as written.
#[derive(Clone, Debug)]
pub(super) struct HeaderMap {
    /// As written, trimmed; a column without a header has its letter.
    pub headers: Vec<String>,
    /// By position, left to right; each column once.
    pub columns: Vec<(Column, usize)>,
    /// Further positions of a column: harmless where they say the same or nothing.
    pub twins: Vec<(Column, usize)>,
    /// "Name" beside a first and a last name: harmless where it says the same as they do.
    pub plain_name: Option<usize>,
    /// Unknown headers that may be parts of the name: refused where a row has something below them.
    pub suspects: Vec<usize>,
}

impl HeaderMap {
    /// Where the column stands, if the sheet has it.
    pub(super) fn position(&self, column: Column) -> Option<usize> {
        self.columns.iter().find(|(known, _)| *known == column).map(|(_, position)| *position)
    }

    /// Every place where the column's value may stand, the first one first.
    pub(super) fn positions(&self, column: Column) -> impl Iterator<Item = usize> {
        let all = self.columns.iter().chain(&self.twins);
        all.filter(move |(known, _)| *known == column).map(|(_, position)| *position)
    }

    /// Returns true if the column at a position gives a field.
    pub(super) fn is_read(&self, position: usize) -> bool {
        let mut all = self.columns.iter().chain(&self.twins);
        self.plain_name == Some(position) || all.any(|(_, known)| *known == position)
    }

    /// Refuses a file whose columns contradict each other in a row, or whose rows have a part of the name
    /// that is not understood. Nobody can tell which column is right, for this row or any other, so the
    /// file is wrong as a whole.
    pub(super) fn check(&self, record: &Record) -> Result<(), SheetError> {
        let at = |position: usize| record.cells.get(position).map_or("", |cell| cell.shown().reveal().trim());
        for (column, second) in &self.twins {
            let mut earlier = self.positions(*column).filter(|position| position < second);
            if let Some(first) = earlier.find(|first| contradict(at(*first), at(*second))) {
                return Err(self.contradiction(column.name(), first, *second, record.row));
            }
        }
        if let Some(suspect) = self.suspects.iter().find(|position| !at(**position).is_empty()) {
            let column = printable(self.headers.get(*suspect).map_or("", String::as_str));
            return Err(SheetError::UnknownNameColumn { column, row: record.row });
        }
        if let Some((full, part)) = self.lost_part(at) {
            return Err(SheetError::IncompleteFullName {
                full: self.shown(full),
                part: self.shown(part),
                row: record.row,
            });
        }
        let parts = self.position(Column::FirstName).zip(self.position(Column::LastName));
        if let (Some(plain), Some((first, last))) = (self.plain_name, parts) {
            let all = [Column::FirstName, Column::MiddleName, Column::LastName, Column::SecondLastName];
            let whole = all.into_iter().filter_map(|part| self.position(part)).map(at).collect::<Vec<_>>();
            let short = format!("{} {}", at(first), at(last));
            if !contradict(at(plain), short.trim()) {
                return Ok(());
            }
            let whole = whole.join(" ");
            if contradict(at(plain), whole.trim()) && contradict(at(plain), at(first)) {
                return Err(self.contradiction(Column::FullName.name(), plain, first, record.row));
            }
        }
        Ok(())
    }

    /// Rejects a header row without name or address. The document number may be missing where none is required;
    /// it is named with the others.
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
        missing.extend(required.into_iter().filter(|column| !has(*column)).map(Column::name));
        if is_complete { Ok(()) } else { Err(self.missing(missing)) }
    }

    /// The error for missing columns.
    pub(super) fn missing(&self, missing: Vec<&'static str>) -> SheetError {
        let header = |position: &usize| printable(&self.headers[*position]);
        let recognised = self.columns.iter().map(|(_, position)| header(position)).collect();
        let found = Personal::new(self.headers.clone());
        SheetError::MissingColumns { missing, recognised, found, row: 0, misread: None }
    }

    /// Finds a part of the name that the full name of a row lacks. Beside both first and last name, a full name is
    /// another spelling of the whole name, and counts alone.
    fn lost_part<'a>(&self, at: impl Fn(usize) -> &'a str) -> Option<(usize, usize)> {
        let has = |column| self.position(column).is_some();
        let full = self.position(Column::FullName)?;
        if at(full).is_empty() || (has(Column::FirstName) && has(Column::LastName)) {
            return None;
        }
        let whole: Vec<String> = at(full).split_whitespace().map(key).collect();
        let is_lost = |part: &usize| {
            let text = at(*part);
            !super::field::is_placeholder(text)
                && !text.split_whitespace().map(key).all(|word| whole.contains(&word))
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

    /// The header of a column as a message shows it.
    fn shown(&self, position: usize) -> String {
        self.headers.get(position).map_or_else(|| letter(position), |header| printable(header))
    }

    fn contradiction(&self, field: &'static str, one: usize, other: usize, row: u32) -> SheetError {
        SheetError::DuplicateColumns { field, first: self.shown(one), second: self.shown(other), row }
    }
}

fn contradict(one: &str, other: &str) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    !one.is_empty() && !other.is_empty() && one != other && words(one) != words(other)
}

/// Maps a header row. Unknown headers are kept but mean nothing.
pub(super) fn map(cells: &[String], reading: &Reading) -> Result<HeaderMap, SheetError> {
    let filled = cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1);
    let cells = &cells[..filled];
    let chosen = Chosen::of(cells, reading)?;
    let meanings: Vec<Option<Meaning>> =
        cells.iter().enumerate().map(|(position, cell)| chosen.meaning(position, cell)).collect();
    let (columns, twins, plain_name) = placed(cells, &meanings);
    let is_suspect = |(position, cell): &(usize, &String)| {
        meanings[*position].is_none() && !chosen.is_chosen(*position) && may_be_name(cell)
    };
    let suspects = cells.iter().enumerate().filter(is_suspect).map(|(position, _)| position).collect();
    let name = |(position, cell): (usize, &String)| match cell.trim() {
        "" => letter(position),
        header => header.to_owned(),
    };
    let headers = cells.iter().enumerate().map(name).collect();
    let map = HeaderMap { headers, columns, twins, plain_name, suspects };
    map.require()?;
    Ok(map)
}

/// The uploader's mapping, by the position of its columns.
struct Chosen(Vec<(usize, Option<Column>)>);

impl Chosen {
    /// Finds the mapping's headers: written the same, or else the same but for case, accents and punctuation.
    fn of(cells: &[String], reading: &Reading) -> Result<Self, SheetError> {
        let mut chosen = Vec::new();
        for (header, field) in &reading.mapping {
            let column = field.as_deref().and_then(Column::of_name);
            let same = |alike: &dyn Fn(&str) -> bool| -> Vec<usize> {
                cells.iter().enumerate().filter(|(_, cell)| alike(cell)).map(|(at, _)| at).collect()
            };
            let wanted = key(header);
            let mut found = same(&|cell| cell.trim() == header.trim());
            if found.is_empty() && !wanted.is_empty() {
                found = same(&|cell| key(cell) == wanted);
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

    fn is_chosen(&self, position: usize) -> bool {
        self.0.iter().any(|(at, _)| *at == position)
    }

    fn has(&self, column: Column) -> bool {
        self.0.iter().any(|(_, field)| *field == Some(column))
    }

    /// Returns the meaning of a header. What the uploader maps excludes other columns of the same meaning.
    fn meaning(&self, position: usize, header: &str) -> Option<Meaning> {
        if let Some((_, column)) = self.0.iter().find(|(at, _)| *at == position) {
            return column.map(Meaning::Column);
        }
        let has_parts = self.has(Column::FirstName) || self.has(Column::LastName);
        recognise(header).filter(|meaning| match meaning {
            Meaning::Column(Column::FullName) | Meaning::DisplayName => {
                !self.has(Column::FullName) && !has_parts
            }
            Meaning::PlainName => !self.has(Column::FullName) && !self.has(Column::FirstName),
            Meaning::Column(column) if column.is_name() => !self.has(*column) && !self.has(Column::FullName),
            Meaning::Column(column) => !self.has(*column),
        })
    }
}

type Positions = Vec<(Column, usize)>;

/// Decides on the column of each header, and on "Name", from all headers together.
fn placed(cells: &[String], meanings: &[Option<Meaning>]) -> (Positions, Positions, Option<usize>) {
    let has = |column| meanings.contains(&Some(Meaning::Column(column)));
    let (has_first, has_last) = (has(Column::FirstName), has(Column::LastName));
    let has_name =
        has(Column::FullName) || has_first || has_last || meanings.contains(&Some(Meaning::PlainName));
    // German lists have "Name" for the family name beside "Vorname".
    let is_german = |cell: &String| key(cell).starts_with("vorname");
    let has_vorname = has_first && !has_last && cells.iter().any(is_german);
    let (mut columns, mut twins, mut plain_name) = (Positions::new(), Positions::new(), None);
    for (position, meaning) in meanings.iter().enumerate() {
        let column = match meaning {
            Some(Meaning::Column(column)) => *column,
            Some(Meaning::PlainName) if has_last && !has_first => Column::FirstName,
            Some(Meaning::PlainName) if has_vorname && !has(Column::FullName) => Column::LastName,
            Some(Meaning::PlainName) if has_last && !has(Column::FullName) && plain_name.is_none() => {
                plain_name = Some(position);
                continue;
            }
            Some(Meaning::PlainName) => Column::FullName,
            Some(Meaning::DisplayName) if !has_name => Column::FullName,
            Some(Meaning::DisplayName) | None => continue,
        };
        let is_known = columns.iter().any(|(known, _)| *known == column);
        if is_known { &mut twins } else { &mut columns }.push((column, position));
    }
    (columns, twins, plain_name)
}

/// A column's letters as spreadsheet programs show them: 0 → A, 25 → Z, 26 → AA.
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
mod tests;
