//! Quotation marks that the CSV parser treats as part of the text.

use std::borrow::Cow;

use crate::domain::certification::person::is_in_pairs;

/// Joins quoted fields that were split at a delimiter because a space precedes the opening
/// quotation mark, for example `1, "Mora, Luis", x`. Removes the quotation marks.
pub(super) fn rejoined(fields: Vec<String>, delimiter: char) -> Vec<String> {
    if !fields.iter().any(|field| is_padded(field)) {
        return fields;
    }
    let mut joined = Vec::with_capacity(fields.len());
    let mut rest = fields.into_iter();
    while let Some(mut field) = rest.next() {
        if is_padded(&field) {
            let ahead = rest.as_slice();
            let needed = (0..=ahead.len()).find(|&more| {
                let last = if more == 0 { &field } else { &ahead[more - 1] };
                closes(last, more == 0)
            });
            for _ in 0..needed.unwrap_or(0) {
                field.push(delimiter);
                field.push_str(&rest.next().unwrap_or_default());
            }
            if needed.is_some() {
                field = enclosed(&field).unwrap_or(&field).replace("\"\"", "\"");
            }
        }
        joined.push(field);
    }
    joined
}

/// Returns true if `field` begins with a space and a quotation mark.
fn is_padded(field: &str) -> bool {
    field.starts_with([' ', '\t', '\u{A0}']) && field.trim_start().starts_with('"')
}

/// Returns true if `field` ends with a closing quotation mark. If `is_first` is true, `field` also
/// contains the opening quotation mark.
fn closes(field: &str, is_first: bool) -> bool {
    let trimmed = field.trim();
    let inside = if is_first {
        trimmed.get(1..).unwrap_or_default()
    } else {
        trimmed
    };
    let marks = inside
        .chars()
        .rev()
        .take_while(|&character| character == '"')
        .count();
    marks % 2 == 1
}

/// Returns the text inside of enclosing quotation marks. Returns the trimmed text if there are
/// none.
pub(super) fn without_padding(text: &str) -> &str {
    enclosed(text).unwrap_or(text.trim())
}

fn enclosed(text: &str) -> Option<&str> {
    text.trim()
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
}

/// Error: a stray quotation mark makes the value ambiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StrayQuote;

/// Returns the value of a cell that may contain quotation marks. Removes quotation marks that
/// enclose the whole text. If `keeps_pairs` is true, keeps pairs around a word, for example `José
/// "Pepe" Gómez`.
///
/// # Errors
/// [`StrayQuote`] if any other quotation mark remains.
pub(super) fn understood(text: &str, keeps_pairs: bool) -> Result<Cow<'_, str>, StrayQuote> {
    if !text.contains('"') {
        return Ok(Cow::Borrowed(text));
    }
    let value: Cow<'_, str> = match enclosed(text) {
        Some(inside) if !has_lone_mark(inside) => Cow::Owned(inside.replace("\"\"", "\"")),
        _ => Cow::Borrowed(text.trim()),
    };
    if !value.contains('"') {
        return Ok(value);
    }
    if keeps_pairs && is_in_pairs(&value) {
        Ok(value)
    } else {
        Err(StrayQuote)
    }
}

/// Returns true if `text` has a quotation mark that is not doubled.
fn has_lone_mark(text: &str) -> bool {
    text.replace("\"\"", "").contains('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(line: &str) -> Vec<String> {
        rejoined(line.split(',').map(str::to_owned).collect(), ',')
    }

    #[test]
    fn quoted_field_after_a_space_is_joined() {
        assert_eq!(
            joined(r#"Luis, "Mora, Luis", 1"#),
            ["Luis", "Mora, Luis", " 1"]
        );
        assert_eq!(
            joined(r#" "Eva Gil", eva@example.org"#),
            ["Eva Gil", " eva@example.org"]
        );
        assert_eq!(joined(r#"x, "a, ""b"", c",y"#), ["x", "a, \"b\", c", "y"]);
        assert_eq!(joined(r#"x, "",y"#), ["x", "", "y"]);
        // The quotation mark is never closed: the fields stay unchanged and are rejected later.
        assert_eq!(joined(r#"x, "a, b"#), ["x", " \"a", " b"]);
    }

    #[test]
    fn quotation_marks_are_removed_kept_or_rejected() {
        for (written, value) in [
            (r#""Ana Rojas""#, "Ana Rojas"),
            (r#" "Ana" "#, "Ana"),
            (r#"José "Pepe" Gómez"#, r#"José "Pepe" Gómez"#),
            (r#""José ""Pepe"" Gómez""#, r#"José "Pepe" Gómez"#),
            ("Ana", "Ana"),
        ] {
            assert_eq!(understood(written, true).as_deref(), Ok(value), "{written}");
        }
        for stray in [
            r#"Ana "Rojas"#,
            r#"Ana \"Anita\" Rojas"#,
            r#"Ana Anita" Rojas""#,
            r#""Ana"#,
            r#"5" Ana"#,
            r#"""#,
        ] {
            assert_eq!(understood(stray, true), Err(StrayQuote), "{stray}");
        }
        assert_eq!(understood(r#"12"3"4"#, false), Err(StrayQuote));
    }
}
