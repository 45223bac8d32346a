//! Check that nats-server stores writes.
//!
//! After its disk was full, nats-server does not answer writes to the streams that met the full
//! disk until it is restarted, even when the disk has space again. Reads and the JetStream API
//! still work. So the check uses the last writes of this process, or writes to a separate stream.
//! The message of the check is larger than most events, so it meets a full disk before they do.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_nats::Request;
use async_nats::jetstream::response::Response;
use bytes::Bytes;
use serde::Deserialize;

use super::availability::parsed;
use super::{AppendError, EventLog, LogError, Position};

/// Time for which a successful write of this process replaces a check.
const RECENT: Duration = Duration::from_secs(5);
/// Time for which a write without an answer is a problem, unless a later write succeeds.
const SILENT: Duration = Duration::from_secs(10);
/// Timeout for the answer to the check.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Size of the message of a check, in bytes.
const PROBE_BYTES: usize = 16 << 10;
/// Advice that follows each description of the problem.
const ADVICE: &str = "free space on its disk if it is full, then restart nats-server";

/// Outcomes of the last writes of this process.
#[derive(Default)]
pub(crate) struct Written(Mutex<Outcomes>);

#[derive(Clone, Copy, Default)]
struct Outcomes {
    stored: Option<Instant>,
    unanswered: Option<Instant>,
}

impl Written {
    /// Notes the outcome of a write.
    pub(super) fn note<T>(&self, outcome: &Result<T, AppendError>) {
        let now = Some(Instant::now());
        let mut outcomes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(_) => {
                *outcomes = Outcomes {
                    stored: now,
                    unanswered: None,
                }
            }
            Err(AppendError::Unknown(_)) => outcomes.unanswered = now,
            Err(_) => {}
        }
    }

    fn last(&self) -> Outcomes {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventLog {
    /// Checks that the server stores writes. A write of this process that was stored in the last
    /// 5 s is sufficient. Otherwise a message is written to the stream `PROBE`.
    ///
    /// # Errors
    /// The server does not store writes; the text says what to do.
    pub async fn check_stores_writes(&self) -> Result<(), LogError> {
        let Outcomes { stored, unanswered } = self.shared.written.last();
        let within = |time: Option<Instant>, limit| time.is_some_and(|at| at.elapsed() < limit);
        if within(unanswered, SILENT) {
            let problem = format!("nats-server has not answered the last write; {ADVICE}");
            return Err(LogError::Unavailable(problem));
        }
        if within(stored, RECENT) {
            return Ok(());
        }
        self.probe().await
    }

    async fn probe(&self) -> Result<(), LogError> {
        #[derive(Deserialize)]
        struct Stored {
            #[serde(rename = "seq")]
            _position: Position,
        }
        let request = Request::new()
            .payload(Bytes::from_static(&[b'.'; PROBE_BYTES]))
            .timeout(Some(ANSWER_WITHIN));
        let subject = self.names().probe();
        let answer = self.client().send_request(subject, request).await;
        let answer = answer.map_err(|error| {
            LogError::Unavailable(format!(
                "nats-server does not store writes: {error}; {ADVICE}"
            ))
        })?;
        match parsed::<Stored>(&answer.payload)? {
            Response::Ok(_) => Ok(()),
            Response::Err { error } => Err(LogError::Unavailable(format!(
                "nats-server does not store writes: {error}; {ADVICE}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_write_clears_an_unanswered_one() {
        let written = Written::default();
        written.note::<()>(&Err(AppendError::Unknown("no answer".to_owned())));
        written.note::<()>(&Err(AppendError::Conflict));
        assert!(written.last().unanswered.is_some() && written.last().stored.is_none());
        written.note(&Ok(()));
        assert!(written.last().unanswered.is_none() && written.last().stored.is_some());
    }
}
