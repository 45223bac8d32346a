//! Change of one field by a JSON merge patch (RFC 7396): kept, removed or replaced.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Change of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Merge<T> {
    /// The field is absent from the body and keeps its value.
    #[default]
    Keep,
    /// The field is null, so its value is removed.
    Clear,
    /// The field has a value, which replaces the old one.
    Set(T),
}

impl<T> Merge<T> {
    /// Returns the new value of a field that had the value `before`.
    #[must_use]
    pub fn over(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Merge<T> {
    /// Deserializes a field that is present. `#[serde(default)]` covers an absent field.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

impl<T: Serialize> Serialize for Merge<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Keep | Self::Clear => serializer.serialize_none(),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

/// Deserializes a field that can be absent, but whose value can't be removed. Use it with
/// `#[serde(default, deserialize_with = "not_null")]`.
///
/// # Errors
/// The field is null or has a wrong type.
pub fn not_null<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let value = Option::deserialize(deserializer)?;
    let null = || D::Error::custom("can't be null; leave it out to keep its value");
    value.ok_or_else(null).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Sample {
        link: Merge<String>,
    }

    #[test]
    fn absent_field_keeps_null_clears_and_value_replaces() {
        let over = |body: &str| {
            let sample: Sample = serde_json::from_str(body).unwrap();
            sample.link.over(Some("old".to_owned()))
        };
        assert_eq!(over("{}").as_deref(), Some("old"));
        assert_eq!(over(r#"{"link": null}"#), None);
        assert_eq!(over(r#"{"link": "new"}"#).as_deref(), Some("new"));
    }
}
