//! Which column of a sheet is which field: Spanish, English or a mixture, however it is written.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use super::error::{SheetError, printable};
use super::row::Record;
use crate::domain::Personal;

/// A column we understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the fields'")]
pub enum Column {
    FullName,
    FirstName,
    LastName,
    Country,
    DocumentType,
    DocumentNumber,
    Gender,
    Email,
    CertificateId,
}

impl Column {
    /// The field's name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FullName => "fullName",
            Self::FirstName => "firstName",
            Self::LastName => "lastName",
            Self::Country => "country",
            Self::DocumentType => "documentType",
            Self::DocumentNumber => "documentNumber",
            Self::Gender => "gender",
            Self::Email => "email",
            Self::CertificateId => "certificateId",
        }
    }
}

/// What one header means when seen alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Column(Column),
    /// "Nombre", "Name": the first name beside a last name, else the full name.
    PlainName,
}

/// Headers that need one word, compared by [`key`].
const WORDS: &[(Column, &[&str])] = &[
    (Column::FullName, &["nombreyapellido", "nombreyapellidos", "nombresyapellidos", "nombrecompletos"]),
    (Column::FirstName, &["forename", "nombredepila"]),
    (Column::LastName, &["apellido", "apellidos", "surname"]),
    (Column::Country, &["pais", "country"]),
    (Column::DocumentNumber, &["documento", "document"]),
    (Column::Gender, &["genero", "gender", "sexo", "sex"]),
    (Column::Email, &["email", "correo", "mail"]),
];

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
const PLAIN_NAMES: &[&str] = &["nombre", "nombres", "name", "names"];

/// The header's letters and digits, lower-case and without accents: what is left when case, accents,
/// spaces, underscores, hyphens and punctuation do not matter.
pub(super) fn key(header: &str) -> String {
    let lower = header.to_lowercase();
    let letters = lower.nfkd().filter(|&character| !is_combining_mark(character));
    letters.filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What one header means; `None` for one we do not know.
pub(super) fn recognise(header: &str) -> Option<Meaning> {
    // No header we know is this long; a whole paragraph is not worth normalising.
    if header.len() > 200 {
        return None;
    }
    let key = key(header);
    if PLAIN_NAMES.contains(&key.as_str()) {
        return Some(Meaning::PlainName);
    }
    let word = WORDS.iter().find(|(_, words)| words.contains(&key.as_str())).map(|(column, _)| *column);
    let pair =
        || PAIRS.iter().find(|(_, left, right)| is_pair(&key, left, right)).map(|(column, ..)| *column);
    word.or_else(pair).map(Meaning::Column)
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

    /// Whether two columns of one meaning contradict each other in a row. Nobody can tell which of them
    /// is right, for this row or any other: the file is wrong as a whole.
    pub(super) fn check(&self, record: &Record) -> Result<(), SheetError> {
        let at = |position: usize| record.cells.get(position).map_or("", |cell| cell.shown().reveal().trim());
        for (column, second) in &self.twins {
            let mut earlier = self.positions(*column).filter(|position| position < second);
            if let Some(first) = earlier.find(|first| contradict(at(*first), at(*second))) {
                return Err(self.contradiction(column.name(), first, *second, record.row));
            }
        }
        let parts = self.position(Column::FirstName).zip(self.position(Column::LastName));
        if let (Some(plain), Some((first, last))) = (self.plain_name, parts) {
            let whole = format!("{} {}", at(first), at(last));
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
        SheetError::MissingColumns { missing, recognised, found: Personal::new(self.headers.clone()) }
    }

    fn contradiction(&self, field: &'static str, one: usize, other: usize, row: u32) -> SheetError {
        let header =
            |position: usize| self.headers.get(position).map_or_else(|| letter(position), |h| printable(h));
        SheetError::DuplicateColumns { field, first: header(one), second: header(other), row }
    }
}

fn contradict(one: &str, other: &str) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    !one.is_empty() && !other.is_empty() && one != other && words(one) != words(other)
}

/// Maps a header row. Unknown headers are kept but mean nothing.
pub(super) fn map(cells: &[String]) -> Result<HeaderMap, SheetError> {
    let filled = cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1);
    let cells = &cells[..filled];
    let meanings: Vec<Option<Meaning>> = cells.iter().map(|cell| recognise(cell)).collect();
    let is = |column| move |meaning: &Option<Meaning>| *meaning == Some(Meaning::Column(column));
    let has = |column| meanings.iter().any(is(column));
    let (has_first, has_last) = (has(Column::FirstName), has(Column::LastName));
    let mut columns: Vec<(Column, usize)> = Vec::new();
    let mut twins: Vec<(Column, usize)> = Vec::new();
    let mut plain_name = None;
    for (position, meaning) in meanings.iter().enumerate() {
        let column = match meaning {
            Some(Meaning::Column(column)) => *column,
            Some(Meaning::PlainName) if has_last && !has_first => Column::FirstName,
            Some(Meaning::PlainName) if has_last && !has(Column::FullName) && plain_name.is_none() => {
                plain_name = Some(position);
                continue;
            }
            Some(Meaning::PlainName) => Column::FullName,
            None => continue,
        };
        let is_known = columns.iter().any(|(known, _)| *known == column);
        if is_known { &mut twins } else { &mut columns }.push((column, position));
    }
    let name = |(position, cell): (usize, &String)| match cell.trim() {
        "" => letter(position),
        header => header.to_owned(),
    };
    let headers = cells.iter().enumerate().map(name).collect();
    let map = HeaderMap { headers, columns, twins, plain_name };
    map.require()?;
    Ok(map)
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
mod tests;
