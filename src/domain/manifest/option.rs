//! What an issuer can set on a template, and which values it takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Bilingual;
use crate::domain::Personal;
use crate::domain::certificate::DesignRef;

/// The longest text where the option names no length, and the longest that it may name; characters.
pub(super) const DEFAULT_LENGTH: usize = 80;
pub(super) const MAX_LENGTH: usize = 300;

/// What kind of value an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OptionKind {
    /// `#rrggbb`.
    Colour,
    /// A line of text.
    Text,
    /// An uploaded picture.
    Image,
    /// One of a few words.
    Choice,
}

/// Something that an issuer can set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TemplateOption {
    /// Its name: a small letter, then letters and digits; at most 32.
    pub name: String,
    /// What it takes.
    pub kind: OptionKind,
    /// Its value where none is given; a picture has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What can be chosen, of a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// The most characters of a text; 80 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// Its name for people.
    pub title: Bilingual,
}

/// The value of an option. A text may name people, for example who signs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OptionValue {
    /// A colour, text or choice.
    Text(Personal<String>),
    /// An uploaded picture, pinned by its content.
    Image(DesignRef),
}

impl From<&str> for OptionValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned().into())
    }
}

/// Values by the options' names.
pub type OptionValues = BTreeMap<String, OptionValue>;

impl TemplateOption {
    /// The most characters, of a text.
    #[must_use]
    pub fn longest(&self) -> Option<usize> {
        (self.kind == OptionKind::Text).then(|| self.max_length.unwrap_or(DEFAULT_LENGTH))
    }

    /// Whether it takes the value.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence that begins with the option's name.
    pub fn check(&self, value: &OptionValue) -> Result<(), String> {
        match (self.kind, value) {
            (OptionKind::Image, OptionValue::Image(_)) => Ok(()),
            (OptionKind::Image, OptionValue::Text(_)) => {
                Err("takes the url of an uploaded design".to_owned())
            }
            (_, OptionValue::Image(_)) => Err("takes a text and no picture".to_owned()),
            (_, OptionValue::Text(text)) => self.check_text(text.reveal_str()),
        }
    }

    /// Whether it takes the text.
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
                    Err(format!("must have at most {most} characters, none of them a control character"))
                }
            }
            OptionKind::Image => Err("takes a picture and no text".to_owned()),
        }
    }
}

/// `#` and six hexadecimal digits.
fn is_colour(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}
