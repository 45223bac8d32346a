//! When mails may go out, as requests say it.

use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime, UtcOffset};
use utoipa::ToSchema;

use crate::domain::email::MailDelivery;
use crate::http::ApiError;

/// How far ahead a mail can be scheduled.
const MOST_AHEAD: Duration = Duration::days(366);
/// How long ago a time may be that counts as now: clocks differ, and requests take a while.
const MOST_LATE: Duration = Duration::minutes(5);

/// When mails may go out: `"immediate"`, `"held"` until they are released, or `{"at": …}`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(example = "immediate")]
pub enum Delivery {
    /// By themselves, as soon as the PDF is made.
    #[default]
    Immediate,
    /// When they are released, such as by `POST /jobs/process-pending`.
    Held,
    /// At this time (RFC 3339, at most 366 days ahead), or when they are released before.
    #[schema(value_type = String, format = DateTime)]
    At(String),
}

impl Delivery {
    /// From a field of a form: `immediate`, `held` or a time.
    #[must_use]
    pub fn of_field(text: &str) -> Self {
        match text {
            "immediate" => Self::Immediate,
            "held" => Self::Held,
            at => Self::At(at.to_owned()),
        }
    }

    /// As mails take it.
    ///
    /// # Errors
    /// It is not a time, or one that is past or too far ahead.
    pub fn checked(&self, now: OffsetDateTime) -> Result<MailDelivery, ApiError> {
        let text = match self {
            Self::Immediate => return Ok(MailDelivery::Immediate),
            Self::Held => return Ok(MailDelivery::Held),
            Self::At(text) => text,
        };
        let wrong = |problem: &str| ApiError::field("delivery.at", problem);
        let at = OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|_| wrong("give a time such as 2026-12-01T09:00:00Z (RFC 3339)"))?;
        if at < now - MOST_LATE {
            return Err(wrong("lies in the past; give a later time, or \"immediate\""));
        }
        if at > now + MOST_AHEAD {
            return Err(wrong("is more than 366 days ahead; give an earlier time"));
        }
        Ok(MailDelivery::At(at.to_offset(UtcOffset::UTC)))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-12-01 09:00 UTC);

    #[test]
    fn a_time_is_taken_in_any_zone_and_kept_in_utc() {
        let given: Delivery = serde_json::from_str(r#"{"at": "2026-12-01T10:30:00+01:00"}"#).unwrap();
        assert_eq!(given.checked(NOW).unwrap(), MailDelivery::At(datetime!(2026-12-01 09:30 UTC)));
        assert_eq!(Delivery::of_field("2026-12-01T10:30:00+01:00"), given);
        let held: Delivery = serde_json::from_str("\"held\"").unwrap();
        assert_eq!((held.checked(NOW).unwrap(), Delivery::of_field("held")), (MailDelivery::Held, held));
        assert_eq!(Delivery::of_field("immediate").checked(NOW).unwrap(), MailDelivery::Immediate);
    }

    #[test]
    fn a_time_that_cannot_be_meant_is_refused() {
        for (at, problem) in [
            ("tomorrow", "give a time"),
            ("2026-12-01", "give a time"),
            ("2026-12-01T08:54:59Z", "in the past"),
            ("2028-01-01T00:00:00Z", "366 days"),
            ("9999-12-31T23:59:59Z", "366 days"),
            ("0001-01-01T00:00:00Z", "in the past"),
        ] {
            let error = Delivery::At(at.to_owned()).checked(NOW).expect_err(at);
            assert!(
                error.details[0].starts_with("delivery.at: ") && error.details[0].contains(problem),
                "{at}"
            );
        }
        assert!(Delivery::At("2026-12-01T08:55:00Z".to_owned()).checked(NOW).is_ok());
    }
}
