//! Options of a template that an issuer can set, and their values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Bilingual;
use crate::domain::Personal;
use crate::domain::certification::certificate::DesignRef;

/// Maximum length of a text if `max_length` is absent, in characters.
pub(super) const DEFAULT_LENGTH: usize = 80;
/// Maximum value of `max_length`, in characters.
pub(super) const MAX_LENGTH: usize = 300;

/// Kind of an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OptionKind {
    /// A colour as `#rrggbb`.
    Colour,
    /// One line of text.
    Text,
    /// An uploaded image.
    Image,
    /// One value from a fixed list.
    Choice,
}

/// Option that an issuer can set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TemplateOption {
    /// Name of the option: a lower-case letter, then letters and digits; at most 32 characters.
    pub name: String,
    /// Kind of the value.
    pub kind: OptionKind,
    /// Value that is used if the issuer sets none. An image has no default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Allowed values of an option of the kind choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Maximum length of a text, in characters. If absent, it is 80.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// Title that users see.
    pub title: Bilingual,
}

/// Value of an option. A text may contain names of people, for example of the signatory.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OptionValue {
    /// A colour, text or choice.
    Text(Personal<String>),
    /// An uploaded image, identified by its digest.
    Image(DesignRef),
}

impl From<&str> for OptionValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned().into())
    }
}

/// Values of options, by name.
pub type OptionValues = BTreeMap<String, OptionValue>;

impl TemplateOption {
    /// Returns the maximum length of a text option in characters, or `None` for other kinds.
    #[must_use]
    pub fn longest(&self) -> Option<usize> {
        (self.kind == OptionKind::Text).then(|| self.max_length.unwrap_or(DEFAULT_LENGTH))
    }

    /// Checks that the option accepts `value`.
    ///
    /// # Errors
    /// The problem. It follows the option's name in a sentence.
    pub fn check(&self, value: &OptionValue) -> Result<(), String> {
        match (self.kind, value) {
            (OptionKind::Image, OptionValue::Image(_)) => Ok(()),
            (OptionKind::Image, OptionValue::Text(_)) => {
                Err("takes the url of an uploaded design".to_owned())
            }
            (_, OptionValue::Image(_)) => Err("takes a text, not a picture".to_owned()),
            (_, OptionValue::Text(text)) => self.check_text(text.reveal_str()),
        }
    }

    /// Checks that the option accepts `text`.
    ///
    /// # Errors
    /// See [`Self::check`].
    pub fn check_text(&self, text: &str) -> Result<(), String> {
        match self.kind {
            OptionKind::Colour if is_colour(text) => Ok(()),
            OptionKind::Colour => Err("must be a colour such as #1a2b3c".to_owned()),
            OptionKind::Choice if self.choices.iter().any(|choice| choice == text) => Ok(()),
            OptionKind::Choice => Err(format!("must be one of {}", self.choices.join(", "))),
            OptionKind::Text => {
                let most = self.max_length.unwrap_or(DEFAULT_LENGTH);
                if text.chars().count() <= most && !text.chars().any(char::is_control) {
                    Ok(())
                } else {
                    Err(format!(
                        "must have at most {most} characters, none of them a control character"
                    ))
                }
            }
            OptionKind::Image => Err("takes a picture, not a text".to_owned()),
        }
    }
}

/// Returns true for `#` and six hexadecimal digits.
fn is_colour(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}
