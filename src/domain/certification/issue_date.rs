//! Issue date: the calendar date on a certificate, and the time zone that defines "today".

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike as _, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::macros::{date, format_description};
use time::{Date, Duration, OffsetDateTime};

/// Earliest allowed issue date.
const EARLIEST: Date = date!(1900 - 01 - 01);
/// Largest number of days from today to an issue date.
const MAX_DAYS_AHEAD: i64 = 366;

/// Time zone of the IANA database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeZone(Tz);

/// Error: the text is not the name of a time zone in the IANA database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a time zone; give a name of the IANA database, such as America/Bogota")]
pub struct UnknownTimeZone;

impl TimeZone {
    /// Returns the calendar date at `moment` in this time zone.
    #[must_use]
    pub fn date_at(self, moment: OffsetDateTime) -> Date {
        let local = DateTime::<Utc>::from_timestamp(moment.unix_timestamp(), 0)
            .map(|utc| utc.with_timezone(&self.0).date_naive())
            .and_then(|day| {
                let ordinal = u16::try_from(day.ordinal()).ok()?;
                Date::from_ordinal_date(day.year(), ordinal).ok()
            });
        local.unwrap_or_else(|| moment.date())
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl FromStr for TimeZone {
    type Err = UnknownTimeZone;

    fn from_str(name: &str) -> Result<Self, UnknownTimeZone> {
        name.parse().map(Self).map_err(|_| UnknownTimeZone)
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl Serialize for TimeZone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Parses an issue date such as `2026-11-20`.
///
/// # Errors
/// The text is not a calendar date. The message continues a sentence that begins with the field's
/// name.
pub fn parse(text: &str) -> Result<Date, &'static str> {
    let form = format_description!("[year]-[month]-[day]");
    Date::parse(text.trim(), form)
        .map_err(|_| "is not a calendar date; give one such as 2026-11-20")
}

/// Rejects an issue date that is out of range.
///
/// # Errors
/// The date is before 1900 or more than 366 days after `today`. The message continues a sentence
/// that begins with the field's name.
pub fn check(date: Date, today: Date) -> Result<(), String> {
    let latest = today
        .checked_add(Duration::days(MAX_DAYS_AHEAD))
        .unwrap_or(Date::MAX);
    if date < EARLIEST || date > latest {
        return Err(format!(
            "is out of range; give a date from {EARLIEST} to {latest}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const TODAY: Date = date!(2026 - 11 - 29);

    fn parse(text: &str, today: Date) -> Result<Date, String> {
        let date = super::parse(text)?;
        check(date, today)?;
        Ok(date)
    }

    #[test]
    fn today_is_the_date_of_the_time_zone() {
        let evening_in_bogota = datetime!(2026-11-30 02:30 UTC);
        for (zone, date) in [
            ("UTC", date!(2026 - 11 - 30)),
            ("America/Bogota", date!(2026 - 11 - 29)),
            ("Pacific/Kiritimati", date!(2026 - 11 - 30)),
            ("Asia/Kathmandu", date!(2026 - 11 - 30)),
        ] {
            assert_eq!(
                zone.parse::<TimeZone>()
                    .expect("a zone")
                    .date_at(evening_in_bogota),
                date,
                "{zone}"
            );
        }
        let new_year = datetime!(2026-12-31 23:30 UTC);
        assert_eq!(
            "Europe/Madrid"
                .parse::<TimeZone>()
                .unwrap()
                .date_at(new_year),
            date!(2027 - 01 - 01)
        );
        // Daylight saving time: 23:30 UTC is the next day in summer, not in winter.
        let london: TimeZone = "Europe/London".parse().unwrap();
        assert_eq!(
            london.date_at(datetime!(2026-07-01 23:30 UTC)),
            date!(2026 - 07 - 02)
        );
        assert_eq!(
            london.date_at(datetime!(2026-12-01 23:30 UTC)),
            date!(2026 - 12 - 01)
        );
    }

    #[test]
    fn unknown_time_zones_are_rejected() {
        for name in ["", "Bogota", "UTC+5", "America/Bogotá", "../etc/passwd"] {
            assert_eq!(name.parse::<TimeZone>(), Err(UnknownTimeZone), "{name}");
        }
        assert_eq!(TimeZone::default().to_string(), "UTC");
    }

    #[test]
    fn plausible_dates_are_accepted() {
        for (text, date) in [
            ("2026-11-20", date!(2026 - 11 - 20)),
            (" 2026-11-29 ", TODAY),
            ("2024-02-29", date!(2024 - 02 - 29)),
            ("1900-01-01", EARLIEST),
            ("2027-11-30", date!(2027 - 11 - 30)),
        ] {
            assert_eq!(parse(text, TODAY), Ok(date), "{text}");
        }
    }

    #[test]
    fn invalid_or_implausible_dates_are_rejected() {
        for text in [
            "",
            "20-11-2026",
            "2026-02-29",
            "2026-13-01",
            "2026-11-20T10:00:00Z",
            "tomorrow",
            "2026-1-2",
        ] {
            assert!(
                parse(text, TODAY)
                    .expect_err(text)
                    .contains("calendar date"),
                "{text}"
            );
        }
        for text in ["1899-12-31", "2027-12-01", "9999-12-31", "0026-11-20"] {
            assert!(
                parse(text, TODAY)
                    .expect_err(text)
                    .contains("1900-01-01 to 2027-11-30"),
                "{text}"
            );
        }
    }
}
