//! Text that a client may also send as a whole number.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// Largest whole number that every JSON parser represents exactly: 2^53 - 1.
const GREATEST_EXACT: u64 = (1 << 53) - 1;

/// Text. A whole number becomes the text of its digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits(pub String);

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrNumber)
    }
}

struct TextOrNumber;

impl Visitor<'_> for TextOrNumber {
    type Value = Digits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or a whole number below 2^53")
    }

    fn visit_str<E>(self, text: &str) -> Result<Digits, E> {
        Ok(Digits(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Digits, E> {
        Ok(Digits(text))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Digits, E> {
        if number > GREATEST_EXACT {
            return Err(E::invalid_value(Unexpected::Unsigned(number), &self));
        }
        Ok(Digits(number.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn integer_is_read_as_its_digits_and_other_values_are_rejected() {
        let read = |value| {
            serde_json::from_value::<Digits>(value)
                .map(|digits| digits.0)
                .ok()
        };
        assert_eq!(read(json!("007")).as_deref(), Some("007"));
        assert_eq!(read(json!(79_123_456)).as_deref(), Some("79123456"));
        assert_eq!(
            read(json!(GREATEST_EXACT)).as_deref(),
            Some("9007199254740991")
        );
        for wrong in [
            json!(GREATEST_EXACT + 1),
            json!(-1),
            json!(1.5),
            json!(7.0),
            json!(true),
            json!([1]),
        ] {
            assert_eq!(read(wrong), None);
        }
    }
}
