//! Personal data: present in events and state, absent from everything that prints.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value that tells something about a person.
///
/// It serialises as the plain value (events and state carry it), but `Debug` shows only that it is
/// there, and there is no `Display`: a log line, a metric label or an object key made from it does
/// not compile or shows nothing. A person's own key will seal it at this place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Personal<T>(T);

impl<T> Personal<T> {
    /// Marks a value as personal.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the places that must show it to its owner or issuer.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// Takes the value out, for the places that must show it to its owner or issuer.
    pub fn into_revealed(self) -> T {
        self.0
    }
}

impl Personal<String> {
    /// The text itself.
    #[must_use]
    pub fn reveal_str(&self) -> &str {
        &self.0
    }
}

impl<T> From<T> for Personal<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Personal(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_never_shows_the_value() {
        let name = Personal::new("Ada Lovelace".to_owned());
        assert_eq!(format!("{name:?} {:?}", Some(&name)), "Personal(…) Some(Personal(…))");
    }

    #[test]
    fn json_is_the_plain_value() {
        let json = serde_json::to_string(&Personal::new("Ada")).expect("a string serialises");
        assert_eq!(json, r#""Ada""#);
    }
}
