//! Fields of an upload with options for reading its file.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::domain::certification::reading::{IGNORE, MAX_MAPPED, Reading};
use crate::http::ApiError;
use crate::http::protocol::extract::upload::Upload;
use crate::spreadsheet;
use crate::spreadsheet::Column;

/// Names of the fields.
pub(super) const FIELDS: [&str; 5] = ["mapping", "encoding", "sheets", "hiddenRows", "headerRow"];

/// Reads the fields.
///
/// # Errors
/// A field has an invalid value.
pub(super) fn reading(upload: &Upload) -> Result<Reading, ApiError> {
    let encoding = upload.text("encoding").map(known_encoding).transpose()?;
    let mapping = upload
        .text("mapping")
        .map(mapping)
        .transpose()?
        .unwrap_or_default();
    let hidden_rows = match upload.text("hiddenRows") {
        None | Some("skip") => false,
        Some("include") => true,
        Some(_) => {
            return Err(ApiError::wrong_type(
                "hiddenRows",
                "must be `include` or `skip`",
            ));
        }
    };
    let header_row = upload.parsed::<u32>("headerRow", "the number of a row, from 1")?;
    if header_row == Some(0) {
        return Err(ApiError::field(
            "headerRow",
            "must be the number of a row, from 1",
        ));
    }
    let sheets = upload.text("sheets").map(str::to_owned);
    Ok(Reading {
        encoding,
        mapping,
        sheets,
        hidden_rows,
        header_row,
    })
}

fn known_encoding(label: &str) -> Result<String, ApiError> {
    if spreadsheet::is_encoding(label) {
        return Ok(label.to_owned());
    }
    let known = "utf-8, windows-1252, macintosh, ibm850, windows-1251, shift_jis";
    Err(ApiError::field(
        "encoding",
        format!("is not a known encoding; give its label, such as {known}"),
    ))
}

/// Reads `{"header": "field"}`.
fn mapping(text: &str) -> Result<BTreeMap<String, Option<String>>, ApiError> {
    let wrong = |what: String| ApiError::field("mapping", what);
    let not_an_object = "must be a JSON object of headers and fields, such as \
                         {\"Dirección de correo\": \"email\"}";
    let Pairs(pairs) =
        serde_json::from_str(text).map_err(|_| ApiError::wrong_type("mapping", not_an_object))?;
    if pairs.len() > MAX_MAPPED {
        return Err(wrong(format!("names more than {MAX_MAPPED} columns")));
    }
    let mut mapping = BTreeMap::new();
    for (header, value) in pairs {
        let field = field(&header, &value).map_err(wrong)?;
        let shown = shown(&header);
        if mapping.insert(header, field).is_some() {
            return Err(wrong(format!(
                "names the column \"{shown}\" twice; keep one of the two"
            )));
        }
    }
    Ok(mapping)
}

/// Returns the field of a column, by its name in the API; `None` for a column that is not read.
fn field(header: &str, value: &Value) -> Result<Option<String>, String> {
    let header = shown(header);
    let known = || {
        format!(
            "known are {}, and {IGNORE}",
            Column::ALL.map(Column::name).join(", ")
        )
    };
    match value {
        Value::Null => Ok(None),
        Value::String(name) if name == IGNORE => Ok(None),
        Value::String(name) => match Column::of_written_name(name) {
            Some(column) => Ok(Some(column.name().to_owned())),
            None => Err(format!(
                "maps the column \"{header}\" to the unknown field \"{}\"; {}",
                shown(name),
                known()
            )),
        },
        _ => Err(format!(
            "maps the column \"{header}\" to something else than a field's name; {}",
            known()
        )),
    }
}

/// Returns a text of the request in the form for messages: at most 60 characters, without control
/// characters.
fn shown(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(60)
        .collect()
}

/// Members of a JSON object, including repeated names.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapping_accepts_only_known_fields() {
        let read =
            mapping(r#"{"Correo": "email", "Nota": null, "Otra": "ignore"}"#).expect("it is known");
        assert_eq!(read["Correo"].as_deref(), Some("email"));
        assert_eq!((&read["Nota"], &read["Otra"]), (&None, &None));
        let many: BTreeMap<String, &str> = (0..65).map(|n| (n.to_string(), "email")).collect();
        let many = serde_json::to_string(&many).expect("it is JSON");
        for wrong in ["", "[]", "{\"a\": 1}", "{\"a\": \"mail\"}", many.as_str()] {
            assert!(mapping(wrong).is_err(), "{wrong}");
        }
        let snake =
            mapping(r#"{"A": "full_name", "B": "second_last_name", "C": "certificate_id"}"#)
                .expect("known");
        let fields: Vec<_> = snake
            .values()
            .map(|field| field.as_deref().unwrap_or_default())
            .collect();
        assert_eq!(fields, ["fullName", "secondLastName", "certificateId"]);
        for (wrong, named) in [
            (
                r#"{"Correo": "mail"}"#,
                &["\"Correo\"", "\"mail\"", "email"][..],
            ),
            (r#"{"Correo": 7}"#, &["\"Correo\"", "email"]),
            (
                r#"{"Correo": "email", "Correo": "ignore"}"#,
                &["\"Correo\"", "twice"],
            ),
            (r#"{"Correo": "Full_Name"}"#, &["\"Full_Name\""]),
        ] {
            let error = mapping(wrong).expect_err(wrong);
            let message = format!("{error:?}").replace("\\\"", "\"");
            assert!(named.iter().all(|part| message.contains(part)), "{message}");
        }
        assert!(known_encoding("MacRoman").is_ok() && known_encoding("klingon").is_err());
    }
}
