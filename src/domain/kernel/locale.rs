//! Languages of the program's own texts: certificates, mails and public pages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Language, written as `en` or `es` (ISO 639-1) in JSON, in URLs and in the database.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// Spanish.
    Es,
}

impl Locale {
    /// All languages, in the order in which users see them.
    pub const ALL: [Self; 2] = [Self::En, Self::Es];

    /// Returns the ISO 639-1 code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
        }
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Error: the text is not the code of a supported language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown locale: use en or es")]
pub struct UnknownLocale;

impl FromStr for Locale {
    type Err = UnknownLocale;

    /// Parses exactly `en` or `es`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|locale| locale.as_str() == text)
            .ok_or(UnknownLocale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locale_has_the_same_code_in_text_and_json() {
        for locale in Locale::ALL {
            let json = serde_json::to_string(&locale).expect("an enum serialises");
            assert_eq!(json, format!("\"{locale}\""));
            assert_eq!(
                serde_json::from_str::<Locale>(&json).expect("reads back"),
                locale
            );
            assert_eq!(locale.as_str().parse(), Ok(locale));
        }
    }

    #[test]
    fn other_languages_are_refused() {
        for text in ["", "EN", "fr", "en-GB", " es"] {
            assert_eq!(text.parse::<Locale>(), Err(UnknownLocale), "{text:?}");
        }
    }
}
