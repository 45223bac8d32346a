//! Fields of an upload that say how its file is to be read.

use std::collections::BTreeMap;

use crate::domain::reading::{IGNORE, MAX_MAPPED, Reading};
use crate::http::ApiError;
use crate::http::extract::upload::Upload;
use crate::sheet::{self, Column};

/// Names of the fields.
pub(super) const FIELDS: [&str; 5] = ["mapping", "encoding", "sheets", "hiddenRows", "headerRow"];

/// Reads the fields.
///
/// # Errors
/// A field has a value that it can't take.
pub(super) fn reading(upload: &Upload) -> Result<Reading, ApiError> {
    let encoding = upload.text("encoding").map(known_encoding).transpose()?;
    let mapping = upload.text("mapping").map(mapping).transpose()?.unwrap_or_default();
    let hidden_rows = match upload.text("hiddenRows") {
        None | Some("skip") => false,
        Some("include") => true,
        Some(_) => return Err(ApiError::field("hiddenRows", "must be `include` or `skip`")),
    };
    let header_row = upload.parsed::<u32>("headerRow", "the number of a row, from 1")?;
    if header_row == Some(0) {
        return Err(ApiError::field("headerRow", "must be the number of a row, from 1"));
    }
    let sheets = upload.text("sheets").map(str::to_owned);
    Ok(Reading { encoding, mapping, sheets, hidden_rows, header_row })
}

fn known_encoding(label: &str) -> Result<String, ApiError> {
    if sheet::is_encoding(label) {
        return Ok(label.to_owned());
    }
    let known = "utf-8, windows-1252, macintosh, ibm850, windows-1251, shift_jis";
    Err(ApiError::field("encoding", format!("is not a known encoding; give its label, such as {known}")))
}

/// Reads `{"header": "field"}`.
fn mapping(text: &str) -> Result<BTreeMap<String, Option<String>>, ApiError> {
    let wrong = |what: String| ApiError::field("mapping", what);
    let fields = || Column::ALL.map(Column::name).join(", ");
    let mapping: BTreeMap<String, Option<String>> = serde_json::from_str(text).map_err(|_| {
        wrong(
            "must be a JSON object of headers and fields, such as {\"Dirección de correo\": \"email\"}"
                .to_owned(),
        )
    })?;
    if mapping.len() > MAX_MAPPED {
        return Err(wrong(format!("names more than {MAX_MAPPED} columns")));
    }
    let field = |(header, field): (String, Option<String>)| match field.as_deref() {
        None | Some(IGNORE) => Ok((header, None)),
        Some(name) if Column::of_name(name).is_some() => Ok((header, field)),
        Some(_) => {
            let known = fields();
            Err(wrong(format!("has an unknown field for a column; known are {known}, and {IGNORE}")))
        }
    };
    mapping.into_iter().map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_names_known_fields() {
        let read = mapping(r#"{"Correo": "email", "Nota": null, "Otra": "ignore"}"#).expect("it is known");
        assert_eq!(read["Correo"].as_deref(), Some("email"));
        assert_eq!((&read["Nota"], &read["Otra"]), (&None, &None));
        let many: BTreeMap<String, &str> = (0..65).map(|n| (n.to_string(), "email")).collect();
        let many = serde_json::to_string(&many).expect("it is JSON");
        for wrong in ["", "[]", "{\"a\": 1}", "{\"a\": \"mail\"}", many.as_str()] {
            assert!(mapping(wrong).is_err(), "{wrong}");
        }
        assert!(known_encoding("MacRoman").is_ok() && known_encoding("klingon").is_err());
    }
}
