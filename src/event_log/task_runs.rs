//! Runs of scheduled tasks, written down on a subject for each task in the stream `TIMERS`.
//!
//! A run begins by a note that expects to follow the last one, so of many processes one begins it. The
//! server keeps the last two hundred notes of each task: about a hundred runs.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::response::Response;
use async_nats::{HeaderMap, Request};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::availability::patiently;
use super::{EventLog, LogError, Position};

const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";
/// JetStream: no message found.
const NO_MESSAGE: u64 = 10037;
/// JetStream: wrong last sequence, compared with what is stored or with what is just being written.
const CONFLICT: [u64; 2] = [10_071, 10_164];
/// The longest that a run may take; one without an end after that was interrupted.
pub const LONGEST: Duration = Duration::from_secs(600);
/// How long the server may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// The most notes that one reading takes.
const MOST_NOTES: usize = 5_000;

/// Why a task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// The clock.
    Cron,
    /// Somebody.
    Forced,
    /// A scheduler was started.
    Start,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Whether it did what it should.
    pub succeeded: bool,
    /// What it did, or why it could not; no personal data.
    pub told: String,
}

/// One run of a task, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Its id.
    pub id: Uuid,
    /// The task's name.
    pub task: String,
    /// Why it runs.
    pub trigger: Trigger,
    /// The last planned time that this and earlier runs cover; nobody runs the task for it again.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub covers: Option<OffsetDateTime>,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// How it ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

impl Run {
    /// Whether it is under way at a time; one that takes longer than it may was interrupted.
    #[must_use]
    pub fn is_under_way(&self, now: OffsetDateTime) -> bool {
        self.ended.is_none() && now < self.started + LONGEST
    }
}

/// What came of wanting to begin a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is ours.
    Run(Run),
    /// The planned time is covered, or somebody else was a moment faster.
    ByAnother,
    /// The task is at work; it never is twice at a time.
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
    /// Begins a run of a task, unless it is covered, under way, or begun by somebody else in this moment.
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
        let run =
            Run { id, task: task.to_owned(), trigger, covers: due.or(covered), started: now, ended: None };
        match self.note(&run, Some(sequence)).await? {
            true => Ok(Begun::Run(run)),
            false => Ok(Begun::ByAnother),
        }
    }

    /// Notes how a run ended.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn end_run(&self, run: &Run) -> Result<(), LogError> {
        patiently(|_| async { self.note(run, None).await.map(|_| ()) }).await
    }

    /// The runs of all tasks that are still known, newest first.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn runs(&self) -> Result<Vec<Run>, LogError> {
        let notes = self.kept(&self.names().timers(), &self.names().runs("*"), MOST_NOTES).await?;
        // A note of a later program that this one can't read is passed over.
        let notes =
            notes.iter().filter_map(|(at, body)| Some((*at, serde_json::from_slice::<Run>(body).ok()?)));
        let mut runs: HashMap<Uuid, (Position, Run)> = HashMap::new();
        for (position, note) in notes {
            let known = runs.entry(note.id).or_insert_with(|| (position, note.clone()));
            known.1.ended = note.ended.or(known.1.ended.take());
        }
        let mut runs: Vec<_> = runs.into_values().collect();
        runs.sort_by_key(|(position, _)| std::cmp::Reverse(*position));
        Ok(runs.into_iter().map(|(_, run)| run).collect())
    }

    /// Writes a note; tells whether the subject's last sequence was the expected one.
    async fn note(&self, run: &Run, expected: Option<Position>) -> Result<bool, LogError> {
        let body = serde_json::to_vec(run).map_err(|error| LogError::Unavailable(error.to_string()))?;
        let mut headers = HeaderMap::new();
        if let Some(expected) = expected {
            headers.insert(EXPECTED, expected.to_string());
        }
        let request = Request::new().headers(headers).payload(body.into()).timeout(Some(ANSWER_WITHIN));
        let answer = self.client().send_request(self.names().runs(&run.task), request).await?;
        match serde_json::from_slice::<Response<serde::de::IgnoredAny>>(&answer.payload) {
            Ok(Response::Ok(_)) => Ok(true),
            Ok(Response::Err { error }) if CONFLICT.contains(&error.error_code().0) => Ok(false),
            Ok(Response::Err { error }) => Err((&error).into()),
            Err(error) => Err(LogError::Unavailable(format!("the server's answer is not readable: {error}"))),
        }
    }

    /// The last note of a task and its sequence as the leader has them; 0 for none.
    async fn last_run(&self, task: &str, wait: Duration) -> Result<(Position, Option<Run>), LogError> {
        let api = format!("$JS.API.STREAM.MSG.GET.{}", self.names().timers());
        let ask = json!({ "last_by_subj": self.names().runs(task) }).to_string();
        let ask = Request::new().payload(ask.into()).timeout(Some(wait));
        let answer = self.client().send_request(api, ask).await?;
        match serde_json::from_slice::<Response<Stored>>(&answer.payload) {
            Ok(Response::Ok(Stored { message })) => {
                let body = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &message.data);
                let run = body.ok().and_then(|body| serde_json::from_slice(&body).ok());
                Ok((message.seq, run))
            }
            Ok(Response::Err { error }) if error.error_code().0 == NO_MESSAGE => Ok((0, None)),
            Ok(Response::Err { error }) => Err((&error).into()),
            Err(error) => Err(LogError::Unavailable(format!("the server's answer is not readable: {error}"))),
        }
    }
}
