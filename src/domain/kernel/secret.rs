//! Secrets from the configuration. They can be used but not printed.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};

/// A password or key. It can be read from the configuration but not printed: `Debug`, `Display` and
/// `Serialize` show only a placeholder. Its memory is overwritten when it is dropped.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(SecretString);

impl Secret {
    /// Marks a text as secret.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into().into())
    }

    /// Returns the secret. Use it only where the secret is presented to its recipient.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns true if the text is empty. Most settings treat an empty secret as "not set".
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.reveal().is_empty()
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_hidden_in_every_output() {
        let secret: Secret = serde_json::from_str(r#""hunter2""#).expect("a string is a secret");
        assert_eq!(
            format!("{secret} {secret:?} {secret:#?}"),
            "… Secret(SecretBox<str>([REDACTED])) Secret(\n    SecretBox<str>([REDACTED]),\n)"
        );
        assert_eq!(
            serde_json::to_string(&secret).expect("a string"),
            r#""***""#
        );
        assert_eq!(secret.reveal(), "hunter2");
    }
}
