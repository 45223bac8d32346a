//! Order of full names: detects names with the surname first and a comma, as in "Rojas, Ana".

/// Titles and suffixes that may follow a comma, in lower case and without punctuation. Given names
/// such as "Junior" are not included.
const SUFFIXES: &str = "jr sr ii iii iv phd md dds dmd dvm esq mba msc mphil bsc cpa rn jd llm llb edd psyd cfa pmp dnp \
     sj op osb ofm dr dra ing lic arq abg prof mtro mtra msgr mgtr hijo filho neto";

/// Maximum length of a degree, in letters.
const MAX_DEGREE: usize = 6;

/// Order of a full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NameOrder {
    /// The name has no comma, or only commas before suffixes, as in "Juan Pérez, Jr.".
    AsWritten,
    /// The surname is before the comma. The text is the name in the order for printing.
    SurnameFirst(String),
    /// The name has several commas.
    Unclear,
}

impl NameOrder {
    /// Returns the order of a full name.
    pub(crate) fn of(name: &str) -> Self {
        let parts: Vec<&str> = name.split([',', '，', '،']).map(str::trim).collect();
        let is_text = |part: &&&str| part.chars().any(char::is_alphabetic);
        let mut parts: Vec<&str> = parts.iter().filter(is_text).copied().collect();
        let mut suffixes = Vec::new();
        let is_capitals = !name.chars().any(char::is_lowercase);
        // A single word before the comma is a surname: in "Rahman, Md." and "Smith, J. R.", given
        // names follow the comma.
        let is_whole = |parts: &[&str]| {
            parts.len() > 2 || parts.first().is_some_and(|name| name.contains(' '))
        };
        while parts.len() > 1
            && is_whole(&parts)
            && let Some(suffix) = parts.pop_if(|last| is_suffix(last, is_capitals))
        {
            suffixes.insert(0, suffix);
        }
        // In "Pérez, Jr., Juan", the suffix follows the surname.
        if parts.len() == 3 && is_suffix(parts[1], is_capitals) {
            suffixes.insert(0, parts.remove(1));
        }
        match parts[..] {
            [] | [_] => Self::AsWritten,
            [surname, given] => {
                let name = format!("{given} {surname}");
                Self::SurnameFirst(
                    std::iter::once(name.as_str())
                        .chain(suffixes)
                        .collect::<Vec<_>>()
                        .join(", "),
                )
            }
            _ => Self::Unclear,
        }
    }
}

/// Returns the letters and digits of a text, in lower case.
fn key(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Returns true for "Jr.", "Ph. D.", "MD MBA" and degrees such as "M.Ed.". In a name in capitals,
/// only listed degrees are recognised, because other degrees look like given names.
fn is_suffix(part: &str, is_capitals: bool) -> bool {
    // "J.R." and "S.R." are initials, "Jr." and "Sr." are not.
    let is_initials = |word: &str| {
        let is_dotted = word.trim_end_matches('.').contains('.');
        is_dotted && matches!(key(word).as_str(), "jr" | "sr" | "dr")
    };
    let is_known = |word: &str| {
        !is_initials(word)
            && SUFFIXES
                .split_whitespace()
                .any(|suffix| suffix == key(word))
    };
    // "MPH" and "M.Ed." are degrees; "MaJo" and "A.B." may be given names.
    let is_degree = |word: &str| {
        let letters: Vec<char> = word.chars().filter(|c| c.is_alphanumeric()).collect();
        let has_small = letters.iter().any(|c| c.is_lowercase());
        let is_dotted = word.trim_end_matches('.').contains('.');
        !is_capitals
            && (2..=MAX_DEGREE).contains(&letters.len())
            && is_dotted == has_small
            && letters.first().is_some_and(|c| c.is_uppercase())
    };
    key(part) == "phd"
        || part
            .split_whitespace()
            .all(|word| is_known(word) || is_degree(word))
}

#[cfg(test)]
mod tests {
    use super::NameOrder;

    #[test]
    fn surname_before_a_comma_is_moved_after_the_given_names() {
        for (written, printed) in [
            ("Rojas, Ana", "Ana Rojas"),
            ("ROJAS PEÑA,ANA MARÍA", "ANA MARÍA ROJAS PEÑA"),
            ("de la Cruz , Juan", "Juan de la Cruz"),
            ("Pérez, Juan, Jr.", "Juan Pérez, Jr."),
            ("Pérez, Jr., Juan", "Juan Pérez, Jr."),
            ("Pérez Jr., Juan", "Juan Pérez Jr."),
            ("Gil, Ana, Ph. D., MD", "Ana Gil, Ph. D., MD"),
            ("Gil, Ma.", "Ma. Gil"),
            ("Rahman, Md.", "Md. Rahman"),
            ("Smith, J. R.", "J. R. Smith"),
            ("García Peña, J. D.", "J. D. García Peña"),
            ("García Peña, J.R.", "J.R. García Peña"),
            ("García Peña, MaJo", "MaJo García Peña"),
            ("García Peña, Ana", "Ana García Peña"),
            ("ROJAS PEÑA, EVA", "EVA ROJAS PEÑA"),
            ("Kim, Do", "Do Kim"),
            ("García, Junior", "Junior García"),
            ("Иванов, Иван", "Иван Иванов"),
            ("佐藤，花子", "花子 佐藤"),
        ] {
            assert_eq!(
                NameOrder::of(written),
                NameOrder::SurnameFirst(printed.to_owned()),
                "{written}"
            );
        }
    }

    #[test]
    fn suffixes_and_single_names_stay_as_written() {
        for name in [
            "Ana Rojas",
            "Juan Pérez, Jr.",
            "Ana Gil, PhD",
            "Ana Gil, Ph.D.",
            "Ana Gil, MD, MBA",
            "Ana Gil, MPH",
            "Ana Gil, M.Ed.",
            "Jorge Ruiz, S.J.",
            "ANA GIL, MD",
            "Ana Gil, MD MBA",
            "John Public, II",
            "Rojas,",
            ", Ana",
            "",
        ] {
            assert_eq!(NameOrder::of(name), NameOrder::AsWritten, "{name}");
        }
        for name in ["Rojas, Ana, María", "Gil, Ana, Directora"] {
            assert_eq!(NameOrder::of(name), NameOrder::Unclear, "{name}");
        }
    }
}
