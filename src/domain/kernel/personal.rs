//! Personal data: events and state contain it, but it is never printed.

use std::cell::Cell;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// Text that replaces a hidden personal value.
pub const HIDDEN: &str = "***";

thread_local! {
    static HIDING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on this thread. During this, every [`Personal`] value is serialised as [`HIDDEN`],
/// so that the result contains no personal data. Only the types determine which values are
/// personal.
pub fn hidden<R>(work: impl FnOnce() -> R) -> R {
    /// Restores the previous setting, even after a panic.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            HIDING.set(self.0);
        }
    }
    let _before = Before(HIDING.replace(true));
    work()
}

/// Value that contains personal data.
///
/// It serialises as the plain value, because events and state contain it. Inside [`hidden`], it
/// serialises as [`HIDDEN`]. `Debug` prints a placeholder, and `Display` is not implemented. So
/// code that puts the value into a log line, a metric label or an object key doesn't compile, or
/// its output doesn't contain the value. The type also marks the values that could be encrypted
/// with a key per person.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize)]
#[serde(transparent)]
pub struct Personal<T>(T);

impl<T> Personal<T> {
    /// Marks a value as personal.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value. Use it only if the value must be shown to the person or the issuer.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// Consumes the wrapper and returns the value. Use it only if the value must be shown to the
    /// person or the issuer.
    pub fn into_revealed(self) -> T {
        self.0
    }
}

impl Personal<String> {
    /// Returns the text.
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

impl<T: Serialize> Serialize for Personal<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if HIDING.get() {
            serializer.serialize_str(HIDDEN)
        } else {
            self.0.serialize(serializer)
        }
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
        assert_eq!(
            format!("{name:?} {:?}", Some(&name)),
            "Personal(…) Some(Personal(…))"
        );
    }

    #[test]
    fn json_is_the_plain_value() {
        let json = serde_json::to_string(&Personal::new("Ada")).expect("a string serialises");
        assert_eq!(json, r#""Ada""#);
    }

    #[test]
    fn json_hides_the_value_only_inside_of_hidden() {
        let json = || serde_json::to_string(&Some(Personal::new(1985))).expect("serialises");
        assert_eq!(
            hidden(|| (json(), hidden(json), json())),
            (r#""***""#.into(), r#""***""#.into(), r#""***""#.into())
        );
        assert_eq!(json(), "1985");
        let panicked = std::panic::catch_unwind(|| hidden(|| panic!("in between")));
        assert!(panicked.is_err());
        assert_eq!(json(), "1985");
    }
}
