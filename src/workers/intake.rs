//! Decision about a delivered event before it is handled.
//!
//! A process may read events of a newer program, which runs beside it during an upgrade. Work for
//! the newer program must not be lost, so only an event without work for this worker is
//! acknowledged.

use crate::domain::Recognition;
use crate::event_log::RecordedEvent;

/// Decision about a delivered event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intake {
    /// The worker handles the event.
    Wanted,
    /// No worker of this name handles the event, so it is acknowledged.
    Unwanted,
    /// A worker of this name handles the event, but only in a newer program.
    Newer,
}

impl Intake {
    /// Decides about an event for a worker that handles events of `types`.
    pub(super) fn of(event: &RecordedEvent, worker: &str, types: &[&str]) -> Self {
        let is_wanted = types.contains(&event.event_type.as_str());
        let is_for_newer = event.is_for(worker);
        match event.recognition() {
            Recognition::Known | Recognition::UnknownType if is_wanted => Self::Wanted,
            Recognition::UnknownVersion if is_wanted || is_for_newer => Self::Newer,
            Recognition::UnknownType if is_for_newer => Self::Newer,
            Recognition::Known | Recognition::UnknownType | Recognition::UnknownVersion => {
                Self::Unwanted
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_events_without_work_for_this_worker_are_unwanted() {
        for (event_type, schema, workers, expected) in [
            ("EmailQueued", 1, "mailer", Intake::Wanted),
            ("EmailQueued", 2, "mailer", Intake::Newer),
            ("EmailQueued", 2, "", Intake::Newer),
            ("EmailSent", 1, "", Intake::Unwanted),
            // Written before the mailer of this program stopped handling it.
            ("EmailSent", 1, "mailer", Intake::Unwanted),
            ("EmailSent", 2, "webhooks", Intake::Unwanted),
            ("EmailSent", 2, "webhooks,mailer", Intake::Newer),
            ("EmailPraised", 1, "", Intake::Unwanted),
            ("EmailPraised", 1, "webhooks", Intake::Unwanted),
            ("EmailPraised", 1, "webhooks,mailer", Intake::Newer),
        ] {
            let event = RecordedEvent {
                event_type: event_type.to_owned(),
                schema,
                workers: workers.to_owned(),
                ..RecordedEvent::sample(1, "{}")
            };
            let found = Intake::of(&event, "mailer", &["EmailQueued"]);
            assert_eq!(found, expected, "{event_type} {schema} {workers}");
        }
    }
}
