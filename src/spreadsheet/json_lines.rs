//! Reader for lists of people from a request body, which are stored as JSON Lines.

use std::fs::File;
use std::io::{BufRead, BufReader};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::cell::{Cell, Origin, Record};
use super::error::printable;
use super::headers::{self, HeaderMap};
use super::row::RowError;
use super::{Limits, SheetError};
use crate::domain::certification::reading::Reading;

/// Field names. They are used instead of a header row.
const FIELDS: [&str; 9] = [
    "fullName",
    "firstName",
    "lastName",
    "country",
    "documentType",
    "documentNumber",
    "gender",
    "email",
    "certificateId",
];
/// Largest integer that every JSON parser represents exactly: 2^53 - 1.
const GREATEST_EXACT: u64 = (1 << 53) - 1;
/// Maximum number of unknown fields that are reported for one element.
const MAX_NAMED: usize = 20;

/// Line of the file: one element of the list in the request.
#[derive(Debug, Serialize, Deserialize)]
pub struct PersonLine {
    /// The element, with field names in camelCase.
    pub person: Value,
    /// Fields that occur more than once in the element.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub twice: Vec<String>,
    /// True if a number in the element has an exponent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_exponent: bool,
    /// Description of the error and its correction, if the element can't be parsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

/// Returns the records of a file. Row numbers are line numbers, starting at 1.
pub(super) fn open(
    file: File,
    limits: Limits,
) -> Result<
    (
        HeaderMap,
        impl Iterator<Item = Result<Record, SheetError>> + Send,
    ),
    SheetError,
> {
    let map = headers::map(&FIELDS.map(str::to_owned), &Reading::default())?;
    let lines = BufReader::new(file).lines().zip(1_u32..);
    let records = lines.map(move |(line, row)| {
        // The parser's message isn't used, because it may quote the line.
        let broken = |_| SheetError::Broken {
            reason: format!("line {row} is not JSON"),
        };
        let line: PersonLine = serde_json::from_str(&line?).map_err(broken)?;
        Ok(record(row, line, limits.max_cell_chars))
    });
    Ok((map, records))
}

/// Converts one element of the list to a record. Errors of the element become errors of the row.
fn record(row: u32, line: PersonLine, max_chars: usize) -> Record {
    let (mut fields, mut faults) = match (line.person, line.unreadable) {
        (_, Some(problem)) => (Map::new(), vec![unreadable(&problem)]),
        (Value::Object(fields), None) => (fields, Vec::new()),
        (other, None) => (Map::new(), vec![no_object(&other)]),
    };
    let mut cell = |name| {
        cell(
            fields.remove(name).unwrap_or_default(),
            line.has_exponent,
            max_chars,
        )
    };
    let cells = FIELDS.map(&mut cell).into();
    faults.extend(line.twice.iter().map(|name| given_twice(name)));
    faults.extend(fields.keys().take(MAX_NAMED).map(|name| unknown(name)));
    Record {
        row,
        cells,
        origin: Origin::Json,
        is_hidden: false,
        faults,
    }
}

fn cell(value: Value, has_exponent: bool, max_chars: usize) -> Cell {
    match value {
        Value::Null => Cell::blank(),
        Value::String(text) => Cell::text(text, max_chars),
        Value::Number(number) => digits(&number, has_exponent),
        Value::Bool(_) => wrong_type("is true or false; give a text in quotation marks"),
        Value::Array(_) => wrong_type("is a list; give a text in quotation marks"),
        Value::Object(_) => wrong_type("is an object; give a text in quotation marks"),
    }
}

/// Converts a non-negative integer to its digits. Accepts `79123456.0`, which Python writes if a
/// column has missing values. Rejects numbers with an exponent, because they may have been rounded.
fn digits(number: &Number, has_exponent: bool) -> Cell {
    let float = number
        .as_f64()
        .filter(|float| *float >= 0.0 && float.fract() == 0.0);
    match (number.as_u64(), float) {
        (Some(whole), _) if whole <= GREATEST_EXACT => Cell::Text(whole.to_string().into()),
        (None, Some(_)) if has_exponent => rounded(
            number,
            "is a number with an exponent, whose last digits may be lost; put it in quotation marks",
        ),
        (None, Some(float)) if float <= GREATEST_EXACT as f64 => {
            Cell::Text(format!("{float}").into())
        }
        (Some(_), _) | (None, Some(_)) => rounded(
            number,
            "is a number with more digits than programs can represent; put it in quotation marks",
        ),
        (None, None) => Cell::unusable(
            number.to_string(),
            "WRONG_TYPE",
            "is a negative number or has a fraction; put it in quotation marks",
        ),
    }
}

fn rounded(number: &Number, message: &'static str) -> Cell {
    Cell::unusable(number.to_string(), "NUMBER_ROUNDED", message)
}

fn wrong_type(message: &'static str) -> Cell {
    // Not blank, because a blank cell counts as a missing value.
    Cell::unusable("?", "WRONG_TYPE", message)
}

fn unreadable(problem: &str) -> RowError {
    RowError {
        column: None,
        field: None,
        code: "UNREADABLE",
        message: format!("the element {problem}"),
    }
}

fn no_object(value: &Value) -> RowError {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let message = format!("the element is {kind}; give an object with the fields of a person");
    RowError {
        column: None,
        field: None,
        code: "WRONG_TYPE",
        message,
    }
}

fn unknown(name: &str) -> RowError {
    let column = printable(name);
    let message =
        format!("\"{column}\" is not a field of a person; remove it, or correct its name");
    RowError {
        column: Some(column),
        field: None,
        code: "UNKNOWN_FIELD",
        message,
    }
}

fn given_twice(name: &str) -> RowError {
    let column = printable(name);
    let message =
        format!("\"{column}\" is given twice; give it once, in camelCase or in snake_case");
    RowError {
        column: Some(column),
        field: None,
        code: "GIVEN_TWICE",
        message,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(person: Value) -> PersonLine {
        PersonLine {
            person,
            twice: Vec::new(),
            has_exponent: false,
            unreadable: None,
        }
    }

    fn read(value: Value) -> (Vec<String>, Vec<&'static str>) {
        let Record { cells, faults, .. } = record(1, line(value), 100);
        let cells = cells.iter().map(|cell| match cell {
            Cell::Text(text) => text.reveal().clone(),
            Cell::Unusable { code, .. } => format!("<{code}>"),
        });
        (
            cells.filter(|cell| !cell.is_empty()).collect(),
            faults.iter().map(|fault| fault.code).collect(),
        )
    }

    #[test]
    fn integer_is_read_as_its_digits_and_other_numbers_are_rejected() {
        let number = |number: Value| read(json!({"documentNumber": number})).0.remove(0);
        assert_eq!(number(json!(79_123_456)), "79123456");
        assert_eq!(number(json!(0)), "0");
        assert_eq!(number(json!(79_123_456.0)), "79123456");
        assert_eq!(number(json!(1e15)), "1000000000000000");
        assert_eq!(number(json!(GREATEST_EXACT)), "9007199254740991");
        for rounded in [json!(GREATEST_EXACT + 1), json!(1e20), json!(1e300)] {
            assert_eq!(number(rounded), "<NUMBER_ROUNDED>");
        }
        for wrong in [
            json!(-5),
            json!(1.5),
            json!(true),
            json!(["1"]),
            json!({"a": 1}),
        ] {
            assert_eq!(number(wrong), "<WRONG_TYPE>");
        }
    }

    #[test]
    fn number_with_an_exponent_is_rejected_as_possibly_rounded() {
        let line = PersonLine {
            has_exponent: true,
            ..line(json!({"documentNumber": 7.912_35e7, "fullName": 5}))
        };
        let codes: Vec<_> = record(1, line, 100)
            .cells
            .iter()
            .filter_map(|cell| match cell {
                Cell::Unusable { code, message, .. } => Some((*code, message.contains("exponent"))),
                Cell::Text(_) => None,
            })
            .collect();
        assert_eq!(codes, [("NUMBER_ROUNDED", true)]);
    }

    #[test]
    fn element_that_cannot_be_read_is_an_error_of_its_row() {
        let line = PersonLine {
            unreadable: Some("is odd".to_owned()),
            ..line(Value::Null)
        };
        let faults = record(1, line, 100).faults;
        assert_eq!(faults.len(), 1);
        assert_eq!(
            (faults[0].code, faults[0].message.as_str()),
            ("UNREADABLE", "the element is odd")
        );
    }

    #[test]
    fn field_that_is_given_twice_is_an_error_of_the_row() {
        let line = PersonLine {
            twice: vec!["fullName".to_owned()],
            ..line(json!({"fullName": "Ada"}))
        };
        let fault = record(1, line, 100).faults.remove(0);
        assert_eq!(
            (fault.code, fault.column.as_deref()),
            ("GIVEN_TWICE", Some("fullName"))
        );
    }

    #[test]
    fn invalid_element_is_reported_as_errors_of_its_row() {
        assert_eq!(read(json!(7)), (vec![], vec!["WRONG_TYPE"]));
        assert_eq!(read(json!(null)), (vec![], vec!["WRONG_TYPE"]));
        assert_eq!(
            read(json!({"fullName": "Ada", "age": 36, "phone": "1"})),
            (
                vec!["Ada".to_owned()],
                vec!["UNKNOWN_FIELD", "UNKNOWN_FIELD"]
            )
        );
        assert_eq!(
            read(json!({"fullName": "Ada", "email": null})),
            (vec!["Ada".to_owned()], vec![])
        );
    }
}
