//! Document numbers that a program has changed: rounded, formatted as a number, or converted to a
//! date.

use super::damaged::{self, Fault};

const FORMULA_TEXT: Fault = (
    "FORMULA_TEXT",
    "is a formula and not its value; save the sheet with values, or write the value",
);
const NUMBER_ROUNDED: Fault = (
    "NUMBER_ROUNDED",
    "has an exponent, because the spreadsheet program has rounded the number, and its last digits are lost; format \
     the column as text and type the number again",
);
const NUMBER_FORMATTED: Fault = (
    "NUMBER_FORMATTED",
    "is formatted as a number, with decimals or with commas between the digits, and leading zeros may be lost; keep \
     the column as text, or write the digits alone",
);
const DATE_CELL: Fault = (
    "DATE_CELL",
    "is a date or time, because the spreadsheet program has converted the number; format the column as text and type \
     the number again",
);
const BOOLEAN_CELL: Fault = (
    "BOOLEAN_CELL",
    "is a truth value of a program; write the document's number",
);
const ERROR_CELL: Fault = (
    "ERROR_CELL",
    "is an error of a spreadsheet; correct the formula or write the document's number",
);
const LEFTOVER: Fault = (
    "INVALID_DOCUMENT_NUMBER",
    "is a leftover of a program or template; write the document's number",
);
const STRAY_QUOTE: Fault = (
    "STRAY_QUOTE",
    "has a quotation mark; write the document's number without it",
);

/// Truth values in the spellings of programs, in lower case.
const BOOLEANS: [&str; 10] = [
    "true",
    "false",
    "verdadero",
    "falso",
    "verdadeiro",
    "vrai",
    "faux",
    "wahr",
    "falsch",
    "vero",
];

/// Returns the fault of a document number that a program has damaged, if any.
pub(super) fn fault(text: &str) -> Option<Fault> {
    let is_boolean = || BOOLEANS.contains(&text.to_lowercase().as_str());
    match () {
        () if damaged::has_error(text) => Some(ERROR_CELL),
        () if text.starts_with('=') => Some(FORMULA_TEXT),
        () if has_exponent(text) => Some(NUMBER_ROUNDED),
        () if is_formatted(text) => Some(NUMBER_FORMATTED),
        () if is_date_or_time(text) => Some(DATE_CELL),
        () if is_boolean() => Some(BOOLEAN_CELL),
        () if damaged::is_machine_text(text) => Some(LEFTOVER),
        () if text.contains('"') => Some(STRAY_QUOTE),
        () => None,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns true for `1,02E+15`, `1.02e15`, `1e15` and similar forms. `3E5678`, `1E5` and `12E+5`
/// are accepted as document numbers.
fn has_exponent(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let signed = exponent.strip_prefix(['+', '-', '\u{2212}']);
    let digits = signed.unwrap_or(exponent);
    let (whole, fraction) = match mantissa.split_once([',', '.']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let whole = whole.strip_prefix(['-', '\u{2212}']).unwrap_or(whole);
    // Databases and scripts write a lower-case "e" and omit the sign.
    let is_unsigned =
        signed.is_none() && (fraction.is_some() || text.contains('e') && digits.len() == 2);
    // Programs write a single digit before the decimal point.
    whole.len() == 1
        && is_number(whole)
        && fraction.is_none_or(is_number)
        && digits.len() <= 3
        && is_number(digits)
        && (signed.is_some() || is_unsigned)
}

/// Returns true for `12345678.0`, `12345678,00` and `12,345,678`. Points between groups of three
/// digits, as in `12.345.678`, are accepted, because people write them.
fn is_formatted(text: &str) -> bool {
    let has_decimals = |mark: char| {
        let parts = text
            .rsplit_once(mark)
            .filter(|(whole, zeros)| is_whole(whole) && (1..=2).contains(&zeros.len()));
        parts.is_some_and(|(_, zeros)| zeros.bytes().all(|byte| byte == b'0'))
    };
    let groups: Vec<&str> = text.split(',').collect();
    let has_commas = groups.len() > 1
        && groups.iter().all(|group| is_number(group))
        && groups.iter().skip(1).all(|group| group.len() == 3)
        && groups.first().is_some_and(|group| group.len() <= 3);
    has_decimals('.') || has_decimals(',') || has_commas
}

/// Returns true for digits, with or without separators between groups of three.
fn is_whole(text: &str) -> bool {
    let mut groups = text.split([',', '.', ' ', '\'']);
    let first = groups.next().unwrap_or_default();
    is_number(first) && groups.all(|group| group.len() == 3 && is_number(group))
}

/// Abbreviated months in the spellings of programs, in English, Spanish, Portuguese, French, German
/// and Italian.
const MONTHS: &[&str] = &[
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "ene",
    "abr", "ago", "sept", "dic", "fev", "mai", "set", "out", "dez", "janv", "fevr", "avr", "juin",
    "juil", "aout", "mrz", "okt", "gen", "mag", "giu", "lug", "ott", "mär",
];

/// Returns true for a date or time in a format of spreadsheet programs.
fn is_date_or_time(text: &str) -> bool {
    let (day, time) = match text.split_once([' ', 'T']) {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let is_time = |time: &str| {
        let time = time.trim_end_matches(|letter: char| {
            letter.is_alphabetic() || letter == ' ' || letter == '.'
        });
        let parts: Vec<&str> = time.split(':').collect();
        let is_part = |part: &&str| {
            (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        (2..=3).contains(&parts.len())
            && parts.iter().all(is_part)
            && parts[1..].iter().all(|part| part.len() == 2)
    };
    match time {
        Some(time) => (is_day(day) && is_time(time)) || is_time(text),
        None => is_day(day) || is_time(day),
    }
}

fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['/', '-', '.']).collect();
    let number = |part: &str| {
        let is_digits =
            (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        is_digits.then(|| part.parse::<u32>().ok()).flatten()
    };
    let is_month = |part: &str| MONTHS.contains(&part.to_lowercase().trim_end_matches('.'));
    let is_slashed = text.contains('/');
    match parts.as_slice() {
        // Dates: 3-may, may-03, may-2026. But GEN-001 is a code.
        [one, other] => {
            let is_day_or_year = |part: &str| {
                number(part).is_some_and(|value| {
                    part.len() <= 2 || part.len() == 4 && (1900..=2100).contains(&value)
                })
            };
            (is_day_or_year(one) && is_month(other)) || (is_month(one) && is_day_or_year(other))
        }
        [day, month, year] if is_month(month) => number(day).is_some() && number(year).is_some(),
        [first, second, third] => {
            let (Some(a), Some(b), Some(c)) = (number(first), number(second), number(third)) else {
                return false;
            };
            let is_date =
                |day: u32, month: u32| (1..=31).contains(&day) && (1..=12).contains(&month);
            let is_year = |part: &str, year: u32| part.len() == 4 && (1900..=2100).contains(&year);
            let is_iso =
                is_year(first, a) && second.len() == 2 && third.len() == 2 && is_date(c, b);
            let is_usual = is_date(a, b) || is_date(b, a);
            is_iso || (is_usual && (is_year(third, c) || (is_slashed && third.len() == 2)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn document_numbers_changed_by_a_spreadsheet_program_are_detected() {
        for (code, texts) in [
            (
                "NUMBER_ROUNDED",
                "1,02E+15|8.96529E+19|1e+15|1,02E+015|1.02e15|1,02E15|1e15|-1.5e-7",
            ),
            (
                "NUMBER_FORMATTED",
                "12345678.0|12345678,00|12345678.00|12,345,678|12,345|12,345,678.00|12.345.678,0|7.0",
            ),
            (
                "DATE_CELL",
                "3-may|may-03|01-dic-25|12/5/2021|5/12/21|2021-05-12|2021-05-12T10:00:00|12:30:00|12:30 PM|36:30:00",
            ),
            ("BOOLEAN_CELL", "TRUE|False|VERDADERO|FALSO|Wahr|vrai"),
            ("FORMULA_TEXT", "=12|=A1&B1|=1+1|=TEXT(A2;0)"),
            ("ERROR_CELL", "#REF!|#¡VALOR!|=#REF!|#DIV/0!"),
            (
                "INVALID_DOCUMENT_NUMBER",
                "[object Object]|{{dni}}|${dni}|https://example.org/7",
            ),
            ("STRAY_QUOTE", "\"q\"|12\"3"),
        ] {
            for text in texts.split('|') {
                assert_eq!(fault(text).map(|(code, _)| code), Some(code), "{text}");
            }
        }
    }

    #[test]
    fn document_numbers_written_by_people_are_accepted() {
        for text in [
            "00123456",
            "3E5678",
            "12E+5",
            "1E5",
            "5e9",
            "123-45-6789",
            "12.345.678-9",
            "12.345.678",
            "1.234.567",
            "1.000",
            "12 345 678",
            "X-7788",
            "X1234567L",
            "TRUE1",
            "1234/56",
            "A,B",
            "123.456.789-09",
            "12345678.9",
            "20-12345678-3",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
    }
}
