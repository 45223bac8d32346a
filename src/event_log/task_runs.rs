//! Runs of scheduled tasks, recorded in the stream `TIMERS` on one subject per task.
//!
//! A run begins with a note that expects the sequence of the previous note. So if several processes
//! try to begin it, only one succeeds. The server keeps the last 200 notes of each task, which is
//! about 100 runs.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::response::Response;
use async_nats::{HeaderMap, Request};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::availability::{parsed, patiently};
use super::{EventLog, LogError, Position};

const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";
/// JetStream: no message found.
const NO_MESSAGE: u64 = 10037;
/// JetStream: wrong last sequence. The expected sequence differs from the stored one, or another
/// message is being written to the subject.
const CONFLICT: [u64; 2] = [10_071, 10_164];
/// Maximum duration of a run. A run that has no recorded end after this time is considered
/// interrupted.
pub const LONGEST: Duration = Duration::from_secs(600);
/// Timeout for a response of the server.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Maximum number of notes that are read.
const MOST_NOTES: usize = 5_000;

/// Trigger of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// The cron expression.
    Cron,
    /// A user's request.
    Forced,
    /// The start of a scheduler.
    Start,
}

/// End of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// Time of the end.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// True if the run succeeded.
    pub succeeded: bool,
    /// Result of the run or reason for its failure, without personal data.
    #[serde(rename = "told")]
    pub result: String,
}

/// Run of a task. `ended` is `None` while it is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Id of the run.
    pub id: Uuid,
    /// Name of the task.
    pub task: String,
    /// Trigger of the run.
    pub trigger: Trigger,
    /// Last planned time for which this run or an earlier one was started. The task is not run
    /// again for times up to this one.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub covers: Option<OffsetDateTime>,
    /// Start of the run.
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// End of the run, if it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

impl Run {
    /// Returns true if the run is under way at `now`. After [`LONGEST`], a run is considered
    /// interrupted.
    #[must_use]
    pub fn is_under_way(&self, now: OffsetDateTime) -> bool {
        self.ended.is_none() && now < self.started + LONGEST
    }
}

/// Outcome of beginning a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// This process has begun the run.
    Run(Run),
    /// An earlier run covers the planned time, or another process began the run first.
    ByAnother,
    /// The task is running. Two runs of a task never overlap.
    Busy,
}

#[derive(Deserialize)]
struct Stored {
    message: StoredMessage,
}

#[derive(Deserialize)]
struct StoredMessage {
    seq: Position,
    #[serde(default)]
    data: String,
}

impl EventLog {
    /// Begins a run of a task. Does nothing if an earlier run covers its planned time, the task is
    /// running, or another process begins it at the same moment.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn begin_run(
        &self,
        id: Uuid,
        task: &str,
        trigger: Trigger,
        due: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) -> Result<Begun, LogError> {
        let (sequence, last) = patiently(|wait| self.last_run(task, wait)).await?;
        let covered = last.as_ref().and_then(|run| run.covers);
        if due.is_some_and(|due| covered.is_some_and(|covered| covered >= due)) {
            return Ok(Begun::ByAnother);
        }
        if last.is_some_and(|run| run.is_under_way(now)) {
            return Ok(Begun::Busy);
        }
        let run = Run {
            id,
            task: task.to_owned(),
            trigger,
            covers: due.or(covered),
            started: now,
            ended: None,
        };
        match self.note(&run, Some(sequence)).await? {
            true => Ok(Begun::Run(run)),
            false => Ok(Begun::ByAnother),
        }
    }

    /// Records the end of a run.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn end_run(&self, run: &Run) -> Result<(), LogError> {
        patiently(|_| async { self.note(run, None).await.map(|_| ()) }).await
    }

    /// Returns the recorded runs of all tasks, newest first.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn runs(&self) -> Result<Vec<Run>, LogError> {
        let notes = self
            .kept(&self.names().timers(), &self.names().runs("*"), MOST_NOTES)
            .await?;
        // Skips notes of a newer program that can't be decoded.
        let notes = notes
            .iter()
            .filter_map(|(at, body)| Some((*at, serde_json::from_slice::<Run>(body).ok()?)));
        let mut runs: HashMap<Uuid, (Position, Run)> = HashMap::new();
        for (position, note) in notes {
            let known = runs
                .entry(note.id)
                .or_insert_with(|| (position, note.clone()));
            known.1.ended = note.ended.or(known.1.ended.take());
        }
        let mut runs: Vec<_> = runs.into_values().collect();
        runs.sort_by_key(|(position, _)| std::cmp::Reverse(*position));
        Ok(runs.into_iter().map(|(_, run)| run).collect())
    }

    /// Writes a note. Returns false if the last sequence of the subject differs from the expected
    /// one.
    async fn note(&self, run: &Run, expected: Option<Position>) -> Result<bool, LogError> {
        let body =
            serde_json::to_vec(run).map_err(|error| LogError::Unavailable(error.to_string()))?;
        let mut headers = HeaderMap::new();
        if let Some(expected) = expected {
            headers.insert(EXPECTED, expected.to_string());
        }
        let request = Request::new()
            .headers(headers)
            .payload(body.into())
            .timeout(Some(ANSWER_WITHIN));
        let answer = self
            .client()
            .send_request(self.names().runs(&run.task), request)
            .await?;
        match parsed::<serde::de::IgnoredAny>(&answer.payload)? {
            Response::Ok(_) => Ok(true),
            Response::Err { error } if CONFLICT.contains(&error.error_code().0) => Ok(false),
            Response::Err { error } => Err((&error).into()),
        }
    }

    /// Returns the sequence of a task's last note and its run, as stored by the leader. The
    /// sequence is 0 if the task has no notes.
    async fn last_run(
        &self,
        task: &str,
        wait: Duration,
    ) -> Result<(Position, Option<Run>), LogError> {
        let api = format!("$JS.API.STREAM.MSG.GET.{}", self.names().timers());
        let ask = json!({ "last_by_subj": self.names().runs(task) }).to_string();
        let ask = Request::new().payload(ask.into()).timeout(Some(wait));
        let answer = self.client().send_request(api, ask).await?;
        match parsed::<Stored>(&answer.payload)? {
            Response::Ok(Stored { message }) => {
                let body = base64::Engine::decode(
                    &base64::engine::general_purpose::STANDARD,
                    &message.data,
                );
                let run = body
                    .ok()
                    .and_then(|body| serde_json::from_slice(&body).ok());
                Ok((message.seq, run))
            }
            Response::Err { error } if error.error_code().0 == NO_MESSAGE => Ok((0, None)),
            Response::Err { error } => Err((&error).into()),
        }
    }
}
