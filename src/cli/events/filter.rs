//! Filter of events: subjects that the server selects, and conditions that are checked here.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::names::{Chosen, Kind, kind_of};
use crate::event_log::{Names, RecordedEvent};

/// Conditions on events. Empty lists and missing times match everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Aggregates that match.
    pub aggregates: Vec<Chosen>,
    /// Event types that match.
    pub types: Vec<&'static str>,
    /// Earliest time that matches.
    pub since: Option<OffsetDateTime>,
    /// Latest time that matches.
    pub until: Option<OffsetDateTime>,
}

impl Filter {
    /// Returns the subjects to request from the server. An empty list means all subjects. No
    /// subject overlaps another one, because the server would reject that.
    pub fn subjects(&self, names: &Names) -> Vec<String> {
        if self.aggregates.is_empty() {
            // The type is not part of the subject, but it determines the kind of aggregate.
            let kinds: BTreeSet<_> = self
                .types
                .iter()
                .filter_map(|name| kind_of(name))
                .map(|k| k.0)
                .collect();
            return kinds.into_iter().map(|kind| names.all_of(kind)).collect();
        }
        let whole: BTreeSet<&str> = self
            .aggregates
            .iter()
            .filter(|chosen| chosen.id.is_none())
            .map(|chosen| chosen.kind.0)
            .collect();
        let single = self.aggregates.iter().filter_map(|chosen| {
            let id = chosen
                .id
                .as_deref()
                .filter(|_| !whole.contains(chosen.kind.0))?;
            Some(names.aggregate(chosen.kind.0, id))
        });
        let subjects: BTreeSet<String> = whole
            .iter()
            .map(|kind| names.all_of(kind))
            .chain(single)
            .collect();
        subjects.into_iter().collect()
    }

    /// Returns true if an event from the server matches.
    pub fn wants(&self, event: &RecordedEvent) -> bool {
        (self.types.is_empty() || self.types.contains(&event.event_type.as_str()))
            && self.since.is_none_or(|since| event.time >= since)
            && self.until.is_none_or(|until| event.time <= until)
    }

    /// Returns a type that none of the chosen aggregates has. With such a type, nothing can match.
    pub fn impossible(&self) -> Option<(&'static str, Kind)> {
        let has = |kind: Kind| {
            self.aggregates.is_empty() || self.aggregates.iter().any(|c| c.kind == kind)
        };
        let kinds = self
            .types
            .iter()
            .filter_map(|name| kind_of(name).map(|kind| (*name, kind)));
        kinds.into_iter().find(|(_, kind)| !has(*kind))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn filter(aggregates: &[&str], types: &[&'static str]) -> Filter {
        let aggregates = aggregates
            .iter()
            .map(|text| text.parse().expect("known"))
            .collect();
        Filter {
            aggregates,
            types: types.to_vec(),
            ..Filter::default()
        }
    }

    fn subjects(aggregates: &[&str], types: &[&'static str]) -> Vec<String> {
        filter(aggregates, types).subjects(&Names::new("ns").expect("a good namespace"))
    }

    fn event(event_type: &str, time: OffsetDateTime) -> RecordedEvent {
        RecordedEvent {
            time,
            id: "1".to_owned(),
            event_type: event_type.to_owned(),
            ..RecordedEvent::sample(1, "")
        }
    }

    #[test]
    fn server_filters_by_aggregate_given_or_derived_from_types() {
        assert!(subjects(&[], &[]).is_empty());
        assert_eq!(subjects(&["job"], &[]), ["ns.ev.email.*"]);
        assert_eq!(
            subjects(&["job/1", "job/2"], &[]),
            ["ns.ev.email.1", "ns.ev.email.2"]
        );
        assert_eq!(
            subjects(&["job/1", "import"], &[]),
            ["ns.ev.email.1", "ns.ev.import.*"]
        );
        assert_eq!(
            subjects(&[], &["EmailSent", "EmailFailed"]),
            ["ns.ev.email.*"]
        );
        assert_eq!(subjects(&["job/1"], &["EmailSent"]), ["ns.ev.email.1"]);
    }

    #[test]
    fn subjects_never_overlap() {
        assert_eq!(
            subjects(&["job/1", "job", "job", "job/1"], &[]),
            ["ns.ev.email.*"]
        );
    }

    #[test]
    fn types_and_times_are_filtered_by_the_client() {
        let noon = datetime!(2026-11-21 12:00 UTC);
        let minute = time::Duration::MINUTE;
        let wanted = Filter {
            since: Some(noon),
            until: Some(noon + minute),
            ..filter(&[], &["EmailSent"])
        };
        assert!(wanted.wants(&event("EmailSent", noon)));
        assert!(wanted.wants(&event("EmailSent", noon + minute)));
        assert!(!wanted.wants(&event("EmailFailed", noon)));
        assert!(!wanted.wants(&event("EmailSent", noon - minute)));
        assert!(!wanted.wants(&event("EmailSent", noon + 2 * minute)));
        assert!(filter(&[], &[]).wants(&event("EmailFailed", noon)));
    }

    #[test]
    fn types_of_other_aggregates_are_impossible() {
        assert_eq!(
            filter(&["job"], &["BatchRequested"]).impossible(),
            Some(("BatchRequested", Kind("batch")))
        );
        assert_eq!(
            filter(&["job", "batch/1"], &["BatchRequested"]).impossible(),
            None
        );
        assert_eq!(filter(&[], &["BatchRequested"]).impossible(), None);
    }
}
