//! Value of a cell in a column of a known meaning: marks of spreadsheet programs are taken away, and what
//! programs have changed is refused.

use std::borrow::Cow;

use super::cell::Origin;
use super::export::formula;
use super::headers::Column;
use super::plausible::doubt;
use super::quotes;
use crate::domain::person::{is_dashes, without_marks};
use crate::domain::trimmed;

/// Why a cell's text can't be the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unusable {
    pub code: &'static str,
    pub message: &'static str,
}

const STRAY_QUOTE: Unusable = Unusable {
    code: "STRAY_QUOTE",
    message: "has a quotation mark that is not closed or stands in an odd place, so that nobody can tell where the \
              value ends; double the marks inside of quoted fields (\"\") or remove them",
};
const FORMULA_TEXT: Unusable = Unusable {
    code: "FORMULA_TEXT",
    message: "is a formula and not its value; save the sheet with values, or write the value",
};
const NUMBER_ROUNDED: Unusable = Unusable {
    code: "NUMBER_ROUNDED",
    message: "is a number with an exponent: the spreadsheet has rounded this number, and its last digits are lost; \
              format the column as text and type it again",
};
const DATE_CELL: Unusable = Unusable {
    code: "DATE_CELL",
    message: "is a date or time: the spreadsheet program has turned what was typed into one; format the column as \
              text and type it again",
};

/// Context of a row that tells what an apostrophe means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    pub origin: Origin,
    /// True if another cell of the row certainly begins with an apostrophe that marks a text.
    pub is_marked: bool,
}

/// Returns the value that a cell's text stands for.
pub(super) fn value(column: Column, text: &str, marks: Marks) -> Result<String, Unusable> {
    if marks.origin == Origin::Json {
        return Ok(text.to_owned());
    }
    let text = trimmed(text);
    let text = match marks.origin {
        Origin::Export => Cow::Borrowed(text),
        Origin::Csv if text.starts_with('=') => Cow::Owned(formula_text(text).ok_or(FORMULA_TEXT)?),
        _ => unmarked(column, text, marks),
    };
    let keeps_pairs = !matches!(column, Column::DocumentNumber | Column::Email | Column::CertificateId);
    let text = quotes::understood(&text, keeps_pairs).map_err(|_| STRAY_QUOTE)?;
    if column == Column::DocumentNumber {
        check_document(&text)?;
    }
    if column.is_name()
        && let Some(doubt) = doubt(&text, false)
    {
        return Err(Unusable { code: "MISREAD_TEXT", message: doubt.told() });
    }
    let name = if column == Column::FullName { without_marks(&text) } else { "" };
    // A name of dashes alone is refused as it is written.
    Ok(if name.is_empty() { text.into_owned() } else { name.to_owned() })
}

/// The text of `="0012345"`, by which CSV says that something is a text.
fn formula_text(formula: &str) -> Option<String> {
    let inside = formula.strip_prefix('=')?.trim().strip_prefix('"')?.strip_suffix('"')?;
    let is_one = !inside.replace("\"\"", "").contains('"');
    is_one.then(|| inside.replace("\"\"", "\""))
}

/// Returns true if a cell certainly begins with an apostrophe that marks a text: nothing else begins so.
pub(super) fn is_marked(column: Column, text: &str) -> bool {
    let Some(rest) = text.trim().strip_prefix('\'') else { return false };
    let is_code = matches!(column, Column::DocumentNumber | Column::Email);
    is_code || rest.starts_with(|next: char| next.is_ascii_digit() || "=+-@".contains(next))
}

/// The text without the apostrophe that marks it as a text.
fn unmarked(column: Column, text: &str, marks: Marks) -> Cow<'_, str> {
    if marks.origin == Origin::Csv {
        let restored = formula::restored(text);
        if restored != text {
            return restored;
        }
    }
    let Some(rest) = text.strip_prefix('\'') else { return Cow::Borrowed(text) };
    let enclosed = rest.strip_suffix('\'').filter(|inside| !inside.is_empty());
    // 't Hooft and 'Abd keep theirs.
    let is_marked = is_marked(column, text) || (marks.is_marked && rest.starts_with(char::is_uppercase));
    match enclosed {
        Some(inside) => Cow::Borrowed(inside),
        None if is_marked => Cow::Borrowed(rest),
        None => Cow::Borrowed(text),
    }
}

fn check_document(text: &str) -> Result<(), Unusable> {
    if has_exponent(text) {
        return Err(NUMBER_ROUNDED);
    }
    if is_date_or_time(text) { Err(DATE_CELL) } else { Ok(()) }
}

/// Returns true for `1,02E+15` and its like. `3E5678` is a document's number.
fn has_exponent(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let Some(digits) = exponent.strip_prefix(['+', '-', '\u{2212}']) else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once([',', '.']).unwrap_or((mantissa, "0"));
    let whole = whole.strip_prefix(['-', '\u{2212}']).unwrap_or(whole);
    // Programs write one digit before the point.
    whole.len() == 1 && is_number(whole) && is_number(fraction) && digits.len() <= 3 && is_number(digits)
}

/// Months as programs shorten them, in English, Spanish, Portuguese, French, German and Italian.
const MONTHS: &[&str] = &[
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "ene", "abr", "ago",
    "sept", "dic", "fev", "mai", "set", "out", "dez", "janv", "fevr", "avr", "juin", "juil", "aout", "mrz",
    "okt", "gen", "mag", "giu", "lug", "ott", "mär",
];

/// Returns true for a date or time as spreadsheet programs show one.
fn is_date_or_time(text: &str) -> bool {
    let (day, time) = match text.split_once([' ', 'T']) {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let is_time = |time: &str| {
        let time =
            time.trim_end_matches(|letter: char| letter.is_alphabetic() || letter == ' ' || letter == '.');
        let parts: Vec<&str> = time.split(':').collect();
        let is_part =
            |part: &&str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
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
        let is_digits = (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        is_digits.then(|| part.parse::<u32>().ok()).flatten()
    };
    let is_month = |part: &str| MONTHS.contains(&part.to_lowercase().trim_end_matches('.'));
    let is_slashed = text.contains('/');
    match parts.as_slice() {
        // 3-may, may-03
        [one, other] => {
            (number(one).is_some() && is_month(other)) || (is_month(one) && number(other).is_some())
        }
        [day, month, year] if is_month(month) => number(day).is_some() && number(year).is_some(),
        [first, second, third] => {
            let (Some(a), Some(b), Some(c)) = (number(first), number(second), number(third)) else {
                return false;
            };
            let is_date = |day: u32, month: u32| (1..=31).contains(&day) && (1..=12).contains(&month);
            let is_year = |part: &str, year: u32| part.len() == 4 && (1900..=2100).contains(&year);
            let is_iso = is_year(first, a) && second.len() == 2 && third.len() == 2 && is_date(c, b);
            let is_usual = is_date(a, b) || is_date(b, a);
            is_iso || (is_usual && (is_year(third, c) || (is_slashed && third.len() == 2)))
        }
        _ => false,
    }
}

/// Returns true for a cell that says that there is no such name, such as "-" and ".".
pub(super) fn is_placeholder(text: &str) -> bool {
    is_dashes(text.trim())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn csv(column: Column, text: &str) -> Result<String, &'static str> {
        value(column, text, Marks { origin: Origin::Csv, is_marked: false }).map_err(|error| error.code)
    }

    #[test]
    fn documents() {
        for (written, meant) in [
            ("=\"0012345\"", Ok("0012345")),
            ("= \"0012345\"", Ok("0012345")),
            ("'00123456", Ok("00123456")),
            ("'00123456'", Ok("00123456")),
            ("'+5566", Ok("+5566")),
            ("'A-77", Ok("A-77")),
            ("3E5678", Ok("3E5678")),
            ("12E+5", Ok("12E+5")),
            ("1E5", Ok("1E5")),
            ("123-45-6789", Ok("123-45-6789")),
            ("12.345.678-9", Ok("12.345.678-9")),
            ("1.234.567", Ok("1.234.567")),
            ("X-7788", Ok("X-7788")),
            ("=A1&B1", Err("FORMULA_TEXT")),
            ("=\"a\"&\"b\"", Err("FORMULA_TEXT")),
            ("1,02E+15", Err("NUMBER_ROUNDED")),
            ("8.96529E+19", Err("NUMBER_ROUNDED")),
            ("1e+15", Err("NUMBER_ROUNDED")),
            ("1,02E+015", Err("NUMBER_ROUNDED")),
            ("3-may", Err("DATE_CELL")),
            ("may-03", Err("DATE_CELL")),
            ("01-dic-25", Err("DATE_CELL")),
            ("12/5/2021", Err("DATE_CELL")),
            ("5/12/21", Err("DATE_CELL")),
            ("2021-05-12", Err("DATE_CELL")),
            ("2021-05-12T10:00:00", Err("DATE_CELL")),
            ("12:30:00", Err("DATE_CELL")),
            ("12:30 PM", Err("DATE_CELL")),
            ("36:30:00", Err("DATE_CELL")),
            ("12\"3", Err("STRAY_QUOTE")),
        ] {
            assert_eq!(csv(Column::DocumentNumber, written), meant.map(str::to_owned), "{written}");
        }
    }

    #[test]
    fn names() {
        for (written, meant) in [
            ("=\"Luis Mora\"", Ok("Luis Mora")),
            ("'-Eva Gil", Ok("-Eva Gil")),
            ("'Ana Rojas'", Ok("Ana Rojas")),
            ("d’Artagnan Rey", Ok("d’Artagnan Rey")),
            ("'t Hooft", Ok("'t Hooft")),
            ("''t Hooft", Ok("'t Hooft")),
            ("Suharto -", Ok("Suharto")),
            (". Suharto", Ok("Suharto")),
            ("Ana - Rojas", Ok("Ana - Rojas")),
            ("-", Ok("-")),
            ("Ana  Rojas", Ok("Ana  Rojas")),
            ("\"Ana Rojas\"", Ok("Ana Rojas")),
            ("Ana \\\"Anita\\\" Rojas", Err("STRAY_QUOTE")),
            ("JosÃ© Mora", Err("MISREAD_TEXT")),
        ] {
            assert_eq!(csv(Column::FullName, written), meant.map(str::to_owned), "{written}");
        }
        let marked = Marks { origin: Origin::Csv, is_marked: true };
        assert_eq!(value(Column::FullName, "'Ana Rojas", marked).as_deref(), Ok("Ana Rojas"));
        assert_eq!(value(Column::FullName, "'t Hooft", marked).as_deref(), Ok("'t Hooft"));
        assert!(is_placeholder("-") && is_placeholder(" . ") && !is_placeholder("") && !is_placeholder("-a"));
        assert!(
            csv(Column::Email, "'luis.mora@example.org").is_ok_and(|text| text == "luis.mora@example.org")
        );
    }

    proptest! {
        #[test]
        fn what_our_csv_export_writes_is_read_as_it_was(text in r#"[=+\-@',;|a1é]{1,12}"#) {
            let written = formula::neutralised(&text);
            let text_of = |column| unmarked(column, &written, Marks { origin: Origin::Csv, is_marked: true }).into_owned();
            if written != text {
                prop_assert_eq!(text_of(Column::FullName), text.as_str());
                prop_assert_eq!(text_of(Column::DocumentNumber), text.as_str());
            }
        }
    }
}
