//! Options with which an uploaded file of people is read. The uploader chooses them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Maximum number of columns in a mapping.
pub const MAX_MAPPED: usize = 64;
/// Value in a mapping that skips the column. `null` has the same meaning.
pub const IGNORE: &str = "ignore";
/// Value of [`Reading::sheets`] that selects all visible sheets with people.
pub const ALL_SHEETS: &str = "all";

/// Options for reading a file. They are stored with the import, so that the importer reads the file
/// in the same way as the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reading {
    /// Label of the encoding of a CSV file. If absent, the encoding is detected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Field of each mapped header, with its name in the API. `None` skips the column.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mapping: BTreeMap<String, Option<String>>,
    /// Name of the sheet to read, or [`ALL_SHEETS`]. If absent, the first visible sheet with people
    /// is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheets: Option<String>,
    /// True if hidden rows are also read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hidden_rows: bool,
    /// Number of the header row, as a spreadsheet program shows it. If absent, the header row is
    /// detected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_row: Option<u32>,
}

impl Reading {
    /// Returns true if no option is set.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_survive_serialization_and_defaults_are_omitted() {
        let chosen = Reading {
            encoding: Some("macintosh".to_owned()),
            mapping: [
                ("Correo".to_owned(), Some("email".to_owned())),
                ("X".to_owned(), None),
            ]
            .into(),
            sheets: Some(ALL_SHEETS.to_owned()),
            hidden_rows: true,
            header_row: Some(3),
        };
        let stored = serde_json::to_string(&chosen).expect("it is JSON");
        assert_eq!(
            serde_json::from_str::<Reading>(&stored).expect("it is read again"),
            chosen
        );
        assert_eq!(
            serde_json::to_string(&Reading::default()).expect("it is JSON"),
            "{}"
        );
        assert!(Reading::default().is_default() && !chosen.is_default());
    }
}
