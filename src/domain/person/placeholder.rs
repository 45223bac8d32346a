//! Texts that people write where there is no value: "N/A", "-", "sin documento".

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Abbreviations that mean "no value" in any column, in lower case. What is also a country's code or a gender,
/// such as "NA" and "X", is not here.
const NO_VALUE: &[&str] = &["n/a", "n.a.", "#n/a", "#n/d", "n/d", "s/d", "s/n"];
/// Words that mean "no value" where they are the whole of it. "Null" is also a surname.
const NO_VALUE_WORDS: &[&str] = &["null", "none", "undefined"];

/// Texts that mean "no document number", as [`key`] gives them.
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

/// Returns true if the text consists of dashes, dots and other marks that stand in place of a value.
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
                    | '\u{2010}'..='\u{2015}' | '\u{2026}' | '\u{2212}' | '\u{FF0D}'
            )
    };
    !text.is_empty() && text.chars().all(is_mark)
}

/// Returns true if the text means "no value" in any column.
pub(super) fn is_no_value(text: &str) -> bool {
    is_no_name_part(text) || NO_VALUE_WORDS.contains(&text.to_lowercase().as_str())
}

/// Returns true if the text stands for a first or last name that the person does not have.
pub(super) fn is_no_name_part(text: &str) -> bool {
    is_marks(text) || NO_VALUE.contains(&text.to_lowercase().as_str())
}

/// Returns true if the text means "no document number". The longest phrase has 20 letters.
pub(super) fn is_no_document(text: &str) -> bool {
    if is_no_value(text) {
        return true;
    }
    let key = key(text);
    let repeats = |wanted: char| !key.is_empty() && key.chars().all(|character| character == wanted);
    repeats('0') || repeats('x') || NO_DOCUMENT.contains(&key.as_str())
}

/// The letters and digits of a text, in lower case and without accents.
fn key(text: &str) -> String {
    let letters = text.nfkd().filter(|&character| !is_combining_mark(character));
    letters.flat_map(char::to_lowercase).filter(|character| character.is_alphanumeric()).collect()
}

/// A name without the marks before and after it that stand for a missing first or last name.
pub(crate) fn without_marks(name: &str) -> &str {
    let mut rest = name.trim();
    while let Some((head, _)) = rest.rsplit_once(char::is_whitespace).filter(|(_, last)| is_dashes(last)) {
        rest = head.trim_end();
    }
    while let Some((_, tail)) = rest.split_once(char::is_whitespace).filter(|(first, _)| is_dashes(first)) {
        rest = tail.trim_start();
    }
    if is_dashes(rest) { "" } else { rest }
}

/// Returns true for one or more dashes, dots, underscores, asterisks or slashes.
pub(crate) fn is_dashes(text: &str) -> bool {
    let is_dash = |c: char| {
        matches!(c, '-' | '.' | '_' | '*' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FF0D}')
    };
    !text.is_empty() && text.chars().all(is_dash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_no_document() {
        for text in [
            "N/A",
            "NA",
            "n/a",
            "n.a.",
            "#N/A",
            "0",
            "00",
            "0-0",
            "0.000",
            "-",
            "--",
            "—",
            ".",
            "...",
            "?",
            "x",
            "XXX",
            "none",
            "NULL",
            "nan",
            "Ninguno",
            "no tiene",
            "No Tiene.",
            "sin documento",
            "SIN DOCUMENTO",
            "Sin Cédula",
            "s/d",
            "S/N",
            "pendiente",
            "No aplica",
            "não se aplica",
            "Sem documento",
            "aucun",
            "néant",
            "sans objet",
            "en attente",
            "keine",
            "k.A.",
            "entfällt",
            "unbekannt",
        ] {
            assert!(is_no_document(text), "{text}");
        }
        for text in ["7", "007", "1020304050", "X1234567L", "NA123456", "SN-1", "3E5678", "0A", "PENDIENTE-1"]
        {
            assert!(!is_no_document(text), "{text}");
        }
    }

    #[test]
    fn country_codes_and_genders_are_values() {
        for text in ["NA", "X", "No", "Nil", "Sem"] {
            assert!(!is_no_value(text), "{text}");
        }
        for text in ["N/A", "-", "null", "s/d"] {
            assert!(is_no_value(text), "{text}");
        }
    }

    #[test]
    fn marks_around_a_name_are_removed() {
        for (written, name) in [
            ("Sukarno -", "Sukarno"),
            ("Sukarno .", "Sukarno"),
            ("Sukarno */", "Sukarno"),
            ("- Sukarno", "Sukarno"),
            ("-- Sukarno  — .", "Sukarno"),
            ("Ana-María Rojas", "Ana-María Rojas"),
            ("Sammy Davis Jr.", "Sammy Davis Jr."),
            ("-", ""),
            (". -", ""),
        ] {
            assert_eq!(without_marks(written), name, "{written}");
        }
    }
}
