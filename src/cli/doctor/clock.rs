//! Comparison of a server's clock with this machine's.

use time::{Duration, OffsetDateTime};

use super::finding::Finding;
use crate::cli::moment;

/// Maximum harmless difference. Network delays cause some, and HTTP dates have whole seconds.
const GOOD: Duration = Duration::seconds(2);
/// Difference from which the check fails, because tokens and signed requests may be rejected.
const BAD: Duration = Duration::seconds(60);

/// Compares the time of a server with ours. `theirs` was read between `asked` and `answered`.
pub fn compare(
    check: &'static str,
    server: &str,
    theirs: OffsetDateTime,
    asked: OffsetDateTime,
    answered: OffsetDateTime,
) -> Finding {
    // The server read its clock at some time between `asked` and `answered`.
    let early = theirs - answered;
    let late = theirs - asked;
    let (difference, which) = if early > Duration::ZERO {
        (early, "ahead of")
    } else if late < Duration::ZERO {
        (-late, "behind")
    } else {
        return Finding::ok(
            check,
            format!("{server}'s clock agrees with this machine's"),
        );
    };
    let found = format!(
        "{server}'s clock is {} {which} this machine's",
        moment::in_words(difference)
    );
    let advice = "synchronize all machines with NTP: times in the log and of tokens are compared";
    match difference {
        difference if difference <= GOOD => Finding::ok(check, found),
        difference if difference < BAD => Finding::warning(check, found, advice),
        _ => Finding::failed(check, found, advice),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::finding::Level;
    use super::*;

    #[test]
    fn clock_difference_excludes_the_time_of_the_request() {
        let now = datetime!(2026-11-21 12:00 UTC);
        let level = |seconds| {
            let theirs = now + Duration::seconds(seconds);
            compare("clock", "it", theirs, now, now + Duration::seconds(5)).level
        };
        for (seconds, expected) in [
            (0, Level::Ok),
            (5, Level::Ok),
            (7, Level::Ok),
            (8, Level::Warning),
            (-3, Level::Warning),
            (65, Level::Failed),
            (-60, Level::Failed),
        ] {
            assert_eq!(level(seconds), expected, "{seconds}");
        }
        let ahead = compare("clock", "it", now + Duration::HOUR, now, now);
        assert_eq!(ahead.found, "it's clock is 1 h ahead of this machine's");
    }
}
