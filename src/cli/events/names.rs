//! Names of aggregates and event types on the command line.

use std::str::FromStr;

use crate::domain::Event;

/// Names that the API uses for aggregates, in addition to the names of the log.
const API_NAMES: &[(&str, &str)] = &[
    ("generated-certificate", "issuance"),
    ("job", "mail"),
    ("person", "attendee"),
    ("certificate-definition", "certificate"),
];

/// Kind of aggregate, by its name in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind(pub &'static str);

/// All instances of an aggregate, or one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Kind of aggregate.
    pub kind: Kind,
    /// Id, if only one aggregate is chosen.
    pub id: Option<String>,
}

impl FromStr for Kind {
    type Err = String;

    /// Also accepts plurals, and `_` for `-`, as in paths of the API.
    fn from_str(text: &str) -> Result<Self, String> {
        let asked = text.to_ascii_lowercase().replace('_', "-");
        let kinds = || Event::CATALOGUE.iter().map(|(kind, _)| *kind);
        let find = |name: &str| {
            let own = kinds().find(|kind| *kind == name);
            own.or_else(|| {
                API_NAMES
                    .iter()
                    .find(|(also, _)| *also == name)
                    .map(|(_, kind)| *kind)
            })
        };
        let singular = asked.strip_suffix("es").filter(|stem| *stem == "batch");
        let singular = singular.or_else(|| asked.strip_suffix('s'));
        let found = find(&asked).or_else(|| singular.and_then(find));
        found.map(Self).ok_or_else(|| {
            let known: Vec<_> = kinds()
                .chain(API_NAMES.iter().map(|(also, _)| *also))
                .collect();
            format!(
                "there is no such aggregate; give one of {}",
                known.join(", ")
            )
        })
    }
}

impl FromStr for Chosen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, id) = text
            .split_once('/')
            .map_or((text, None), |(kind, id)| (kind, Some(id)));
        Ok(Self {
            kind: kind.parse()?,
            id: id.map(check_id).transpose()?,
        })
    }
}

/// Returns the id in lower case, as in the log. Rejects ids that can't be part of a subject.
pub fn check_id(text: &str) -> Result<String, String> {
    let fits = (1..=100).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !fits {
        return Err(
            "an id is a UUID such as 6f2d41c8-95b7-4a0e-9d53-27e10c8bf4a6, or a claim's hex digits"
                .to_owned(),
        );
    }
    Ok(text.to_ascii_lowercase())
}

/// Returns the event type of the log that `text` names. Ignores case.
pub fn event_type(text: &str) -> Result<&'static str, String> {
    let types = || {
        Event::CATALOGUE
            .iter()
            .flat_map(|(_, types)| types.iter().copied())
    };
    types()
        .find(|name| name.eq_ignore_ascii_case(text))
        .ok_or_else(|| {
            format!(
                "there is no such event; give one of {}",
                types().collect::<Vec<_>>().join(", ")
            )
        })
}

/// Returns the kind of aggregate that has this event type.
pub fn kind_of(event_type: &str) -> Option<Kind> {
    Event::CATALOGUE
        .iter()
        .find(|(_, types)| types.contains(&event_type))
        .map(|(kind, _)| Kind(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_log_and_api_are_accepted_also_as_plurals() {
        for (asked, kind) in [
            ("attendee", "attendee"),
            ("attendees", "attendee"),
            ("batches", "batch"),
            ("generated-certificate", "issuance"),
            ("generated_certificates", "issuance"),
            ("Jobs", "mail"),
            ("certificates", "certificate"),
            ("sessions", "session"),
        ] {
            assert_eq!(asked.parse(), Ok(Kind(kind)), "{asked}");
        }
        for unknown in ["", "s", "attendeess", "imports/x"] {
            let error = unknown.parse::<Kind>().expect_err(unknown);
            assert!(
                error.contains("attendee, ") && error.contains("job"),
                "{error}"
            );
        }
    }

    #[test]
    fn aggregate_id_is_parsed_after_a_slash() {
        let chosen: Chosen = "job/ABC-1".parse().expect("fine");
        assert_eq!(
            chosen,
            Chosen {
                kind: Kind("mail"),
                id: Some("abc-1".to_owned())
            }
        );
        for bad in ["job/", "job/a.b", "job/*", "job/>", "job/a/b"] {
            assert!(bad.parse::<Chosen>().is_err(), "{bad}");
        }
    }

    #[test]
    fn event_types_are_found_by_name() {
        assert_eq!(event_type("emailsent"), Ok("EmailSent"));
        assert_eq!(kind_of("EmailSent"), Some(Kind("mail")));
        assert!(event_type("EmailEaten").is_err_and(|text| text.contains("EmailSent")));
    }
}
