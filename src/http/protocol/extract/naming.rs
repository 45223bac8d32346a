//! Field names in two spellings. The API uses camelCase, and also accepts snake_case.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Fields whose values contain field names chosen by the author of a template. Those names are not
/// converted.
const VERBATIM: [&str; 2] = ["manifest", "data"];

/// Largest number of items of one list. An item that has 2 bytes in the body can need hundreds of
/// bytes in memory.
const MAX_ITEMS: usize = 20_000;
/// Start of the error text for a list with too many items.
pub(super) const TOO_MANY_ITEMS: &str = "a list of more than";

/// Largest number of values at all depths, in a body or in one element of a list. The values are
/// counted before the JSON is parsed, because nested lists need hundreds of times their size in
/// memory.
pub(super) const MAX_VALUES: usize = 100_000;

/// Converts `snake_case` to `camelCase`. Leaves camelCase unchanged.
pub(super) fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        match letters.peek() {
            Some(next) if letter == '_' && !camel.is_empty() && next.is_ascii_alphanumeric() => {
                camel.push(next.to_ascii_uppercase());
                letters.next();
            }
            _ => camel.push(letter),
        }
    }
    camel
}

/// JSON whose field names have been converted to camelCase. A field that is given twice is an
/// error, also if the two spellings differ.
pub(super) struct CamelCased(pub(super) Value);

impl<'de> Deserialize<'de> for CamelCased {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        AnyJson(Twice::Refused).deserialize(deserializer).map(Self)
    }
}

/// Parsed element of a list, with field names in camelCase.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Value of the element. If a field is given twice, its last value is used.
    pub value: Value,
    /// Names of the fields that are given twice, in one spelling or in both (camelCase and
    /// snake_case). At most 20 names are listed.
    pub twice: Vec<String>,
    /// True if a number of the element is written with an exponent.
    pub has_exponent: bool,
    /// Reason why the element can't be parsed although the list is valid JSON. `value` is then
    /// null.
    pub unreadable: Option<Unreadable>,
}

/// Reason why an element of a list can't be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// A text contains half of a surrogate pair, such as `\ud800`.
    HalfCharacter,
    /// Lists and objects are nested more than 127 levels deep.
    TooDeep,
    /// Another limit is exceeded: for example, a number is out of range or there are too many
    /// values.
    OutOfRange,
}

impl Element {
    /// Parses an element of a list. The list has already been checked against the grammar of JSON.
    pub(super) fn read(raw: &RawValue) -> Self {
        let text = raw.get();
        let has_exponent = has_exponent(text);
        if has_too_many_values(text.as_bytes()) {
            let unreadable = Some(Unreadable::OutOfRange);
            return Self {
                value: Value::Null,
                twice: Vec::new(),
                has_exponent,
                unreadable,
            };
        }
        match serde_json::from_str::<Self>(text) {
            Ok(element) => Self {
                has_exponent,
                ..element
            },
            Err(error) => {
                // serde_json has no error codes, so the reason is recognized by the text.
                let message = error.to_string();
                let unreadable = if message.contains("surrogate") || message.contains("hex escape")
                {
                    Unreadable::HalfCharacter
                } else if message.contains("recursion limit") {
                    Unreadable::TooDeep
                } else {
                    Unreadable::OutOfRange
                };
                let unreadable = Some(unreadable);
                Self {
                    value: Value::Null,
                    twice: Vec::new(),
                    has_exponent,
                    unreadable,
                }
            }
        }
    }
}

/// Returns true if the JSON text has more than [`MAX_VALUES`] values. Every value except the first
/// follows a comma or an opening bracket.
pub(super) fn has_too_many_values(json: &[u8]) -> bool {
    let mut in_text = false;
    let mut is_escaped = false;
    let mut values = 0;
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => values += 1,
            _ => {}
        }
    }
    values > MAX_VALUES
}

/// Returns true if a number in the JSON text is written with an exponent.
fn has_exponent(json: &str) -> bool {
    let mut in_text = false;
    let mut is_escaped = false;
    let mut before = b' ';
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'e' | b'E' if !in_text && before.is_ascii_digit() => return true,
            _ => {}
        }
        before = byte;
    }
    false
}

/// Largest number of fields that are listed as given twice.
const MAX_TWICE: usize = 20;

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut twice = Vec::new();
        let value = AnyJson(Twice::Listed(&mut twice)).deserialize(deserializer)?;
        Ok(Self {
            value,
            twice,
            has_exponent: false,
            unreadable: None,
        })
    }
}

/// Treatment of fields that are given twice in an object.
enum Twice<'t> {
    /// Such a field is an error.
    Refused,
    /// The name of such a field is added to this list, and its last value is used. In nested
    /// objects, the last value is used without an entry in the list.
    Listed(&'t mut Vec<String>),
    /// The last value of such a field is used.
    Ignored,
}

impl Twice<'_> {
    /// Returns the treatment for nested objects.
    const fn within(&self) -> Twice<'static> {
        match self {
            Self::Refused => Twice::Refused,
            Self::Listed(_) | Self::Ignored => Twice::Ignored,
        }
    }

    fn found<E: Error>(&mut self, name: String) -> Result<(), E> {
        match self {
            Self::Refused => return Err(E::custom(format!("field `{name}` is given twice"))),
            Self::Listed(names) if names.len() < MAX_TWICE && !names.contains(&name) => {
                names.push(name)
            }
            Self::Listed(_) | Self::Ignored => {}
        }
        Ok(())
    }
}

struct AnyJson<'t>(Twice<'t>);

impl<'de> DeserializeSeed<'de> for AnyJson<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyJson<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(AnyJson(self.0.within()))? {
            if list.len() == MAX_ITEMS {
                return Err(Error::custom(format_args!(
                    "{TOO_MANY_ITEMS} {MAX_ITEMS} items; send several"
                )));
            }
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let name = camel_case(&name);
            let value = if VERBATIM.contains(&name.as_str()) {
                fields.next_value::<Value>()?
            } else {
                fields.next_value_seed(AnyJson(self.0.within()))?
            };
            if object.insert(name.clone(), value).is_some() {
                self.0.found(name)?;
            }
        }
        Ok(Value::Object(object))
    }
}

/// Converts the parameter names of a query string to camelCase. Values are unchanged.
///
/// # Errors
/// Returns the name of a parameter that is given twice.
pub(super) fn camel_cased_query(query: &str) -> Result<String, String> {
    let mut seen = BTreeSet::new();
    let mut renamed = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = camel_case(name);
        renamed.push(format!("{name}={value}"));
        if !seen.insert(name.clone()) {
            return Err(name);
        }
    }
    Ok(renamed.join("&"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn renamed(text: &str) -> Result<Value, String> {
        serde_json::from_str::<CamelCased>(text)
            .map(|json| json.0)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn names_defined_by_templates_are_not_renamed() {
        let given = r#"{"the_manifest": {"a_b": 1}, "manifest": {"a_b": {"c_d": 1}}, "data": {"full_name": "b"}}"#;
        let wanted = json!({"theManifest": {"aB": 1}, "manifest": {"a_b": {"c_d": 1}}, "data": {"full_name": "b"}});
        assert_eq!(renamed(given), Ok(wanted));
    }

    #[test]
    fn snake_case_name_is_converted_to_camel_case() {
        for (given, camel) in [
            ("attendee_ids", "attendeeIds"),
            ("attendeeIds", "attendeeIds"),
            ("a_b_c", "aBC"),
            ("line_2", "line2"),
            ("_private", "_private"),
            ("trailing_", "trailing_"),
            ("name", "name"),
        ] {
            assert_eq!(camel_case(given), camel);
        }
    }

    #[test]
    fn nested_fields_are_renamed_and_values_are_not() {
        let given =
            r#"{"event_name": "snake_case stays", "list_of": [{"full_name": null, "n": -1.5}]}"#;
        let expected =
            json!({"eventName": "snake_case stays", "listOf": [{"fullName": null, "n": -1.5}]});
        assert_eq!(renamed(given), Ok(expected));
    }

    #[test]
    fn a_field_given_twice_is_refused() {
        for twice in [
            r#"{"event_name": 1, "eventName": 1}"#,
            r#"{"a": 1, "a": 1}"#,
        ] {
            assert!(renamed(twice).is_err_and(|error| error.contains("given twice")));
        }
    }

    #[test]
    fn field_given_twice_in_an_element_is_listed() {
        let list = r#"[{"full_name": "a", "fullName": "b", "n": {"a": 1, "a": 2}}, 7, {"email": "a", "email": "b"}]"#;
        let elements: Vec<Element> = serde_json::from_str(list).unwrap();
        let twice: Vec<&[String]> = elements.iter().map(|element| &element.twice[..]).collect();
        assert_eq!(
            twice,
            [&["fullName".to_owned()][..], &[], &["email".to_owned()]]
        );
        assert_eq!(elements[0].value, json!({"fullName": "b", "n": {"a": 2}}));
        assert_eq!(elements[1].value, json!(7));
    }

    #[test]
    fn element_that_cannot_be_read_does_not_stop_the_others() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let list = format!(
            r#"[{{"a": "x\ud800", "n": 1}}, {{"a": "\ud83d\ud83d"}}, {deep}, {{"n": 1e999}}, {{"n": 1e15}}, {{"a": "1e5 \" 1e5", "n": 7.0}}]"#
        );
        let raw: Vec<&RawValue> = serde_json::from_str(&list).unwrap();
        let elements: Vec<Element> = raw.into_iter().map(Element::read).collect();
        let unreadable: Vec<_> = elements.iter().map(|element| element.unreadable).collect();
        let half = Some(Unreadable::HalfCharacter);
        assert_eq!(
            unreadable,
            [
                half,
                half,
                Some(Unreadable::TooDeep),
                Some(Unreadable::OutOfRange),
                None,
                None
            ]
        );
        assert_eq!(
            (elements[4].has_exponent, elements[5].has_exponent),
            (true, false)
        );
    }

    #[test]
    fn query_parameters_are_converted_to_camel_case() {
        assert_eq!(
            camel_cased_query("dry_run=true&x=a_b%20c&"),
            Ok("dryRun=true&x=a_b%20c".to_owned())
        );
        assert_eq!(
            camel_cased_query("dry_run=1&dryRun=2"),
            Err("dryRun".to_owned())
        );
    }
}
