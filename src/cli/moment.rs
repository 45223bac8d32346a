//! Times on the command line: RFC 3339, or a duration before now.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// Parses `2026-11-21T12:00:00Z` or a duration before `now`, such as `90s`, `2h`, `1d12h` or `2w`.
///
/// # Errors
/// Fails if the text is neither. The message gives examples.
pub fn parse(text: &str, now: OffsetDateTime) -> Result<OffsetDateTime, String> {
    let wrong = || {
        "give a time such as 2026-11-21T12:00:00Z, or a duration before now, such as 90s, 2h or 1d12h"
            .to_owned()
    };
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(time);
    }
    ago(text)
        .and_then(|ago| now.checked_sub(ago))
        .ok_or_else(wrong)
}

/// Same as [`parse`], relative to the current time. A value parser for clap.
///
/// # Errors
/// See [`parse`].
pub fn parse_now(text: &str) -> Result<OffsetDateTime, String> {
    parse(text, OffsetDateTime::now_utc())
}

fn ago(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(Duration::seconds(number.checked_mul(seconds)?))?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then_some(total)
}

/// Formats a time in UTC as RFC 3339, for logs and reports.
#[must_use]
pub fn shown(time: OffsetDateTime) -> String {
    // proof: RFC 3339 can express every time of the years 0–9999, and clocks return no other.
    time.to_offset(time::UtcOffset::UTC)
        .format(&Rfc3339)
        .unwrap_or_default()
}

/// Formats a time for people to read: UTC, to the millisecond, with a fixed width.
#[must_use]
pub fn brief(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    let (hour, minute, second, millisecond) = time.time().as_hms_milli();
    format!(
        "{}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z",
        time.date()
    )
}

/// Formats a duration with at most two units, such as `3 h` or `2 d 4 h`.
#[must_use]
pub fn in_words(length: Duration) -> String {
    let seconds = length.whole_seconds().unsigned_abs();
    let two = |a: u64, a_unit: &str, b: u64, b_unit: &str| {
        if b == 0 {
            format!("{a} {a_unit}")
        } else {
            format!("{a} {a_unit} {b} {b_unit}")
        }
    };
    match seconds {
        0 => format!("{} ms", length.whole_milliseconds().unsigned_abs()),
        1..60 => format!("{seconds} s"),
        60..3_600 => two(seconds / 60, "min", 0, ""),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    #[test]
    fn time_or_duration_before_now_is_parsed() {
        assert_eq!(
            parse("2026-11-20T10:00:00+02:00", NOW),
            Ok(datetime!(2026-11-20 08:00 UTC))
        );
        assert_eq!(parse("2h", NOW), Ok(datetime!(2026-11-21 10:00 UTC)));
        assert_eq!(
            parse("1d12h30m5s", NOW),
            Ok(datetime!(2026-11-19 23:29:55 UTC))
        );
        assert_eq!(parse("1w", NOW), Ok(datetime!(2026-11-14 12:00 UTC)));
        for wrong in [
            "",
            "h",
            "2",
            "2 h",
            "-2h",
            "2y",
            "yesterday",
            "99999999999999999999s",
            "9223372036854775807w",
        ] {
            assert!(
                parse(wrong, NOW).is_err_and(|text| text.contains("2026-11-21T12:00:00Z")),
                "{wrong}"
            );
        }
    }

    #[test]
    fn times_are_shown_in_utc() {
        let time = datetime!(2026-11-21 14:00:00.5 +2);
        assert_eq!(
            (shown(time).as_str(), brief(time).as_str()),
            ("2026-11-21T12:00:00.5Z", "2026-11-21T12:00:00.500Z")
        );
    }

    #[test]
    fn durations_have_at_most_two_units() {
        let output = |seconds| in_words(Duration::seconds(seconds));
        assert_eq!(in_words(Duration::milliseconds(40)), "40 ms");
        assert_eq!(
            [59, 60, 3_600, 11_000, 86_400, 100_000].map(output),
            ["59 s", "1 min", "1 h", "3 h 3 min", "1 d", "1 d 3 h"]
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC*") {
            let _ = parse(&text, NOW);
        }
    }
}
