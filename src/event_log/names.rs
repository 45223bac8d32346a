//! Names of streams, subjects and consumers. A namespace prefixes all of them, so that tests and
//! cells never meet.

use thiserror::Error;

/// All names of one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    namespace: String,
}

/// The namespace can't be used in subjects and stream names.
#[derive(Debug, Error)]
#[error("the namespace \"{0}\" is not usable; give 1 to 32 lower-case letters, digits or underscores")]
pub struct BadNamespace(String);

impl Names {
    /// Names for a namespace: 1–32 lower-case letters, digits or underscores.
    ///
    /// # Errors
    /// The namespace has other characters or another length.
    pub fn new(namespace: &str) -> Result<Self, BadNamespace> {
        let fits = (1..=32).contains(&namespace.len())
            && namespace.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if fits {
            Ok(Self { namespace: namespace.to_owned() })
        } else {
            Err(BadNamespace(namespace.to_owned()))
        }
    }

    /// The namespace itself.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Where events come from, for CloudEvents' `source`.
    #[must_use]
    pub fn source(&self) -> String {
        format!("urn:laureate:{}", self.namespace)
    }

    /// A stream's name, such as `laureate_EVENTS`.
    #[must_use]
    pub fn stream(&self, stream: &str) -> String {
        format!("{}_{stream}", self.namespace)
    }

    /// The stream that holds all events.
    #[must_use]
    pub fn events(&self) -> String {
        self.stream("EVENTS")
    }

    /// The one subject of an aggregate's instance.
    #[must_use]
    pub fn aggregate(&self, aggregate: &str, id: &str) -> String {
        format!("{}.ev.{aggregate}.{id}", self.namespace)
    }

    /// The subjects of all instances of an aggregate.
    #[must_use]
    pub fn all_of(&self, aggregate: &str) -> String {
        format!("{}.ev.{aggregate}.*", self.namespace)
    }

    /// Where work that was given up is kept.
    #[must_use]
    pub fn dead_letter(&self, worker: &str, id: &str) -> String {
        format!("{}.dl.{worker}.{id}", self.namespace)
    }

    /// The stream that holds message schedules, what has come of them, and runs of tasks.
    #[must_use]
    pub fn timers(&self) -> String {
        self.stream("TIMERS")
    }

    /// Where a timer waits; one subject each, such as `email.<id>`.
    #[must_use]
    pub fn timer(&self, name: &str) -> String {
        format!("{}.timer.at.{name}", self.namespace)
    }

    /// Where a timer arrives when its time has come.
    #[must_use]
    pub fn due(&self, name: &str) -> String {
        format!("{}.timer.due.{name}", self.namespace)
    }

    /// Where the runs of a scheduled task are written down; `*` for all.
    #[must_use]
    pub fn runs(&self, task: &str) -> String {
        format!("{}.timer.run.{task}", self.namespace)
    }

    /// What has become due: the timer's name.
    #[must_use]
    pub fn parse_due<'s>(&self, subject: &'s str) -> Option<&'s str> {
        subject.strip_prefix(&self.namespace)?.strip_prefix(".timer.due.")
    }

    /// The stream of dead letters.
    #[must_use]
    pub fn dead_letters(&self) -> String {
        self.stream("DEADLETTERS")
    }

    /// Splits an aggregate's subject into its kind and id.
    #[must_use]
    pub fn parse_aggregate<'s>(&self, subject: &'s str) -> Option<(&'s str, &'s str)> {
        let rest = subject.strip_prefix(&self.namespace)?.strip_prefix(".ev.")?;
        let (aggregate, id) = rest.split_once('.')?;
        (!id.contains('.')).then_some((aggregate, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_splits_into_what_it_was_made_of() {
        let names = Names::new("test_1").expect("a good namespace");
        let subject = names.aggregate("attendee", "abc");
        assert_eq!(subject, "test_1.ev.attendee.abc");
        assert_eq!(names.parse_aggregate(&subject), Some(("attendee", "abc")));
        assert_eq!(names.parse_aggregate("other.ev.attendee.abc"), None);
        assert_eq!(names.parse_aggregate("test_1.ev.attendee.a.b"), None);
    }

    #[test]
    fn namespaces_that_would_break_subjects_are_refused() {
        for bad in ["", "a.b", "a b", "A", "a*", &"x".repeat(33)] {
            assert!(Names::new(bad).is_err(), "{bad}");
        }
    }
}
