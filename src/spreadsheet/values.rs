//! Conversion of typed spreadsheet cells (numbers, dates, booleans, errors) to a text cell or an
//! unusable cell.

use time::macros::date;
use time::{Date, Duration};

use super::cell::Cell;
use super::number_format::{NumberFormat, in_places};

/// Smallest integer with more than 15 digits. Spreadsheet programs keep only 15 digits.
const FIRST_ROUNDED: f64 = 1e15;
/// Serial number of the day after 9999-12-31 in the 1900 date system. Spreadsheet programs can't
/// show later days.
const AFTER_LAST_DAY: f64 = 2_958_466.0;
/// Number of days from the start of the 1900 date system to the start of the 1904 date system.
const FROM_1900_TO_1904: f64 = 1_462.0;
const SECONDS_A_DAY: f64 = 86_400.0;

/// Converts a number to the text that its cell shows. Digits are written into the places of the
/// format. Dates and durations give an unusable cell; dates are written as ISO 8601. Other numbers
/// are written without an exponent and without a trailing `.0`.
pub(super) fn number(number: f64, format: &NumberFormat, is_1904: bool) -> Cell {
    match format {
        NumberFormat::Date => date_text(number, is_1904).map_or_else(invalid_date, date),
        NumberFormat::Duration => duration_text(number).map_or_else(invalid_date, date),
        NumberFormat::Places(places)
            if number.fract() == 0.0 && (0.0..FIRST_ROUNDED).contains(&number) =>
        {
            text(in_places(&format!("{}", number + 0.0), places))
        }
        NumberFormat::Sections(_) => self::number(number, format.section(number), is_1904),
        NumberFormat::Places(_) | NumberFormat::Plain => plain(number),
    }
}

/// Returns an unusable cell for a date or time. No field accepts dates: spreadsheet programs
/// convert every input that looks like a date, for example a document number.
pub(super) fn date(shown: impl Into<String>) -> Cell {
    Cell::unusable(
        shown,
        "DATE_CELL",
        "is a date or time: the spreadsheet program has converted the typed text; format the column as text and \
         type it again",
    )
}

/// Returns an unusable cell for a formula that was never calculated.
pub(super) fn not_calculated() -> Cell {
    Cell::unusable(
        "=?",
        "NOT_CALCULATED",
        "is a formula that was never calculated; open the file in a spreadsheet program, save it and upload the saved file",
    )
}

fn plain(number: f64) -> Cell {
    if number.abs() >= FIRST_ROUNDED || !number.is_finite() {
        return Cell::unusable(
            format!("{number}"),
            "NUMBER_ROUNDED",
            "is a number with more than 15 digits, which the spreadsheet program has rounded; format the column as \
             text and type it again",
        );
    }
    // Adding zero turns -0 into 0. `Display` never writes an exponent.
    text(format!("{}", number + 0.0))
}

/// Returns an unusable cell for a TRUE/FALSE cell.
pub(super) fn truth(is_true: bool) -> Cell {
    let shown = if is_true { "TRUE" } else { "FALSE" };
    Cell::unusable(
        shown,
        "BOOLEAN_CELL",
        "is a TRUE/FALSE cell; write it as text",
    )
}

/// Returns an unusable cell for a failed formula. `shown` is the error that the program shows.
pub(super) fn error(shown: impl Into<String>) -> Cell {
    Cell::unusable(
        shown,
        "ERROR_CELL",
        "is a formula that failed; correct the formula or write the value",
    )
}

fn text(text: String) -> Cell {
    Cell::Text(text.into())
}

fn invalid_date() -> Cell {
    Cell::unusable(
        "########",
        "INVALID_DATE",
        "is a date that spreadsheet programs can't show; write it as text",
    )
}

/// Formats a day as `2025-10-13`, a time of day as `13:45:00`, and both together as
/// `2025-10-13T13:45:00`.
fn date_text(serial: f64, is_1904: bool) -> Option<String> {
    let last = if is_1904 {
        AFTER_LAST_DAY - FROM_1900_TO_1904
    } else {
        AFTER_LAST_DAY
    };
    // Rounded to seconds first, so that 23:59:59.9999 is the next day.
    let seconds = (serial * SECONDS_A_DAY).round();
    if !(0.0..last * SECONDS_A_DAY).contains(&seconds) {
        return None;
    }
    let seconds = seconds as u64; // proof: within the range just checked
    let days = seconds / 86_400;
    let second = seconds % 86_400;
    let time = format!(
        "{:02}:{:02}:{:02}",
        second / 3_600,
        second / 60 % 60,
        second % 60
    );
    if days == 0 && !is_1904 {
        return Some(time);
    }
    let day = day_text(days, is_1904)?;
    Some(if second == 0 {
        day
    } else {
        format!("{day}T{time}")
    })
}

fn day_text(days: u64, is_1904: bool) -> Option<String> {
    let from: Date = match days {
        _ if is_1904 => date!(1904 - 01 - 01),
        // 1900 was not a leap year. Lotus 1-2-3 treated it as one, and later programs copied this.
        60 => return Some("1900-02-29".to_owned()),
        0..60 => date!(1899 - 12 - 31),
        _ => date!(1899 - 12 - 30),
    };
    let day = from.checked_add(Duration::days(i64::try_from(days).ok()?))?;
    Some(format!(
        "{:04}-{:02}-{:02}",
        day.year(),
        u8::from(day.month()),
        day.day()
    ))
}

/// Formats elapsed time, for example as `36:30:00`.
fn duration_text(days: f64) -> Option<String> {
    let seconds = (days * SECONDS_A_DAY).round();
    if !(0.0..AFTER_LAST_DAY * SECONDS_A_DAY).contains(&seconds) {
        return None;
    }
    let seconds = seconds as u64; // proof: within the range just checked
    Some(format!(
        "{}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(value: f64, format: &NumberFormat, is_1904: bool) -> String {
        match number(value, format, is_1904) {
            Cell::Text(text) => text.into_revealed(),
            Cell::Unusable {
                shown,
                code: "DATE_CELL",
                ..
            } => shown.into_revealed(),
            Cell::Unusable { code, .. } => code.to_owned(),
        }
    }

    #[test]
    fn numbers_are_formatted_without_an_exponent() {
        for (number, text) in [
            (12_345_678.0, "12345678"),
            (1.2e10, "12000000000"),
            (999_999_999_999_999.0, "999999999999999"),
            (-0.0, "0"),
            (0.5, "0.5"),
            (1e-7, "0.0000001"),
            (1e15, "NUMBER_ROUNDED"),
            (f64::INFINITY, "NUMBER_ROUNDED"),
        ] {
            assert_eq!(shown(number, &NumberFormat::Plain, false), text);
        }
    }

    #[test]
    fn leading_zeros_of_the_number_format_are_kept() {
        let eight = NumberFormat::of_code("00000000");
        assert_eq!(shown(1_234.0, &eight, false), "00001234");
        assert_eq!(shown(-0.0, &eight, false), "00000000");
        for odd in [-5.0, 1.5] {
            assert_eq!(
                shown(odd, &eight, false),
                shown(odd, &NumberFormat::Plain, false)
            );
        }
        assert_eq!(shown(1e15, &eight, false), "NUMBER_ROUNDED");
    }

    #[test]
    fn dates_are_converted_in_both_date_systems() {
        for (serial, in_1900, in_1904) in [
            (45_943.0, "2025-10-13", "2029-10-14"),
            (45_943.5, "2025-10-13T12:00:00", "2029-10-14T12:00:00"),
            (1.0, "1900-01-01", "1904-01-02"),
            (59.0, "1900-02-28", "1904-02-29"),
            (60.0, "1900-02-29", "1904-03-01"),
            (61.0, "1900-03-01", "1904-03-02"),
            (0.25, "06:00:00", "1904-01-01T06:00:00"),
            (1.999_999_999, "1900-01-02", "1904-01-03"),
            (2_958_465.0, "9999-12-31", "INVALID_DATE"),
            (2_957_003.0, "9995-12-30", "9999-12-31"),
            (-1.0, "INVALID_DATE", "INVALID_DATE"),
            (f64::NAN, "INVALID_DATE", "INVALID_DATE"),
        ] {
            assert_eq!(
                shown(serial, &NumberFormat::Date, false),
                in_1900,
                "{serial}"
            );
            assert_eq!(
                shown(serial, &NumberFormat::Date, true),
                in_1904,
                "{serial}"
            );
        }
        assert_eq!(
            shown(1.520_833_333, &NumberFormat::Duration, false),
            "36:30:00"
        );
        assert_eq!(shown(-0.1, &NumberFormat::Duration, false), "INVALID_DATE");
    }

    proptest! {
        #[test]
        fn no_number_panics_or_shows_an_exponent(value in any::<f64>(), is_1904: bool) {
            for format in [NumberFormat::Plain, NumberFormat::Date, NumberFormat::Duration, NumberFormat::of_code("000-0")] {
                let text = shown(value, &format, is_1904);
                prop_assert!(text.is_empty() || !text.contains('e'), "{}", text);
            }
        }
    }
}
