//! Order of the parts of a name: `Rojas, Ana` has the last name first.

/// Titles and generations that follow a name after a comma, in lower case, without dots.
const SUFFIXES: &[&str] = &[
    "jr", "jnr", "junior", "sr", "snr", "senior", "filho", "neto", "hijo", "ii", "iii", "iv", "v", "vi",
    "phd", "md", "dds", "dmd", "do", "jd", "ma", "ba", "bs", "bsc", "ms", "msc", "mba", "mph", "med", "meng",
    "esq", "rn", "np", "pa", "pe", "cpa", "pmp", "cfa", "dr", "dra", "ing", "lic", "mg", "mgtr", "mtro",
    "mtra", "abg", "arq", "prof",
];
/// Longest abbreviation of a degree, in letters.
const MAX_DEGREE: usize = 6;

/// Splits a name such as `Rojas, Ana` at its comma, into last name and first name. Returns `None` for a name without
/// a comma, and for a name with titles after it, such as `Sammy Davis, Jr.`
pub(crate) fn last_name_first(name: &str) -> Option<(&str, &str)> {
    let (before, after) = name.split_once([',', '，', '、'])?;
    let (before, after) = (before.trim(), after.trim());
    let has_letter = |part: &str| part.chars().any(char::is_alphabetic);
    if !has_letter(before) || !has_letter(after) {
        return None;
    }
    let is_capitals = !before.chars().any(char::is_lowercase);
    let mut words = after.split([',', ' ']).filter(|word| !word.is_empty());
    let is_suffix = before.contains(' ') && words.all(|word| is_title(word, is_capitals));
    (!is_suffix).then_some((before, after))
}

/// Returns true for a title or degree, such as `Jr.` or `M.Sc.` In a name in capitals, only known titles count.
fn is_title(word: &str, is_capitals: bool) -> bool {
    let plain: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
    let capitals = plain.chars().filter(|c| c.is_uppercase()).count();
    let is_degree = !is_capitals && capitals >= 2 && plain.chars().count() <= MAX_DEGREE;
    SUFFIXES.contains(&plain.to_lowercase().as_str()) || is_degree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_after_a_comma_are_no_first_name() {
        for name in [
            "Ana Rojas",
            "Sammy Davis, Jr.",
            "Ana Rojas, PhD",
            "Luis Mora Gil, MSc, PMP",
            "João Silva, Filho",
            "ANA ROJAS, MD",
            "Ana Rojas, M.Sc.",
            "Ana Rojas,",
            ", Ana",
        ] {
            assert_eq!(last_name_first(name), None, "{name}");
        }
        for (name, last, first) in [
            ("Rojas, Ana", "Rojas", "Ana"),
            ("Rojas Peña, Ana María", "Rojas Peña", "Ana María"),
            ("ROJAS PEÑA, ANA", "ROJAS PEÑA", "ANA"),
            ("Davis, Jr.", "Davis", "Jr."),
            ("de la Cruz , Eva", "de la Cruz", "Eva"),
        ] {
            assert_eq!(last_name_first(name), Some((last, first)), "{name}");
        }
    }
}
