//! Check that nats-server stores writes.
//!
//! If a write to a stream fails because the disk is full, nats-server answers no further write to
//! this stream until it is restarted, even when the disk has space again. Reads, the JetStream API
//! and writes to other streams still work. So the check uses the outcomes of this process's own
//! writes to the log:
//!
//! * If the last one had no answer, the check writes to the log. Only a stored write shows that the
//!   log works again.
//! * If one was stored in the last 5 s, the log works.
//! * Otherwise, the check writes to the stream `PROBE`, because nothing is ever deleted from the
//!   log. This message is larger than most events, so it fails before they do.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use time::OffsetDateTime;
use uuid::Uuid;

use super::batch::{Outgoing, PublishError, Publisher};
use super::{EventLog, LogError, NewEvent};

/// Time for which a stored write of this process replaces a check, and for which the outcome of a
/// check is reused.
const RECENT: Duration = Duration::from_secs(5);
/// Timeout of a check.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Size of the message to the stream `PROBE`, in bytes.
const PROBE_BYTES: usize = 16 << 10;
/// Kind of the aggregate whose events are checks of the log. No program handles it.
const CHECKS: &str = "probe";
/// Advice if the server gives no answer to a write, or has no storage for it.
const ADVICE: &str = "free space on its disk if it is full, then restart nats-server";

/// Outcomes of the last writes of this process to the log, and the last check.
#[derive(Default)]
pub(crate) struct Written {
    outcomes: Mutex<Outcomes>,
    /// The mutex is locked during a check, so that concurrent calls share it.
    last_check: tokio::sync::Mutex<Option<Check>>,
}

/// Times at which writes began, by their outcome.
#[derive(Clone, Copy, Default)]
struct Outcomes {
    /// Start of the latest write that was stored.
    stored: Option<Instant>,
    /// Start of the latest write with an unknown outcome.
    unanswered: Option<Instant>,
}

/// Conclusion from the outcomes of this process's writes to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// A write of the last 5 s was stored.
    Stored,
    /// A write had no answer, and no later write was stored.
    Unanswered,
    /// No write of the last 5 s was stored, and none since the last stored one is unanswered.
    Nothing,
}

/// Stream to which a check writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Log,
    Probe,
}

struct Check {
    target: Target,
    begun: Instant,
    outcome: Result<(), LogError>,
}

impl Written {
    /// Records the outcome of a write to the log that began at `begun`.
    pub(super) fn note<T>(&self, begun: Instant, outcome: &Result<T, PublishError>) {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(_) => outcomes.stored = outcomes.stored.max(Some(begun)),
            Err(PublishError::Unknown(_)) => {
                outcomes.unanswered = outcomes.unanswered.max(Some(begun));
            }
            Err(_) => {}
        }
    }

    fn known(&self) -> Known {
        let Outcomes { stored, unanswered } =
            *self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        if unanswered > stored {
            Known::Unanswered
        } else if stored.is_some_and(|begun| begun.elapsed() < RECENT) {
            Known::Stored
        } else {
            Known::Nothing
        }
    }
}

impl EventLog {
    /// Checks that the server stores writes. A write of this process that was stored in the last
    /// 5 s is sufficient. Otherwise a message is written, at most once per 5 s: to the log if a
    /// write to it had no answer, else to the stream `PROBE`.
    ///
    /// # Errors
    /// The server does not store writes, has no leader for the stream, or is not provisioned. The
    /// text says what to do.
    pub async fn check_stores_writes(&self) -> Result<(), LogError> {
        let written = &self.shared.written;
        if written.known() == Known::Stored {
            return Ok(());
        }
        let mut last = written.last_check.lock().await;
        let target = match written.known() {
            Known::Stored => return Ok(()),
            Known::Unanswered => Target::Log,
            Known::Nothing => Target::Probe,
        };
        if let Some(check) = &*last
            && check.target == target
            && check.begun.elapsed() < RECENT
        {
            return check.outcome.clone();
        }
        let begun = Instant::now();
        // The caller may give up before the answer. Another caller must not write to the log again,
        // because nothing is ever deleted from it.
        if target == Target::Log {
            let why = "no answer yet".to_owned();
            let outcome = Err(problem(PublishError::Unknown(why)));
            *last = Some(Check {
                target,
                begun,
                outcome,
            });
        }
        let outcome = self.check_target(target).await;
        *last = Some(Check {
            target,
            begun,
            outcome: outcome.clone(),
        });
        outcome
    }

    async fn check_target(&self, target: Target) -> Result<(), LogError> {
        let names = self.names();
        let written = self.shared.written.clone();
        let (stream, subject, body) = match target {
            Target::Log => (
                names.events(),
                names.aggregate(CHECKS, "writes"),
                Bytes::from_static(b"{}"),
            ),
            Target::Probe => (
                names.stream("PROBE"),
                names.probe(),
                Bytes::from_static(&[b'.'; PROBE_BYTES]),
            ),
        };
        let publisher = Publisher::new(self.client().clone(), stream, names, written.clone());
        let message = message(subject, body);
        let begun = Instant::now();
        let outcome = tokio::time::timeout(ANSWER_WITHIN, publisher.one(&message)).await;
        let outcome = outcome.unwrap_or_else(|_| {
            let seconds = ANSWER_WITHIN.as_secs();
            Err(PublishError::Unknown(format!(
                "no answer within {seconds} s"
            )))
        });
        if target == Target::Log {
            written.note(begun, &outcome);
        }
        outcome.map(drop).map_err(problem)
    }
}

fn message(subject: String, body: Bytes) -> Outgoing {
    let id = Uuid::new_v4();
    Outgoing {
        subject,
        expected: None,
        event: NewEvent {
            event_id: id,
            event_type: "WritesChecked",
            schema: 1,
            time: OffsetDateTime::now_utc(),
            command_id: id.into(),
            caused_by: None,
            correlation_id: id,
            actor: "health".to_owned(),
            request_id: None,
            via: None,
            data_subject: None,
            traceparent: None,
            body,
        },
    }
}

/// Returns the problem for operators. A restart helps only if the server gives no answer or has no
/// storage.
fn problem(error: PublishError) -> LogError {
    match error {
        PublishError::Unknown(why) => LogError::Unavailable(format!(
            "nats-server does not store writes: {why}; {ADVICE}"
        )),
        PublishError::NotNow(error) | PublishError::Refused(error) => error,
        PublishError::Conflict | PublishError::InFlight => {
            LogError::Unavailable("another write was in progress".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Event;

    fn unanswered() -> Result<(), PublishError> {
        Err(PublishError::Unknown("no answer".to_owned()))
    }

    #[test]
    fn unanswered_write_counts_until_a_later_write_is_stored() {
        let now = Instant::now();
        let ago = |seconds| now - Duration::from_secs(seconds);
        let written = Written::default();
        assert_eq!(written.known(), Known::Nothing);
        written.note(ago(3_000), &Ok(()));
        assert_eq!(written.known(), Known::Nothing);
        written.note(ago(2_000), &unanswered());
        assert_eq!(written.known(), Known::Unanswered);
        // Neither a refused write nor an earlier one shows that the log stores writes.
        written.note::<()>(ago(1_000), &Err(PublishError::Conflict));
        written.note(ago(2_001), &Ok(()));
        assert_eq!(written.known(), Known::Unanswered);
        written.note(ago(1), &Ok(()));
        assert_eq!(written.known(), Known::Stored);
        // The time-out of an earlier write is noted after a later write was stored.
        written.note(ago(2), &unanswered());
        assert_eq!(written.known(), Known::Stored);
    }

    #[test]
    fn only_a_missing_answer_is_followed_by_the_advice_to_restart() {
        let text = |error| problem(error).to_string();
        let unavailable = || LogError::Unavailable("it may be electing a leader".to_owned());
        assert!(text(PublishError::Unknown("timed out".to_owned())).contains(ADVICE));
        assert!(!text(PublishError::NotNow(unavailable())).contains(ADVICE));
        let missing = problem(PublishError::Refused(LogError::NotProvisioned));
        assert!(matches!(missing, LogError::NotProvisioned));
    }

    #[test]
    fn no_program_handles_the_events_of_a_check() {
        let event = message("s".to_owned(), Bytes::new()).event;
        assert!(Event::CATALOGUE.iter().all(|(aggregate, types)| {
            *aggregate != CHECKS && !types.contains(&event.event_type)
        }));
    }
}
