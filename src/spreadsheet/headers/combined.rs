//! Headers with several parts: in two languages, with a remark in brackets, or for the certificate.

use super::recognised::{head_of, key, known, known_without_remark, words};
use super::vocabulary::{FOR_CERTIFICATE, PURPOSES};
use super::{Column, Meaning};

/// Separators of headers with several parts.
const SEPARATORS: [&str; 8] = ["/", "|", "·", "\n", " - ", " o ", " or ", " ou "];
/// Maximum number of parts of one header.
const MAX_PARTS: usize = 4;

/// Returns the meaning of a header such as `Apellido / Last name` or `CI/Pasaporte`. All parts must
/// be known.
pub(super) fn of_parts(header: &str) -> Option<Meaning> {
    let is_several = |parts: &Vec<&str>| (2..=MAX_PARTS).contains(&parts.len());
    let split = SEPARATORS
        .iter()
        .map(|separator| header.split(separator).collect::<Vec<_>>());
    split.filter(is_several).find_map(|parts| {
        let meanings: Option<Vec<Meaning>> = parts.into_iter().map(known_without_remark).collect();
        meanings?
            .into_iter()
            .map(Some)
            .reduce(|one, other| both(one?, other?))?
    })
}

/// Returns the common meaning of two parts of one header, or `None` if they contradict each other.
fn both(one: Meaning, other: Meaning) -> Option<Meaning> {
    use Meaning::{CertificateName, PlainName};
    let first = Meaning::Column(Column::FirstName);
    let full = Meaning::Column(Column::FullName);
    let last = Meaning::Column(Column::LastName);
    let is = |left: Meaning, right: Meaning| {
        (one, other) == (left, right) || (other, one) == (left, right)
    };
    match () {
        () if one == other => Some(one),
        () if is(PlainName, first) => Some(first),
        () if is(PlainName, full) || is(PlainName, last) || is(first, last) => Some(full),
        () if is(CertificateName, full) || is(CertificateName, PlainName) => Some(CertificateName),
        () => None,
    }
}

/// Returns the meaning of "Name" with a remark, as in `Name (Last)`. The inner `None` means that
/// the column does not contain a name, as in `Name (Prefix)`. The outer `None` means that the
/// remark has no effect.
pub(super) fn of_remark(remark: &str) -> Option<Option<Meaning>> {
    let remark = remark.trim_matches(|character: char| !character.is_alphanumeric());
    match known(remark) {
        Some(meaning @ Meaning::Column(column)) if column.is_name() => return Some(Some(meaning)),
        _ => {}
    }
    let is_prefix = matches!(
        remark.to_lowercase().as_str(),
        "prefix" | "prefijo" | "title" | "titulo" | "título"
    );
    is_prefix.then_some(None)
}

/// Returns the part of the name in a header for the certificate, such as `Surname on certificate`.
pub(super) fn of_certificate(header: &str) -> Option<Meaning> {
    if !is_for_certificate(header) {
        return None;
    }
    let words = words(head_of(header));
    let is_kept = |word: &&String| {
        let list = |list: &str| list.split_whitespace().any(|other| other == word.as_str());
        !list(PURPOSES) && !list(FOR_CERTIFICATE)
    };
    let meaning = known(
        &words
            .iter()
            .filter(is_kept)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" "),
    )?;
    let parts = [
        Column::FirstName,
        Column::MiddleName,
        Column::LastName,
        Column::SecondLastName,
    ];
    parts
        .into_iter()
        .map(Meaning::Column)
        .find(|part| *part == meaning)
}

/// Returns true for a header that contains a word for the certificate.
pub(super) fn is_for_certificate(header: &str) -> bool {
    words(head_of(header))
        .iter()
        .any(|word| PURPOSES.split_whitespace().any(|purpose| purpose == word))
}

/// Returns true for `Name (Original Name)`. Its values have the form `display name (name at
/// registration)`.
pub(super) fn is_with_original_name(header: &str) -> bool {
    let Some((_, remark)) = header.trim().split_once('(') else {
        return false;
    };
    let remarks = "originalname nombreoriginal nomeoriginal nomoriginal nomdorigine nomeoriginale ursprunglichername \
                   originalerbenutzername";
    remarks.split(' ').any(|known| known == key(remark))
}
