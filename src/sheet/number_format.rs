//! What a number cell shows: number formats (ECMA-376 §18.8.31) as far as they change what is read.

use std::sync::Arc;

/// A longer code than Excel writes (255 characters) is not looked at.
const MAX_CODE_CHARS: usize = 255;

/// How the numbers of a cell are to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum NumberFormat {
    /// As the number that it is: no thousands separators, percent signs or colours.
    #[default]
    Plain,
    /// A date, a time of day or both.
    Date,
    /// Elapsed time, such as `[h]:mm`.
    Duration,
    /// Digits at fixed places, such as `00000000` or `000-00-0000`: `None` is a digit.
    Places(Arc<[Option<char>]>),
}

impl NumberFormat {
    /// A format that every program knows by its number (ECMA-376 §18.8.30).
    pub(super) const fn built_in(id: u16) -> Self {
        match id {
            14..=22 | 27..=36 | 45 | 47 | 50..=58 => Self::Date,
            46 => Self::Duration,
            _ => Self::Plain,
        }
    }

    /// A format by its code. Only the section for positive numbers counts.
    pub(super) fn of_code(code: &str) -> Self {
        let mut places = Some(Vec::new());
        let mut is_date = false;
        let mut characters = code.chars().take(MAX_CODE_CHARS);
        while let Some(character) = characters.next() {
            let literal = match character {
                ';' => break,
                '"' => {
                    let quoted = characters.by_ref().take_while(|&quoted| quoted != '"').map(Some);
                    if let Some(places) = &mut places {
                        places.extend(quoted);
                    } else {
                        quoted.for_each(drop);
                    }
                    continue;
                }
                '\\' => characters.next(),
                // The width of a character, and a character that fills the cell: nothing to read.
                '_' | '*' => {
                    characters.next();
                    continue;
                }
                '[' => {
                    let inside: String = characters.by_ref().take_while(|&inner| inner != ']').collect();
                    if is_elapsed(&inside) {
                        return Self::Duration;
                    }
                    if inside.starts_with(['<', '>', '=']) {
                        // Which section applies depends on the number.
                        places = None;
                    }
                    continue;
                }
                '0' => {
                    if let Some(places) = &mut places {
                        places.push(None);
                    }
                    continue;
                }
                '-' | ' ' | '(' | ')' | '\'' | ':' => Some(character),
                'd' | 'm' | 'y' | 'h' | 's' | 'D' | 'M' | 'Y' | 'H' | 'S' => {
                    is_date = true;
                    None
                }
                _ => None,
            };
            match (literal, &mut places) {
                (Some(literal), Some(places)) => places.push(Some(literal)),
                (None, _) => places = None,
                (Some(_), None) => {}
            }
        }
        let digits = places.iter().flatten().filter(|place| place.is_none()).count();
        match places {
            _ if is_date => Self::Date,
            Some(places) if digits > 0 && places.len() > 1 => Self::Places(places.into()),
            _ => Self::Plain,
        }
    }
}

fn is_elapsed(inside: &str) -> bool {
    let mut letters = inside.chars().map(|letter| letter.to_ascii_lowercase());
    let first = letters.next();
    matches!(first, Some('h' | 'm' | 's')) && letters.all(|letter| Some(letter) == first)
}

/// Writes a whole number into its places; digits that have none stand before the first.
pub(super) fn in_places(digits: &str, places: &[Option<char>]) -> String {
    let mut written = Vec::with_capacity(places.len().max(digits.len()));
    let mut rest = digits.chars().rev();
    let mut open = places.iter().filter(|place| place.is_none()).count();
    for place in places.iter().rev() {
        match place {
            Some(literal) => written.push(*literal),
            None => {
                written.push(rest.next().unwrap_or('0'));
                open -= 1;
                if open == 0 {
                    written.extend(rest.by_ref());
                }
            }
        }
    }
    written.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(code: &str, digits: &str) -> Option<String> {
        match NumberFormat::of_code(code) {
            NumberFormat::Places(places) => Some(in_places(digits, &places)),
            _ => None,
        }
    }

    #[test]
    fn digits_at_fixed_places() {
        assert_eq!(places("00000000", "1234").as_deref(), Some("00001234"));
        assert_eq!(places("00000000;-0", "1234567890").as_deref(), Some("1234567890"));
        assert_eq!(places("000-00-0000", "123456789").as_deref(), Some("123-45-6789"));
        assert_eq!(places("\\A\"B \"00", "7").as_deref(), Some("AB 07"));
        assert_eq!(places("[Red]000_)", "7").as_deref(), Some("007"));
        assert_eq!(places("00-00", "12345").as_deref(), Some("123-45"));
        for plain in ["General", "0", "0.00", "#,##0", "0%", "@", "", "00E+00", "[<=99999]00000;0000-0000"] {
            assert_eq!(NumberFormat::of_code(plain), NumberFormat::Plain, "{plain}");
        }
    }

    #[test]
    fn dates_and_elapsed_times() {
        for code in [
            "dd/mm/yyyy",
            "yyyy\\-mm\\-dd",
            "[$-409]d\\-mmm\\-yy;@",
            "h:mm AM/PM",
            "\"on \"d.m.yy",
            "mm:ss.0",
        ] {
            assert_eq!(NumberFormat::of_code(code), NumberFormat::Date, "{code}");
        }
        for code in ["[h]:mm:ss", "[mm]:ss", "[SS]"] {
            assert_eq!(NumberFormat::of_code(code), NumberFormat::Duration, "{code}");
        }
        for code in ["\"day \"0", "0\\d", "#,##0_d", "0*y", "[Red]0.0"] {
            assert!(!matches!(NumberFormat::of_code(code), NumberFormat::Date), "{code}");
        }
        assert_eq!(NumberFormat::built_in(14), NumberFormat::Date);
        assert_eq!(NumberFormat::built_in(46), NumberFormat::Duration);
        assert_eq!(NumberFormat::built_in(49), NumberFormat::Plain);
    }
}
