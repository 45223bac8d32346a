//! Delivery of a mail: when its first attempt may start.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Time from which the first attempt to send a mail may start: `"immediate"`, `"held"` or `{"at":
/// "2026-12-01T09:00:00Z"}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailDelivery {
    /// Immediately.
    #[default]
    Immediate,
    /// After a user releases the mail.
    Held,
    /// At this time (RFC 3339), or earlier if a user releases the mail.
    At(#[serde(with = "time::serde::rfc3339")] OffsetDateTime),
}

impl MailDelivery {
    /// Returns true for immediate delivery, the default.
    #[must_use]
    pub const fn is_immediate(&self) -> bool {
        matches!(self, Self::Immediate)
    }

    /// Returns the time if the delivery is scheduled.
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
    fn delivery_is_serialized_as_a_word_or_a_time() {
        for (delivery, json) in [
            (MailDelivery::Immediate, r#""immediate""#),
            (MailDelivery::Held, r#""held""#),
            (
                MailDelivery::At(datetime!(2026-12-01 09:00 UTC)),
                r#"{"at":"2026-12-01T09:00:00Z"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&delivery).expect("serialises"), json);
            assert_eq!(
                serde_json::from_str::<MailDelivery>(json).expect("is one"),
                delivery
            );
        }
        for bad in [
            r#""later""#,
            r#"{"at":"tomorrow"}"#,
            r#"{"on":"2026-12-01T09:00:00Z"}"#,
            "null",
            "{}",
        ] {
            assert!(serde_json::from_str::<MailDelivery>(bad).is_err(), "{bad}");
        }
    }
}
