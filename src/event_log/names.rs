//! Names of streams and subjects. All names contain the namespace, which separates tests and
//! installations from each other.

use thiserror::Error;

use super::Position;

/// Names of one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    namespace: String,
}

/// The namespace is not valid in subjects and stream names.
#[derive(Debug, Error)]
#[error(
    "the namespace \"{0}\" is not usable; give 1 to 32 lower-case letters, digits or underscores"
)]
pub struct BadNamespace(String);

impl Names {
    /// Creates the names of a namespace. It must have 1–32 lower-case letters, digits or
    /// underscores.
    ///
    /// # Errors
    /// The namespace has other characters or another length.
    pub fn new(namespace: &str) -> Result<Self, BadNamespace> {
        let fits = (1..=32).contains(&namespace.len())
            && namespace
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if fits {
            Ok(Self {
                namespace: namespace.to_owned(),
            })
        } else {
            Err(BadNamespace(namespace.to_owned()))
        }
    }

    /// Returns the namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Returns the `source` attribute of CloudEvents.
    #[must_use]
    pub fn source(&self) -> String {
        format!("urn:laureate:{}", self.namespace)
    }

    /// Returns the full name of a stream, such as `laureate_EVENTS`.
    #[must_use]
    pub fn stream(&self, stream: &str) -> String {
        format!("{}_{stream}", self.namespace)
    }

    /// Returns the name of the stream of all events.
    #[must_use]
    pub fn events(&self) -> String {
        self.stream("EVENTS")
    }

    /// Returns the subject of one aggregate.
    #[must_use]
    pub fn aggregate(&self, aggregate: &str, id: &str) -> String {
        format!("{}.ev.{aggregate}.{id}", self.namespace)
    }

    /// Returns the wildcard subject of all aggregates.
    #[must_use]
    pub fn all(&self) -> String {
        format!("{}.ev.>", self.namespace)
    }

    /// Returns the wildcard subject of all aggregates of a kind.
    #[must_use]
    pub fn all_of(&self, aggregate: &str) -> String {
        format!("{}.ev.{aggregate}.*", self.namespace)
    }

    /// Returns the subject of a dead letter.
    #[must_use]
    pub fn dead_letter(&self, worker: &str, id: &str) -> String {
        format!("{}.dl.{worker}.{id}", self.namespace)
    }

    /// Returns the name of the stream that contains message schedules, due timers and runs of
    /// tasks.
    #[must_use]
    pub fn timers(&self) -> String {
        self.stream("TIMERS")
    }

    /// Returns the subject of a timer's schedule. Each timer, such as `mail.<id>.<position>`, has a
    /// separate subject.
    #[must_use]
    pub fn timer(&self, name: &str) -> String {
        format!("{}.timer.at.{name}", self.namespace)
    }

    /// Returns the subject on which the server publishes a timer when it is due.
    #[must_use]
    pub fn due(&self, name: &str) -> String {
        format!("{}.timer.due.{name}", self.namespace)
    }

    /// Returns the subject on which the number of crashes of a worker at an event is stored.
    #[must_use]
    pub fn crashes(&self, worker: &str, position: Position) -> String {
        format!("{}.timer.crashes.{worker}.{position}", self.namespace)
    }

    /// Returns the subject of the runs of a scheduled task. The task `*` matches all tasks.
    #[must_use]
    pub fn runs(&self, task: &str) -> String {
        format!("{}.timer.run.{task}", self.namespace)
    }

    /// Returns the name of a timer from the subject on which it was published.
    #[must_use]
    pub fn parse_due<'s>(&self, subject: &'s str) -> Option<&'s str> {
        subject
            .strip_prefix(&self.namespace)?
            .strip_prefix(".timer.due.")
    }

    /// Returns the name of the stream of dead letters.
    #[must_use]
    pub fn dead_letters(&self) -> String {
        self.stream("DEADLETTERS")
    }

    /// Returns the subject of the messages that check whether the server stores writes.
    #[must_use]
    pub fn probe(&self) -> String {
        format!("{}.probe", self.namespace)
    }

    /// Splits an aggregate's subject into kind and id.
    #[must_use]
    pub fn parse_aggregate<'s>(&self, subject: &'s str) -> Option<(&'s str, &'s str)> {
        let rest = subject
            .strip_prefix(&self.namespace)?
            .strip_prefix(".ev.")?;
        let (aggregate, id) = rest.split_once('.')?;
        (!id.contains('.')).then_some((aggregate, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subject_is_parsed_into_its_parts() {
        let names = Names::new("test_1").expect("a good namespace");
        let subject = names.aggregate("attendee", "abc");
        assert_eq!(subject, "test_1.ev.attendee.abc");
        assert_eq!(names.parse_aggregate(&subject), Some(("attendee", "abc")));
        assert_eq!(names.parse_aggregate("other.ev.attendee.abc"), None);
        assert_eq!(names.parse_aggregate("test_1.ev.attendee.a.b"), None);
    }

    #[test]
    fn invalid_namespaces_are_refused() {
        for bad in ["", "a.b", "a b", "A", "a*", &"x".repeat(33)] {
            assert!(Names::new(bad).is_err(), "{bad}");
        }
    }
}
