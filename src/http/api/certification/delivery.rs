//! Delivery of mails, as given in requests.

use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime, UtcOffset};
use utoipa::ToSchema;

use crate::domain::certification::mail::MailDelivery;
use crate::http::ApiError;

/// Longest time ahead for which a mail can be scheduled.
const MOST_AHEAD: Duration = Duration::days(366);
/// Maximum age of a time that is still accepted, because clocks differ and requests take time.
const MOST_LATE: Duration = Duration::minutes(5);

const NOT_A_TIME: &str = "give a time such as 2026-12-01T09:00:00Z (RFC 3339)";

/// Delivery of mails: `"immediate"`, `"held"` until they are released, or `{"at": …}` for a time.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(example = "immediate")]
pub enum Delivery {
    /// Mails are sent as soon as the PDF exists.
    #[default]
    Immediate,
    /// Mails are sent when they are released, for example by `POST /jobs/process-pending`.
    Held,
    /// Mails are sent at this time (RFC 3339, at most 366 days ahead), or earlier if they are
    /// released before.
    #[schema(value_type = String, format = DateTime)]
    At(String),
}

impl Delivery {
    /// Parses a form field: `immediate`, `held` or a time. The time is not checked here.
    #[must_use]
    pub fn of_field(text: &str) -> Self {
        match text {
            "immediate" => Self::Immediate,
            "held" => Self::Held,
            at => Self::At(at.to_owned()),
        }
    }

    /// Checks the time and converts the requested delivery to that of a mail.
    ///
    /// # Errors
    /// 400 if the time is malformed; 422 if it is in the past or more than 366 days ahead.
    pub fn checked(&self, now: OffsetDateTime) -> Result<MailDelivery, ApiError> {
        let text = match self {
            Self::Immediate => return Ok(MailDelivery::Immediate),
            Self::Held => return Ok(MailDelivery::Held),
            Self::At(text) => text,
        };
        let wrong = |problem: &str| ApiError::field("delivery.at", problem);
        let at = OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|_| ApiError::wrong_type("delivery.at", NOT_A_TIME))?;
        if at < now - MOST_LATE {
            return Err(wrong(
                "lies in the past; give a later time, or \"immediate\"",
            ));
        }
        if at > now + MOST_AHEAD {
            return Err(wrong("is more than 366 days ahead; give an earlier time"));
        }
        let at = at.to_offset(UtcOffset::UTC);
        Ok(MailDelivery::At(at.truncate_to_microsecond()))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-12-01 09:00 UTC);

    #[test]
    fn a_time_is_taken_in_any_zone_and_kept_in_utc() {
        let given: Delivery =
            serde_json::from_str(r#"{"at": "2026-12-01T10:30:00+01:00"}"#).unwrap();
        assert_eq!(
            given.checked(NOW).unwrap(),
            MailDelivery::At(datetime!(2026-12-01 09:30 UTC))
        );
        assert_eq!(Delivery::of_field("2026-12-01T10:30:00+01:00"), given);
        let held: Delivery = serde_json::from_str("\"held\"").unwrap();
        assert_eq!(
            (held.checked(NOW).unwrap(), Delivery::of_field("held")),
            (MailDelivery::Held, held)
        );
        assert_eq!(
            Delivery::of_field("immediate").checked(NOW).unwrap(),
            MailDelivery::Immediate
        );
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
        assert!(
            Delivery::At("2026-12-01T08:55:00Z".to_owned())
                .checked(NOW)
                .is_ok()
        );
    }
}
