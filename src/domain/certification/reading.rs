//! Options for reading an uploaded file of people, chosen by the uploader.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Largest number of columns in a mapping.
pub const MAX_MAPPED: usize = 64;
/// Value of a mapping that skips a column; `null` means the same.
pub const IGNORE: &str = "ignore";
/// Value of [`Reading::sheets`] for every visible sheet with people.
pub const ALL_SHEETS: &str = "all";

/// Options for reading a file. They are stored with the import, so that the importer reads the file
/// the same way as the request did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reading {
    /// Label of the text's encoding, for CSV. Detected if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Field of each mapped header, by its name in the API. `None` skips the column.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mapping: BTreeMap<String, Option<String>>,
    /// Name of the sheet to read, or [`ALL_SHEETS`]. If absent, the first visible sheet with
    /// people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheets: Option<String>,
    /// True if hidden rows are read, too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hidden_rows: bool,
    /// Number of the header row, as the spreadsheet program shows it. Detected if absent.
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
