//! Texts that people write instead of a missing value: "N/A", "-", "sin documento".

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Abbreviations that mean "no value" in any column, in lower case. Texts that may also be a
/// country code or a gender, such as "NA" and "X", are not included.
const NO_VALUE: &[&str] = &["n/a", "n.a.", "#n/a", "#n/d", "n/d", "s/d", "s/n"];
/// Words that mean "no value" if they are the whole text. In a longer text, "Null" may be a
/// surname.
const NO_VALUE_WORDS: &[&str] = &["null", "none", "undefined"];

/// Maximum length of a phrase for a missing name, in bytes.
const MAX_PHRASE: usize = 40;

/// Texts that mean "no document number", in the form that [`key`] returns.
const NO_DOCUMENT: &[&str] = &[
    // Abbreviations in several languages.
    "na",
    "nd",
    "nc",
    "ne",
    "nn",
    "ns",
    "nv",
    "ka",
    "sc",
    "sd",
    "sn",
    "si",
    "tba",
    "tbd",
    "tbc",
    // English.
    "none",
    "null",
    "nil",
    "nan",
    "no",
    "nothing",
    "unknown",
    "undefined",
    "missing",
    "empty",
    "blank",
    "pending",
    "notapplicable",
    "notavailable",
    "notprovided",
    "noid",
    "nodocument",
    "nonumber",
    "withoutdocument",
    "doesnothave",
    "toconfirm",
    // Spanish.
    "ninguno",
    "ninguna",
    "nada",
    "nulo",
    "vacio",
    "noaplica",
    "noaplicable",
    "nodisponible",
    "notiene",
    "notengo",
    "noposee",
    "noregistra",
    "noinforma",
    "nosabe",
    "sin",
    "sindocumento",
    "sindocumentos",
    "sindni",
    "sinrut",
    "sincedula",
    "sinidentificacion",
    "sinnumero",
    "sindato",
    "sindatos",
    "sininformacion",
    "sinregistro",
    "pendiente",
    "porconfirmar",
    "pordefinir",
    "entramite",
    "desconocido",
    "desconocida",
    "indocumentado",
    "indocumentada",
    // Portuguese.
    "nenhum",
    "nenhuma",
    "naoaplica",
    "naoseaplica",
    "naoaplicavel",
    "naodisponivel",
    "naoinformado",
    "naotem",
    "naopossui",
    "sem",
    "semdocumento",
    "semcpf",
    "semrg",
    "semnumero",
    "pendente",
    "desconhecido",
    "vazio",
    // French.
    "aucun",
    "aucune",
    "neant",
    "inconnu",
    "inconnue",
    "nonapplicable",
    "nonrenseigne",
    "nondisponible",
    "sansobjet",
    "sansdocument",
    "sansnumero",
    "enattente",
    "vide",
    // German.
    "kein",
    "keine",
    "keiner",
    "keines",
    "keineangabe",
    "keindokument",
    "keinausweis",
    "ohne",
    "ohnedokument",
    "ohneausweis",
    "ohneangabe",
    "unbekannt",
    "entfallt",
    "entfaellt",
    "nichtzutreffend",
    "nichtvorhanden",
    "ausstehend",
    "offen",
    "leer",
];

/// Returns true if the text consists only of white space, dashes, dots and other marks that people
/// write instead of a value.
pub(super) fn is_marks(text: &str) -> bool {
    let is_mark = |character: char| {
        character.is_whitespace()
            || matches!(
                character,
                '-' | '.'
                    | '_'
                    | '*'
                    | '/'
                    | '\\'
                    | '?'
                    | ','
                    | ';'
                    | ':'
                    | '#'
                    | '\''
                    | '"'
                    | '\u{B7}'
                    | '\u{2010}'
                    ..='\u{2015}' | '\u{2026}' | '\u{2212}' | '\u{FF0D}'
            )
    };
    !text.is_empty() && text.chars().all(is_mark)
}

/// Phrases that mean that the person has no first or last name, in the form that [`key`] returns.
const NO_NAME_PART: &[&str] = &[
    "notiene",
    "notengo",
    "noposee",
    "noaplica",
    "ninguno",
    "ninguna",
    "sinapellido",
    "sinapellidos",
    "sinsegundoapellido",
    "sinsegundonombre",
    "nosurname",
    "nolastname",
    "nofamilyname",
    "nomiddlename",
    "notapplicable",
    "semsobrenome",
    "naotem",
    "sansnom",
];
/// Phrases that are not the name of a person, in the form that [`key`] returns.
const NO_NAME: &[&str] = &[
    "sinnombre",
    "sinnombres",
    "sinnombreyapellido",
    "noname",
    "nonamegiven",
    "nameunknown",
    "unknownname",
    "unknown",
    "desconocido",
    "desconocida",
    "nombredesconocido",
    "nodisponible",
    "notavailable",
    "semnome",
    "nomedesconhecido",
    "desconhecido",
    "ohnename",
    "unbekannt",
    "inconnu",
];

/// Returns true if the text means "no value" in any column.
pub(super) fn is_no_value(text: &str) -> bool {
    is_abbreviation(text) || NO_VALUE_WORDS.contains(&text.to_lowercase().as_str())
}

/// Returns true for marks and abbreviations that mean "no value" in any column.
fn is_abbreviation(text: &str) -> bool {
    is_marks(text) || NO_VALUE.contains(&text.to_lowercase().as_str())
}

/// Returns true if the text means that the person has no first or last name: "-", "N/A", "no
/// tiene", and "FNU" and "LNU" (first or last name unknown), which American documents use. Returns
/// false for "#N/A", because that is the value of a failed formula.
pub(crate) fn is_no_name_part(text: &str) -> bool {
    if text.starts_with('#') {
        return false;
    }
    let is_short = text.eq_ignore_ascii_case("s/a") || matches!(text, "FNU" | "LNU");
    is_abbreviation(text)
        || is_short
        || text.len() <= MAX_PHRASE && NO_NAME_PART.contains(&key(text).as_str())
}

/// Returns true for a text that is not the name of a person, such as "Sin nombre".
pub(super) fn is_no_name(text: &str) -> bool {
    let is_phrase = || {
        let key = key(text);
        NO_NAME.contains(&key.as_str()) || NO_NAME_PART.contains(&key.as_str())
    };
    is_no_value(text) || text.len() <= MAX_PHRASE && is_phrase()
}

/// Returns true for a part of a name that may be a placeholder: a text without letters, or a text
/// of only "x". A single "X" is accepted as a name.
pub(super) fn is_doubtful_part(text: &str) -> bool {
    let has_letter = text.chars().any(char::is_alphabetic);
    let are_x = text.chars().all(|c| matches!(c, 'x' | 'X')) && text != "X";
    !text.is_empty() && (!has_letter || are_x)
}

/// Returns true if the text means "no document number".
pub(super) fn is_no_document(text: &str) -> bool {
    if is_no_value(text) {
        return true;
    }
    let key = key(text);
    let repeats =
        |wanted: char| !key.is_empty() && key.chars().all(|character| character == wanted);
    repeats('0') || repeats('x') || NO_DOCUMENT.contains(&key.as_str())
}

/// Returns the letters and digits of a text, in lower case and without accents.
fn key(text: &str) -> String {
    let letters = text
        .nfkd()
        .filter(|&character| !is_combining_mark(character));
    letters
        .flat_map(char::to_lowercase)
        .filter(|character| character.is_alphanumeric())
        .collect()
}

/// Returns the name without the dashes at both ends that people write for a missing first or last
/// name.
pub(crate) fn without_marks(name: &str) -> &str {
    let mut rest = name.trim();
    while let Some((head, _)) = rest
        .rsplit_once(char::is_whitespace)
        .filter(|(_, last)| is_dashes(last))
    {
        rest = head.trim_end();
    }
    while let Some((_, tail)) = rest
        .split_once(char::is_whitespace)
        .filter(|(first, _)| is_dashes(first))
    {
        rest = tail.trim_start();
    }
    if is_dashes(rest) { "" } else { rest }
}

/// Returns true for a text of one or more dashes, dots, underscores, asterisks or slashes.
pub(crate) fn is_dashes(text: &str) -> bool {
    let is_dash = |c: char| {
        matches!(
            c,
            '-' | '.' | '_' | '*' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FF0D}'
        )
    };
    !text.is_empty() && text.chars().all(is_dash)
}

#[cfg(test)]
mod tests;
