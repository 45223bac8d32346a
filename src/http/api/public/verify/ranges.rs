//! Byte ranges of a file, which clients request with the header `Range` (RFC 9110 §14).

use std::ops::Range;

use axum::http::HeaderMap;
use axum::http::header::{IF_RANGE, RANGE};
use http_range_header::{RangeUnsatisfiableError, parse_range_header};

/// Part of a file that a client has requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The whole file. The header `Range` is absent or ignored.
    Whole,
    /// This range of bytes.
    Part(Range<usize>),
    /// The client has requested only bytes that the file does not have.
    Nothing,
}

/// Returns the part that `headers` request of a file with `size` bytes and the strong entity tag
/// `etag`.
///
/// A server may ignore `Range`. This function ignores it, and returns the whole file, for several
/// ranges within the file, for units other than bytes, for malformed ranges, and for an `If-Range`
/// with another version.
#[must_use]
pub fn wanted(headers: &HeaderMap, size: usize, etag: &str) -> Wanted {
    // A weak tag or a date can't prove that the bytes are the same (§13.1.5).
    let is_same = headers
        .get(IF_RANGE)
        .is_none_or(|tag| tag.as_bytes() == etag.as_bytes());
    let mut values = headers.get_all(RANGE).iter();
    let (Some(range), None, true) = (values.next(), values.next(), is_same) else {
        return Wanted::Whole;
    };
    let range = range.to_str().ok();
    let Some(ranges) = range.and_then(|range| parse_range_header(range).ok()) else {
        return Wanted::Whole;
    };
    match ranges.validate(size as u64).as_deref() {
        Ok([part]) => Wanted::Part(*part.start() as usize..*part.end() as usize + 1),
        Err(RangeUnsatisfiableError::Unsatisfiable) => Wanted::Nothing,
        _ => Wanted::Whole,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TAG: &str = "\"ab\"";

    fn ask(range: &str, if_range: Option<&str>) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, range.parse().unwrap());
        if let Some(tag) = if_range {
            headers.insert(IF_RANGE, tag.parse().unwrap());
        }
        wanted(&headers, 100, TAG)
    }

    #[test]
    fn byte_ranges_are_parsed_according_to_rfc_9110() {
        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=10-19", 10..20),
            ("bytes=90-", 90..100),
            ("bytes=-10", 90..100),
            ("bytes=-1000", 0..100),
            ("bytes=99-99999999999999999999999", 99..100),
            ("Bytes=5-6", 5..7),
        ] {
            assert_eq!(ask(range, None), Wanted::Part(part), "{range}");
        }
        for range in [
            "bytes=100-",
            "bytes=200-300",
            "bytes=200-300,400-",
            "bytes=-0",
            "bytes=99999999999999999999999-",
        ] {
            assert_eq!(ask(range, None), Wanted::Nothing, "{range}");
        }
        for range in [
            "bytes=0-1,5-6",
            "rows=0-1",
            "bytes=a-b",
            "bytes=9-1",
            "bytes",
            "bytes=-",
            "bytes=+1-2",
        ] {
            assert_eq!(ask(range, None), Wanted::Whole, "{range}");
        }
        assert_eq!(wanted(&HeaderMap::new(), 100, TAG), Wanted::Whole);
    }

    #[test]
    fn if_range_with_another_entity_tag_returns_the_whole_file() {
        assert_eq!(ask("bytes=0-1", Some(TAG)), Wanted::Part(0..2));
        for other in ["\"x\"", "W/\"ab\"", "Sat, 21 Nov 2026 12:00:00 GMT"] {
            assert_eq!(ask("bytes=0-1", Some(other)), Wanted::Whole, "{other}");
        }
    }

    proptest! {
        #[test]
        fn requested_range_is_always_within_the_file(range in "(bytes=)?[0-9,-]{0,30}", size in 0..500_usize) {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, range.parse().unwrap());
            if let Wanted::Part(part) = wanted(&headers, size, TAG) {
                prop_assert!(part.start < part.end && part.end <= size);
            }
        }
    }
}
