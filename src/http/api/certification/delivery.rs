//! Delivery of mails, in the form in which clients send it.

use serde::{Deserialize, Serialize};
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime, UtcOffset};
use utoipa::ToSchema;

use crate::domain::certification::issue_date::TimeZone;
use crate::domain::certification::mail::MailDelivery;
use crate::http::{ApiError, HttpState};

/// Local time, with or without seconds.
const LOCAL: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute][optional [:[second]]]");
/// Longest time ahead for which a mail can be scheduled.
const MOST_AHEAD: Duration = Duration::days(366);
/// Largest age of a time that is still accepted. Clocks differ, and requests take time.
const MOST_LATE: Duration = Duration::minutes(5);

/// Delivery of mails: `"immediate"`, `"held"` until they are released, or `{"at": …}` for a time.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(example = "immediate")]
pub enum Delivery {
    /// Mails are sent as soon as the PDF exists.
    #[default]
    Immediate,
    /// Mails wait until they are released, for example by `POST /jobs/process-pending`.
    Held,
    /// Mails are sent at this time, at most 366 days ahead, or earlier if they are released before.
    /// A time without an offset, such as `2026-12-01T09:00`, is local time in the zone of the setting
    /// `certificates.time_zone`. If a clock change skips that time, the offset before the change
    /// applies, so 02:30 becomes 03:30. If it occurs twice, the first one is used.
    #[schema(value_type = String, examples("2026-12-01T09:00:00Z", "2026-12-01T09:00"))]
    At(String),
}

impl Delivery {
    /// Parses a form field: `immediate`, `held` or a time. Does not check the time.
    #[must_use]
    pub fn of_field(text: &str) -> Self {
        match text {
            "immediate" => Self::Immediate,
            "held" => Self::Held,
            at => Self::At(at.to_owned()),
        }
    }

    /// Checks the time, and converts the requested delivery to the delivery of a mail.
    ///
    /// # Errors
    /// 400 if the time is malformed; 422 if it is in the past or more than 366 days ahead.
    pub fn checked(&self, http: &HttpState) -> Result<MailDelivery, ApiError> {
        self.checked_at(http.now(), http.time_zone)
    }

    /// Like [`Self::checked`]. A time without an offset is local time in `zone`.
    fn checked_at(&self, now: OffsetDateTime, zone: TimeZone) -> Result<MailDelivery, ApiError> {
        let text = match self {
            Self::Immediate => return Ok(MailDelivery::Immediate),
            Self::Held => return Ok(MailDelivery::Held),
            Self::At(text) => text,
        };
        let wrong = |problem: &str| ApiError::field("delivery.at", problem);
        let local = || zone.moment_of(PrimitiveDateTime::parse(text, LOCAL).ok()?);
        let at = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(local);
        let at = at.ok_or_else(|| {
            let problem = format!(
                "give a time such as 2026-12-01T09:00:00Z, or 2026-12-01T09:00 for local time in {zone}"
            );
            ApiError::wrong_type("delivery.at", problem)
        })?;
        if at < now - MOST_LATE {
            return Err(wrong("is in the past; give a later time, or \"immediate\""));
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
    fn delivery_time_in_any_zone_is_converted_to_utc() {
        let given: Delivery =
            serde_json::from_str(r#"{"at": "2026-12-01T10:30:00+01:00"}"#).unwrap();
        assert_eq!(
            given.checked_at(NOW, TimeZone::default()).unwrap(),
            MailDelivery::At(datetime!(2026-12-01 09:30 UTC))
        );
        assert_eq!(Delivery::of_field("2026-12-01T10:30:00+01:00"), given);
        let held: Delivery = serde_json::from_str("\"held\"").unwrap();
        assert_eq!(
            (
                held.checked_at(NOW, TimeZone::default()).unwrap(),
                Delivery::of_field("held")
            ),
            (MailDelivery::Held, held)
        );
        assert_eq!(
            Delivery::of_field("immediate")
                .checked_at(NOW, TimeZone::default())
                .unwrap(),
            MailDelivery::Immediate
        );
    }

    #[test]
    fn time_without_an_offset_is_local() {
        let bogota: TimeZone = "America/Bogota".parse().unwrap();
        for local in ["2026-12-01T09:30", "2026-12-01T09:30:00"] {
            let at = Delivery::At(local.to_owned());
            let expected = MailDelivery::At(datetime!(2026-12-01 14:30 UTC));
            assert_eq!(at.checked_at(NOW, bogota).unwrap(), expected);
        }
        let problem = Delivery::At("2026-12-01 09:30".to_owned()).checked_at(NOW, bogota);
        assert!(problem.unwrap_err().details[0].ends_with("for local time in America/Bogota"));
    }

    #[test]
    fn invalid_past_or_too_distant_delivery_time_is_rejected() {
        for (at, problem) in [
            ("tomorrow", "give a time"),
            ("2026-12-01", "give a time"),
            ("2026-12-01T08:54:59Z", "in the past"),
            ("2028-01-01T00:00:00Z", "366 days"),
            ("9999-12-31T23:59:59Z", "366 days"),
            ("0001-01-01T00:00:00Z", "in the past"),
        ] {
            let error = Delivery::At(at.to_owned())
                .checked_at(NOW, TimeZone::default())
                .expect_err(at);
            assert!(
                error.details[0].starts_with("delivery.at: ") && error.details[0].contains(problem),
                "{at}"
            );
        }
        assert!(
            Delivery::At("2026-12-01T08:55:00Z".to_owned())
                .checked_at(NOW, TimeZone::default())
                .is_ok()
        );
    }
}
