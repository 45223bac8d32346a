//! Number formats of cells (ECMA-376 §18.8.31). Only the parts that affect the value are
//! interpreted.

use std::sync::Arc;

/// Maximum number of characters of a format code that are parsed. Excel writes no longer codes.
const MAX_CODE_CHARS: usize = 255;

/// Interpretation of the numbers in a cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum NumberFormat {
    /// The number itself, without thousands separators, percent signs or colours.
    #[default]
    Plain,
    /// Date, time of day, or both.
    Date,
    /// Elapsed time, for example `[h]:mm`.
    Duration,
    /// Digits at fixed places, for example `00000000` or `000-00-0000`. `None` is a digit, `Some`
    /// is a literal character.
    Places(Arc<[Option<char>]>),
    /// Sections with conditions, for example `[<=9999999]0000000;00000000`. The first section whose
    /// condition is true applies.
    Sections(Arc<[Section]>),
}

/// Section of a format with conditions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Section {
    /// Condition on the number. `None` matches every number.
    condition: Option<Condition>,
    format: NumberFormat,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Condition {
    compare: Compare,
    with: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

impl Condition {
    /// Parses the text inside of brackets, for example `<=9999999`.
    fn of(inside: &str) -> Option<Self> {
        let signs = [
            ("<=", Compare::LessOrEqual),
            (">=", Compare::GreaterOrEqual),
            ("<>", Compare::NotEqual),
            ("<", Compare::Less),
            (">", Compare::Greater),
            ("=", Compare::Equal),
        ];
        let (compare, with) = signs
            .into_iter()
            .find_map(|(sign, compare)| Some((compare, inside.strip_prefix(sign)?)))?;
        Some(Self {
            compare,
            with: with.trim().parse().ok()?,
        })
    }

    fn holds(self, number: f64) -> bool {
        match self.compare {
            Compare::Less => number < self.with,
            Compare::LessOrEqual => number <= self.with,
            Compare::Greater => number > self.with,
            Compare::GreaterOrEqual => number >= self.with,
            Compare::Equal => number == self.with,
            Compare::NotEqual => number != self.with,
        }
    }
}

impl NumberFormat {
    /// Returns the built-in format with this `id` (ECMA-376 §18.8.30).
    pub(super) const fn built_in(id: u16) -> Self {
        match id {
            14..=22 | 27..=36 | 45 | 47 | 50..=58 => Self::Date,
            46 => Self::Duration,
            _ => Self::Plain,
        }
    }

    /// Parses a format code. If it has no conditions, only the first section (for positive numbers)
    /// is used.
    pub(super) fn of_code(code: &str) -> Self {
        let code: String = code.chars().take(MAX_CODE_CHARS).collect();
        let sections: Vec<Section> = sections(&code)
            .into_iter()
            .take(MAX_SECTIONS)
            .map(section)
            .collect();
        if sections.iter().any(|section| section.condition.is_some()) {
            return Self::Sections(sections.into());
        }
        sections
            .into_iter()
            .next()
            .map(|section| section.format)
            .unwrap_or_default()
    }

    /// Returns the format that applies to `number`.
    pub(super) fn section(&self, number: f64) -> &Self {
        let Self::Sections(sections) = self else {
            return self;
        };
        let holds = |section: &&Section| {
            section
                .condition
                .is_none_or(|condition| condition.holds(number))
        };
        sections
            .iter()
            .find(holds)
            .map_or(&Self::Plain, |section| &section.format)
    }

    /// Parses one section of a format code.
    fn of_section(code: &str) -> Self {
        let mut places = Some(Vec::new());
        let mut is_date = false;
        let mut is_optional = false;
        let mut characters = code.chars();
        while let Some(character) = characters.next() {
            let literal = match character {
                '"' => {
                    let quoted = characters
                        .by_ref()
                        .take_while(|&quoted| quoted != '"')
                        .map(Some);
                    if let Some(places) = &mut places {
                        places.extend(quoted);
                    } else {
                        quoted.for_each(drop);
                    }
                    continue;
                }
                '\\' => characters.next(),
                // `_x` is a blank as wide as `x`, and `*x` fills the cell with `x`. Neither is part
                // of the value.
                '_' | '*' => {
                    characters.next();
                    continue;
                }
                '[' => {
                    let inside: String = characters
                        .by_ref()
                        .take_while(|&inner| inner != ']')
                        .collect();
                    if is_elapsed(&inside) {
                        return Self::Duration;
                    }
                    continue;
                }
                // Before the first digit place, `#` and `?` show nothing for an absent digit. After
                // a zero they are digit places like it.
                '#' | '?'
                    if places
                        .as_ref()
                        .is_some_and(|places| !places.contains(&None)) =>
                {
                    is_optional = true;
                    continue;
                }
                '0' | '#' | '?' => {
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
        let digits = places
            .iter()
            .flatten()
            .filter(|place| place.is_none())
            .count();
        match places {
            _ if is_date => Self::Date,
            // Extra digits of the number would follow the leading literal.
            Some(places) if is_optional && places.first().is_some_and(Option::is_some) => {
                Self::Plain
            }
            Some(places) if digits > 0 && places.len() > 1 => Self::Places(places.into()),
            _ => Self::Plain,
        }
    }
}

/// Maximum number of sections in a format, without the section for texts.
const MAX_SECTIONS: usize = 3;

/// Splits a format code at semicolons. Quoted, escaped and bracketed text is not split.
fn sections(code: &str) -> Vec<&str> {
    let mut sections = Vec::new();
    let mut start = 0;
    let mut is_quoted = false;
    let mut is_bracketed = false;
    let mut is_escaped = false;
    for (position, character) in code.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '\\' => is_escaped = true,
            '[' => is_bracketed = true,
            ']' => is_bracketed = false,
            ';' if !is_bracketed => {
                sections.push(&code[start..position]);
                start = position + 1;
            }
            _ => {}
        }
    }
    sections.push(&code[start..]);
    sections
}

fn section(code: &str) -> Section {
    let bracketed = code
        .split('[')
        .skip(1)
        .filter_map(|rest| rest.split_once(']'));
    let condition = bracketed.map(|(inside, _)| inside).find_map(Condition::of);
    Section {
        condition,
        format: NumberFormat::of_section(code),
    }
}

fn is_elapsed(inside: &str) -> bool {
    let mut letters = inside.chars().map(|letter| letter.to_ascii_lowercase());
    let first = letters.next();
    matches!(first, Some('h' | 'm' | 's')) && letters.all(|letter| Some(letter) == first)
}

/// Writes the digits of an integer into its places. Additional digits precede the first digit
/// place.
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
        let number = digits.parse().expect("digits");
        match NumberFormat::of_code(code).section(number) {
            NumberFormat::Places(places) => Some(in_places(digits, places)),
            _ => None,
        }
    }

    #[test]
    fn number_is_padded_to_the_digits_of_its_format() {
        assert_eq!(places("00000000", "1234").as_deref(), Some("00001234"));
        assert_eq!(
            places("00000000;-0", "1234567890").as_deref(),
            Some("1234567890")
        );
        assert_eq!(
            places("000-00-0000", "123456789").as_deref(),
            Some("123-45-6789")
        );
        assert_eq!(places("\\A\"B \"00", "7").as_deref(), Some("AB 07"));
        assert_eq!(places("[Red]000_)", "7").as_deref(), Some("007"));
        assert_eq!(places("00-00", "12345").as_deref(), Some("123-45"));
        assert_eq!(places("0#######", "1234567").as_deref(), Some("01234567"));
        assert_eq!(places("0???????", "1234567").as_deref(), Some("01234567"));
        assert_eq!(places("#00000000", "1234").as_deref(), Some("00001234"));
        for plain in [
            "General", "0", "0.00", "#,##0", "0%", "@", "", "00E+00", "###-###", "#",
        ] {
            assert_eq!(NumberFormat::of_code(plain), NumberFormat::Plain, "{plain}");
        }
    }

    #[test]
    fn number_format_section_is_selected_by_its_condition() {
        let code = "[<=9999999]0000000;00000000";
        assert_eq!(places(code, "1234").as_deref(), Some("0001234"));
        assert_eq!(places(code, "12345678").as_deref(), Some("12345678"));
        assert_eq!(
            places("[<=99999]00000;0000-0000", "12345678").as_deref(),
            Some("1234-5678")
        );
        assert_eq!(
            places("[Red][>=1000]000000;General", "1234").as_deref(),
            Some("001234")
        );
        assert_eq!(places("[Red][>=1000]000000;General", "12"), None);
        assert_eq!(
            places("[=7]\";[\"000;0000;@", "7").as_deref(),
            Some(";[007")
        );
        assert_eq!(places("[<5]000;[<50]0000", "500"), None);
    }

    #[test]
    fn date_and_duration_formats_are_recognised() {
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
            assert_eq!(
                NumberFormat::of_code(code),
                NumberFormat::Duration,
                "{code}"
            );
        }
        for code in ["\"day \"0", "0\\d", "#,##0_d", "0*y", "[Red]0.0"] {
            assert!(
                !matches!(NumberFormat::of_code(code), NumberFormat::Date),
                "{code}"
            );
        }
        assert_eq!(NumberFormat::built_in(14), NumberFormat::Date);
        assert_eq!(NumberFormat::built_in(46), NumberFormat::Duration);
        assert_eq!(NumberFormat::built_in(49), NumberFormat::Plain);
    }
}
