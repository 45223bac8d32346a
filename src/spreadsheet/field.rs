//! Values of cells in known columns. Removes text marks and formula notation of spreadsheet
//! programs, and rejects formulas, stray quotation marks and misread names.

use std::borrow::Cow;

use super::cell::Origin;
use super::export::formula;
use super::headers::Column;
use super::quotes;
use crate::domain::certification::person::plausible::doubt;
use crate::domain::certification::person::{is_no_name_part, without_marks};
use crate::domain::trimmed;

/// Reason why the text of a cell is not a valid value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unusable {
    pub code: &'static str,
    pub message: &'static str,
}

const STRAY_QUOTE: Unusable = Unusable {
    code: "STRAY_QUOTE",
    message: "has a quotation mark that is not closed or is in an unexpected place, so the end of the value is \
              unclear; double the quotation marks within quoted fields (\"\"), or remove them",
};
const FORMULA_TEXT: Unusable = Unusable {
    code: "FORMULA_TEXT",
    message: "is a formula instead of its value; save the sheet with values, or write the value",
};
/// Context of a row, which determines the meaning of an apostrophe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    pub origin: Origin,
    /// True if another cell of the row begins with an apostrophe that is certainly a text mark.
    pub is_marked: bool,
}

/// Returns the value of a cell, without text marks and formula notation of spreadsheet programs.
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
    let keeps_pairs = !matches!(
        column,
        Column::DocumentNumber | Column::Email | Column::CertificateId
    );
    let text = quotes::understood(&text, keeps_pairs).map_err(|_| STRAY_QUOTE)?;
    if column.is_name()
        && let Some(doubt) = doubt(&text, false)
    {
        return Err(Unusable {
            code: "MISREAD_TEXT",
            message: doubt.message(),
        });
    }
    let name = if column == Column::FullName {
        without_marks(&text)
    } else {
        ""
    };
    // A name that consists only of dashes is kept, so that it is rejected as written.
    Ok(if name.is_empty() {
        text.into_owned()
    } else {
        name.to_owned()
    })
}

/// Returns the text within `="0012345"`, the CSV notation for a text. Returns `None` for any other
/// formula.
fn formula_text(formula: &str) -> Option<String> {
    let inside = formula
        .strip_prefix('=')?
        .trim()
        .strip_prefix('"')?
        .strip_suffix('"')?;
    let is_one = !inside.replace("\"\"", "").contains('"');
    is_one.then(|| inside.replace("\"\"", "\""))
}

/// Returns true if a cell begins with an apostrophe that is certainly a text mark: in a document
/// number or e-mail address, or before a digit or one of `=+-@`.
pub(super) fn is_marked(column: Column, text: &str) -> bool {
    let Some(rest) = text.trim().strip_prefix('\'') else {
        return false;
    };
    let is_code = matches!(column, Column::DocumentNumber | Column::Email);
    is_code || rest.starts_with(|next: char| next.is_ascii_digit() || "=+-@".contains(next))
}

/// Removes the apostrophe that marks the cell as text.
fn unmarked(column: Column, text: &str, marks: Marks) -> Cow<'_, str> {
    if marks.origin == Origin::Csv {
        let restored = formula::restored(text);
        if restored != text {
            return restored;
        }
    }
    let Some(rest) = text.strip_prefix('\'') else {
        return Cow::Borrowed(text);
    };
    let enclosed = rest.strip_suffix('\'').filter(|inside| !inside.is_empty());
    // Names such as 't Hooft and 'Abd keep their apostrophe.
    let is_marked =
        is_marked(column, text) || (marks.is_marked && rest.starts_with(char::is_uppercase));
    match enclosed {
        Some(inside) => Cow::Borrowed(inside),
        None if is_marked => Cow::Borrowed(rest),
        None => Cow::Borrowed(text),
    }
}

/// Returns true if a cell is a placeholder for an absent name, such as "-", "N/A" or "no tiene".
pub(super) fn is_placeholder(text: &str) -> bool {
    is_no_name_part(trimmed(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn csv(column: Column, text: &str) -> Result<String, &'static str> {
        value(
            column,
            text,
            Marks {
                origin: Origin::Csv,
                is_marked: false,
            },
        )
        .map_err(|error| error.code)
    }

    #[test]
    fn document_number_cell_is_cleaned_or_rejected() {
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
            ("12\"3", Err("STRAY_QUOTE")),
        ] {
            assert_eq!(
                csv(Column::DocumentNumber, written),
                meant.map(str::to_owned),
                "{written}"
            );
        }
    }

    #[test]
    fn name_cell_is_cleaned_or_rejected() {
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
            assert_eq!(
                csv(Column::FullName, written),
                meant.map(str::to_owned),
                "{written}"
            );
        }
        let marked = Marks {
            origin: Origin::Csv,
            is_marked: true,
        };
        assert_eq!(
            value(Column::FullName, "'Ana Rojas", marked).as_deref(),
            Ok("Ana Rojas")
        );
        assert_eq!(
            value(Column::FullName, "'t Hooft", marked).as_deref(),
            Ok("'t Hooft")
        );
        assert!(
            is_placeholder("-")
                && is_placeholder(" . ")
                && !is_placeholder("")
                && !is_placeholder("-a")
        );
        assert!(
            csv(Column::Email, "'luis.mora@example.org")
                .is_ok_and(|text| text == "luis.mora@example.org")
        );
    }

    proptest! {
        #[test]
        fn value_escaped_by_the_csv_export_is_read_back_unchanged(text in r#"[=+\-@',;|a1é]{1,12}"#) {
            let written = formula::neutralised(&text);
            let text_of = |column| unmarked(column, &written, Marks { origin: Origin::Csv, is_marked: true }).into_owned();
            if written != text {
                prop_assert_eq!(text_of(Column::FullName), text.as_str());
                prop_assert_eq!(text_of(Column::DocumentNumber), text.as_str());
            }
        }
    }
}
