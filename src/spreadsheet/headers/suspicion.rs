//! Unknown columns that may contain a part of the person's name.

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::char::is_combining_mark;

use super::super::field::is_placeholder;
use super::combined::is_for_certificate;
use super::recognised::{key, recognise, words};
use super::suspicious_words::{
    HARMLESS, MISSPELT, NAME_WORDS, OTHER_NAMES, SHORT_SURNAMES, SURNAME_WORDS,
};
use super::{Column, Meaning};
use crate::domain::certification::reading::IGNORE;
use crate::spreadsheet::{EXPORT_ID_COLUMN, REPORT_COLUMNS};

/// Field names of our own exports and responses that are not names of people.
const OWN_FIELDS: [&str; 6] = [
    "certificateName",
    "certificate_name",
    "username",
    "userName",
    "fileName",
    "file_name",
];
/// Headers in exports of advertising leads, without blanks and underscores.
const LEAD_FIELDS: [&str; 9] = [
    "adname",
    "adsetname",
    "campaignname",
    "formname",
    "pagename",
    "accountname",
    "platform",
    "isorganic",
    "leadstatus",
];
/// Surnames in several words, without the blanks.
const SURNAME_PHRASES: [&str; 5] = [
    "lastname",
    "familyname",
    "nomdefamille",
    "nomedefamilia",
    "nombredefamilia",
];
/// Maximum number of words of a header. A longer one is a question.
const MAX_WORDS_OF_HEADER: usize = 3;
/// Maximum number of words of a value that is a name.
const MAX_WORDS_OF_NAME: usize = 5;
/// Answers that refer to a name in another column, and consents.
const OTHER_ANSWERS: [&str; 20] = [
    "igual",
    "elmismo",
    "lamisma",
    "mismo",
    "same",
    "sameasabove",
    "idem",
    "mesmo",
    "omesmo",
    "acepto",
    "autorizo",
    "aceito",
    "concordo",
    "deacuerdo",
    "agree",
    "iagree",
    "accept",
    "jaccepte",
    "estoydeacuerdo",
    "deacordo",
];
/// Values that are answers, not names.
const NO_NAMES: [&str; 22] = [
    "si",
    "no",
    "yes",
    "sim",
    "nao",
    "oui",
    "non",
    "ja",
    "nein",
    "true",
    "false",
    "verdadero",
    "falso",
    "ok",
    "na",
    "ninguno",
    "ninguna",
    "none",
    "presente",
    "ausente",
    "pagado",
    "aprobado",
];

static SETS: LazyLock<Sets> = LazyLock::new(|| {
    let set = |words: &'static str| words.split_whitespace().collect();
    Sets {
        names: set(NAME_WORDS),
        surnames: set(SURNAME_WORDS),
        short: set(SHORT_SURNAMES),
        others: set(OTHER_NAMES),
        harmless: set(HARMLESS),
    }
});

/// Word lists as sets.
struct Sets {
    names: HashSet<&'static str>,
    surnames: HashSet<&'static str>,
    short: HashSet<&'static str>,
    others: HashSet<&'static str>,
    harmless: HashSet<&'static str>,
}

/// Reason for suspecting a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::spreadsheet) enum Suspicion {
    /// The header contains a word for a name.
    Part,
    /// The header is a question that contains a word for a name. The answer may be yes or no.
    Question,
    /// The column has the name of the certificate, or the name for the certificate.
    CertificateName,
    /// The column has no header and follows a name, as below a header that spans two columns.
    Unnamed,
    /// The header is unknown, and the column is next to the only name, which may lack a surname.
    Neighbour,
}

/// Unknown column that may contain a part of the name.
#[derive(Clone, Copy, Debug)]
pub(in crate::spreadsheet) struct Suspect {
    pub position: usize,
    pub suspicion: Suspicion,
    /// Most likely field of the column, or [`IGNORE`].
    pub proposal: &'static str,
    /// True if another column certainly contains the surname.
    has_surname: bool,
}

impl Suspect {
    /// Returns true if a value of the column may be a part of the name. `name` returns the words of
    /// the row's name.
    pub(in crate::spreadsheet) fn is_name(
        &self,
        value: &str,
        name: impl Fn() -> HashSet<String>,
    ) -> bool {
        let value = value.trim();
        if !value.chars().any(char::is_alphabetic) || value.contains('@') || is_placeholder(value) {
            return false;
        }
        let is_answer = || is_answer(value);
        match self.suspicion {
            Suspicion::Part => !value.eq_ignore_ascii_case("n/a"),
            Suspicion::Question => {
                let first = value.split([' ', ',', ';', '.']).next().unwrap_or_default();
                !is_answer() && !is_answer_word(first) && key(value).chars().count() > 1
            }
            Suspicion::CertificateName => {
                let name = name();
                !is_answer()
                    && (!self.has_surname
                        || value
                            .split_whitespace()
                            .any(|word| name.contains(&key(word))))
            }
            Suspicion::Unnamed => looks_like_name(value) && !is_answer(),
            Suspicion::Neighbour => {
                looks_like_name(value)
                    && value
                        .chars()
                        .next()
                        .is_some_and(|first| !first.is_lowercase())
                    && !is_answer()
                    && name().len() == 1
            }
        }
    }

    /// Returns the reason as a part of a message. It follows the header.
    pub(in crate::spreadsheet) const fn reason(&self) -> &'static str {
        match self.suspicion {
            Suspicion::Part | Suspicion::Question => {
                "looks like a part of the name, but is unknown"
            }
            Suspicion::CertificateName => "may contain the name for the certificate",
            Suspicion::Unnamed => "has no header and is next to the name",
            Suspicion::Neighbour => "is unknown and next to a name without a surname",
        }
    }
}

/// Returns the suspicious columns of a header row.
pub(super) fn suspects(
    cells: &[String],
    meanings: &[Option<Meaning>],
    is_chosen: impl Fn(usize) -> bool,
) -> Vec<Suspect> {
    let is_surname = |meaning: &Option<Meaning>| {
        matches!(
            meaning,
            Some(
                Meaning::Column(Column::FullName | Column::LastName | Column::SecondLastName)
                    | Meaning::CertificateName
            )
        )
    };
    let has_surname = meanings.iter().any(is_surname);
    let header = |position: usize| cells.get(position).map_or("", |cell| cell.trim());
    let is_name = |position: usize| {
        meanings
            .get(position)
            .copied()
            .flatten()
            .is_some_and(|meaning| match meaning {
                Meaning::Column(column) => column.is_name(),
                Meaning::PlainName | Meaning::DisplayName | Meaning::CertificateName => true,
            })
    };
    // The mapping excludes known headers that are not read.
    let is_open = |position: usize| {
        let is_unread = meanings.get(position).is_none_or(Option::is_none);
        is_unread && !is_chosen(position) && recognise(header(position)).is_none()
    };
    let unnamed: Vec<bool> = (0..=cells.len())
        .map(|position| is_unnamed(header(position)))
        .collect();
    let mut suspects = Vec::new();
    // Includes one column after the last header, because a header may span two columns.
    for position in (0..=cells.len()).filter(|position| is_open(*position)) {
        let mut run = (0..position).rev().skip_while(|before| unnamed[*before]);
        let follows_name = run.next().is_some_and(is_name);
        let is_beside = is_name(position + 1) || (position > 0 && is_name(position - 1));
        let found = if unnamed[position] {
            follows_name.then_some((Suspicion::Unnamed, Column::LastName.name()))
        } else {
            let neighbour = is_beside && !has_surname && is_unknown(header(position));
            suspicion(header(position), has_surname)
                .or_else(|| neighbour.then_some((Suspicion::Neighbour, Column::LastName.name())))
        };
        suspects.extend(found.map(|(suspicion, proposal)| Suspect {
            position,
            suspicion,
            proposal,
            has_surname,
        }));
    }
    suspects
}

/// Returns the suspicion about an unknown header, and the most likely field.
pub(super) fn suspicion(header: &str, has_surname: bool) -> Option<(Suspicion, &'static str)> {
    if OWN_FIELDS.contains(&header) || LEAD_FIELDS.contains(&key(header).as_str()) {
        return None;
    }
    let words = words(header);
    let is_of = |list: &HashSet<&str>| words.iter().any(|word| list.contains(word.as_str()));
    let is_other = is_of(&SETS.others);
    let whole = key(header);
    let has_surname_phrase = SURNAME_PHRASES.iter().any(|phrase| whole.contains(phrase));
    let kind = if words.len() > MAX_WORDS_OF_HEADER {
        Suspicion::Question
    } else {
        Suspicion::Part
    };
    if SETS.short.contains(whole.as_str())
        || has_surname_phrase
        || words.iter().any(|word| is_surname_word(word))
    {
        let proposal = if is_other {
            IGNORE
        } else {
            surname_proposal(&words)
        };
        return (!is_other || !has_surname).then_some((kind, proposal));
    }
    let is_name =
        is_of(&SETS.names) || (words.iter().any(|word| word == "last") && words.len() == 1);
    if !is_name || is_other {
        return None;
    }
    if is_for_certificate(header) {
        return Some((Suspicion::CertificateName, Column::FullName.name()));
    }
    Some((kind, name_proposal(&words)))
}

fn is_surname_word(word: &str) -> bool {
    let most = |known: &str| if known.starts_with("apellido") { 2 } else { 1 };
    let is_misspelt =
        |known: &&str| word.chars().count() > 5 && strsim::levenshtein(word, known) <= most(known);
    SETS.surnames.contains(word)
        || word.contains('姓')
        || word.starts_with("apellid")
        || MISSPELT.iter().any(is_misspelt)
}

fn surname_proposal(words: &[String]) -> &'static str {
    let second = [
        "segundo", "second", "materno", "materna", "maternal", "2do", "casada", "tercer",
    ];
    let is_second = words.iter().any(|word| second.contains(&word.as_str()));
    if is_second {
        Column::SecondLastName.name()
    } else {
        Column::LastName.name()
    }
}

fn name_proposal(words: &[String]) -> &'static str {
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if has(&[
        "segundo",
        "second",
        "middle",
        "otros",
        "other",
        "nombre2",
        "nombre3",
        "additional",
    ]) {
        Column::MiddleName.name()
    } else if has(&["casada", "maiden", "marital", "familia", "family", "last"]) {
        Column::LastName.name()
    } else if has(&[
        "social",
        "artistico",
        "preferido",
        "preferred",
        "legal",
        "chosen",
        "completo",
    ]) {
        Column::FullName.name()
    } else {
        IGNORE
    }
}

/// Returns true for an empty header, or for one that programs insert instead, such as `Unnamed: 1`
/// or `Columna2`.
fn is_unnamed(header: &str) -> bool {
    let key = key(header);
    let word = key.trim_end_matches(|character: char| character.is_ascii_digit());
    let words = [
        "", "unnamed", "column", "columna", "coluna", "colonne", "colonna", "spalte", "field",
        "campo", "feld",
    ];
    words.contains(&word) && (word.is_empty() || word.len() < key.len())
}

/// Returns true for a header that gives no hint about its column.
fn is_unknown(header: &str) -> bool {
    let words = words(header);
    let is_own = OWN_FIELDS.contains(&header)
        || REPORT_COLUMNS.contains(&header)
        || header == EXPORT_ID_COLUMN;
    let is_harmless = |word: &String| {
        SETS.harmless.contains(word.as_str()) || SETS.others.contains(word.as_str())
    };
    !is_own
        && !LEAD_FIELDS.contains(&key(header).as_str())
        && words.len() <= MAX_WORDS_OF_HEADER
        && !words.iter().any(is_harmless)
        && !is_for_certificate(header)
}

/// Returns true for a value of a few words made of letters only.
fn looks_like_name(value: &str) -> bool {
    let is_of_names = |character: char| {
        character.is_alphabetic()
            || is_combining_mark(character)
            || " '’-.\u{200c}\u{200d}".contains(character)
    };
    value.chars().all(is_of_names)
        && value
            .chars()
            .filter(|character| character.is_alphabetic())
            .count()
            > 1
        && value.split_whitespace().count() <= MAX_WORDS_OF_NAME
}

/// Returns true if a value is an answer such as "Sí" or "El mismo" instead of a name.
pub(in crate::spreadsheet) fn is_answer(value: &str) -> bool {
    is_answer_word(value) || OTHER_ANSWERS.contains(&key(value).as_str())
}

fn is_answer_word(word: &str) -> bool {
    let word = key(word);
    NO_NAMES.contains(&word.as_str()) || OTHER_ANSWERS.contains(&word.as_str())
}
