//! When a mail's first try may begin.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// When a mail's first try may begin: `"immediate"`, `"held"` or `{"at": "2026-12-01T09:00:00Z"}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailDelivery {
    /// At once.
    #[default]
    Immediate,
    /// When somebody releases it.
    Held,
    /// At this time (RFC 3339), or when somebody releases it before.
    At(#[serde(with = "time::serde::rfc3339")] OffsetDateTime),
}

impl MailDelivery {
    /// Whether it is what a mail has that says nothing.
    #[must_use]
    pub const fn is_immediate(&self) -> bool {
        matches!(self, Self::Immediate)
    }

    /// The time that it waits for, if it waits for one.
    #[must_use]
    pub const fn due(self) -> Option<OffsetDateTime> {
        match self {
            Self::At(at) => Some(at),
            Self::Immediate | Self::Held => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn it_is_a_word_or_a_time() {
        for (delivery, json) in [
            (MailDelivery::Immediate, r#""immediate""#),
            (MailDelivery::Held, r#""held""#),
            (MailDelivery::At(datetime!(2026-12-01 09:00 UTC)), r#"{"at":"2026-12-01T09:00:00Z"}"#),
        ] {
            assert_eq!(serde_json::to_string(&delivery).expect("serialises"), json);
            assert_eq!(serde_json::from_str::<MailDelivery>(json).expect("is one"), delivery);
        }
        for bad in [r#""later""#, r#"{"at":"tomorrow"}"#, r#"{"on":"2026-12-01T09:00:00Z"}"#, "null", "{}"] {
            assert!(serde_json::from_str::<MailDelivery>(bad).is_err(), "{bad}");
        }
    }
}
