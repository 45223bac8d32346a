//! Group commit: one task per process writes all commits.
//!
//! The server syncs the disk once per atomic batch. A small batch takes as long as a large one, and
//! slows down all other writers. So commits that arrive while a batch is being written wait, and
//! are then written together as the next batch. A batch has at most one commit per subject, because
//! only the first message of a subject may have an expected sequence. If the server refuses a batch
//! because of a conflict, it doesn't name the subject. The batch is then bisected by commit, so
//! that only the conflicting commit fails. A small number of single-event commits is published
//! concurrently, without a batch.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use async_nats::Client;
use futures_util::future::{BoxFuture, join_all};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::availability::{PATIENCE, pause};
use super::batch::{MAX_BATCH, Outgoing, PublishError, Publisher};
use super::{LogError, Names, NewEvent, Position};

/// Maximum number of waiting single-event commits that are published concurrently instead of as a
/// batch. The server creates and removes files for each batch, which takes about as long as syncing
/// 16 events.
const PLAIN_UP_TO: usize = 16;
/// Maximum number of single-event commits that are published separately after a conflict. This is
/// cheaper than bisecting them further, because a refused message needs no sync.
const PLAIN_AFTER_CONFLICT: usize = 32;
/// Maximum total size of the bodies in one batch, in bytes. It limits the server's staging area.
const MAX_BATCH_BYTES: usize = 8 << 20;
/// Capacity of the queue of commits. If the queue is full, `append` waits.
const QUEUE: usize = 4_096;
/// Maximum number of retries of a commit while the cluster writes another message to its subject:
/// 31 ms in total. The server may report a message as being written although it has just
/// acknowledged it.
const IN_FLIGHT_TRIES: u32 = 5;
/// Time for which a batch with fewer than [`WORTH_A_BATCH`] events waits for more commits. Each
/// batch takes some milliseconds regardless of its size, and related commits rarely arrive at
/// exactly the same time.
const GATHER: Duration = Duration::from_millis(1);
/// Minimum number of events for which a batch is written without waiting for more.
const WORTH_A_BATCH: usize = 256;

/// Size of an event's body in bytes that every server accepts.
const ALWAYS_FITS: usize = 64 << 10;
/// Maximum size of an event's headers in bytes. Headers count towards the server's limit.
const HEADERS: usize = 4 << 10;

/// Events to append to one aggregate, with its expected last position.
#[derive(Clone, Debug)]
pub struct Append {
    /// Kind of the aggregate.
    pub aggregate: &'static str,
    /// Id of the aggregate.
    pub id: String,
    /// Expected last position of the aggregate; 0 if it has no events.
    pub expected: Position,
    /// Events to append, at least one.
    pub events: Vec<NewEvent>,
}

/// Events that are written atomically. Each aggregate occurs at most once in a commit.
#[derive(Clone, Debug)]
pub struct Commit {
    messages: Vec<Outgoing>,
}

impl Commit {
    /// Creates a commit with the messages for `appends`.
    #[must_use]
    pub fn new(names: &Names, appends: Vec<Append>) -> Self {
        let mut messages =
            Vec::with_capacity(appends.iter().map(|append| append.events.len()).sum());
        for append in appends {
            let subject = names.aggregate(append.aggregate, &append.id);
            let mut expected = Some(append.expected);
            messages.extend(append.events.into_iter().map(|event| Outgoing {
                subject: subject.clone(),
                expected: expected.take(),
                event,
            }));
        }
        Self { messages }
    }

    fn subjects(&self) -> impl Iterator<Item = &str> {
        self.messages
            .iter()
            .filter(|m| m.expected.is_some())
            .map(|m| m.subject.as_str())
    }

    fn bytes(&self) -> usize {
        self.messages
            .iter()
            .map(|message| message.event.body.len())
            .sum()
    }
}

/// Error of an append.
#[derive(Clone, Debug, Error)]
pub enum AppendError {
    /// The last position of an aggregate differs from the expected one; nothing was written. Load
    /// the aggregate and decide again.
    #[error("another command wrote to the same aggregate first")]
    Conflict,
    /// The outcome is unknown: the commit may have been written. Look for its events before you
    /// decide again.
    #[error("the event log did not respond in time: {0}")]
    Unknown(String),
    /// Nothing was written: the server was unavailable for 15 s, or the stream doesn't exist. Try
    /// again later.
    #[error("{0}")]
    Unavailable(String),
    /// Nothing was written: the server refuses the commit permanently, or the commit is too large.
    /// A retry can't help.
    #[error("{0}")]
    Refused(String),
}

type Answer = Result<Vec<Position>, AppendError>;

struct Waiting {
    commit: Commit,
    answer: oneshot::Sender<Answer>,
}

/// Handle to this process's committing task.
pub(crate) struct Committer {
    queue: mpsc::Sender<Waiting>,
    client: Client,
}

impl Committer {
    pub(crate) fn start(publisher: Publisher) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let client = publisher.client().clone();
        tokio::spawn(run(publisher, waiting));
        Self { queue, client }
    }

    pub(crate) async fn commit(&self, commit: Commit) -> Answer {
        if commit.messages.is_empty() || commit.messages.len() > MAX_BATCH {
            return Err(AppendError::Refused(format!(
                "a commit has 1 to {MAX_BATCH} events"
            )));
        }
        let largest = commit.messages.iter().map(|m| m.event.body.len()).max();
        if let Some(bytes) = largest.filter(|bytes| *bytes > ALWAYS_FITS) {
            let most = self.client.server_info().max_payload;
            if bytes + HEADERS > most {
                return Err(AppendError::Refused(format!(
                    "an event of {bytes} bytes is larger than the server's limit of {most} bytes"
                )));
            }
        }
        let (answer, answered) = oneshot::channel();
        let gone = || AppendError::Unknown("the committing task has ended".to_owned());
        self.queue
            .send(Waiting { commit, answer })
            .await
            .map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

async fn run(publisher: Publisher, mut queue: mpsc::Receiver<Waiting>) {
    let mut waiting = VecDeque::new();
    loop {
        if waiting.is_empty() {
            let Some(first) = queue.recv().await else {
                return;
            };
            waiting.push_back(first);
        }
        take_waiting(&mut queue, &mut waiting);
        let messages: usize = waiting.iter().map(|w| w.commit.messages.len()).sum();
        if !is_plain(waiting.iter(), PLAIN_UP_TO) && messages < WORTH_A_BATCH {
            tokio::time::sleep(GATHER).await;
            take_waiting(&mut queue, &mut waiting);
        }
        let group = next_group(&mut waiting);
        metrics::histogram!("laureate_group_commit_size").record(group.len() as f64);
        if is_plain(group.iter(), PLAIN_UP_TO) {
            write_each(&publisher, group).await;
        } else {
            write_group(&publisher, group).await;
        }
    }
}

/// Returns true if there are at most `few` commits and each has a single event.
fn is_plain<'w>(mut commits: impl ExactSizeIterator<Item = &'w Waiting>, few: usize) -> bool {
    commits.len() <= few && commits.all(|waiting| waiting.commit.messages.len() == 1)
}

/// Writes the commits concurrently, each in its own request.
async fn write_each(publisher: &Publisher, group: Vec<Waiting>) {
    join_all(
        group
            .into_iter()
            .map(|one| write_group(publisher, vec![one])),
    )
    .await;
}

fn take_waiting(queue: &mut mpsc::Receiver<Waiting>, waiting: &mut VecDeque<Waiting>) {
    while waiting.len() < QUEUE
        && let Ok(next) = queue.try_recv()
    {
        waiting.push_back(next);
    }
}

/// Takes the commits of the next batch from the queue: the oldest first, at most one per subject,
/// within the server's limits. A commit that shares a subject with a skipped one is skipped too, so
/// that their order is kept.
fn next_group(waiting: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let mut group = Vec::new();
    let mut left = VecDeque::new();
    let mut subjects: HashSet<String> = HashSet::new();
    let mut messages = 0;
    let mut bytes = 0;
    while let Some(next) = waiting.pop_front() {
        let more = next.commit.messages.len();
        let heavier = next.commit.bytes();
        let fits = messages + more <= MAX_BATCH
            && (group.is_empty() || bytes + heavier <= MAX_BATCH_BYTES);
        let apart = next
            .commit
            .subjects()
            .all(|subject| !subjects.contains(subject));
        subjects.extend(next.commit.subjects().map(str::to_owned));
        if fits && apart {
            messages += more;
            bytes += heavier;
            group.push(next);
        } else {
            left.push_back(next);
        }
        if messages >= MAX_BATCH {
            break;
        }
    }
    left.append(waiting);
    *waiting = left;
    group
}

/// Writes a group as one batch. After a conflict or a refusal, the group is bisected, so that only
/// the commit that causes it fails. If the group has only a few single-event commits, they are
/// published separately instead.
fn write_group(publisher: &Publisher, mut group: Vec<Waiting>) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        match publish(publisher, &group).await {
            Ok(last) => acknowledge(group, last),
            Err(PublishError::Refused(error @ LogError::NotProvisioned)) => {
                fail(group, &AppendError::Unavailable(error.to_string()));
            }
            Err(PublishError::Conflict | PublishError::InFlight | PublishError::Refused(_))
                if group.len() > 1 && is_plain(group.iter(), PLAIN_AFTER_CONFLICT) =>
            {
                write_each(publisher, group).await;
            }
            Err(PublishError::Conflict | PublishError::InFlight | PublishError::Refused(_))
                if group.len() > 1 =>
            {
                let second = group.split_off(group.len() / 2);
                write_group(publisher, group).await;
                write_group(publisher, second).await;
            }
            Err(PublishError::Conflict | PublishError::InFlight) => {
                fail(group, &AppendError::Conflict)
            }
            Err(PublishError::Unknown(why)) => fail(group, &AppendError::Unknown(why)),
            Err(PublishError::NotNow(error)) => {
                fail(group, &AppendError::Unavailable(error.to_string()));
            }
            Err(PublishError::Refused(error)) => {
                fail(group, &AppendError::Refused(error.to_string()));
            }
        }
    })
}

/// Publishes a group. If the server can't write it now and certainly wrote nothing, retries for up
/// to [`PATIENCE`].
async fn publish(publisher: &Publisher, group: &[Waiting]) -> Result<Position, PublishError> {
    let messages: Vec<&Outgoing> = group.iter().flat_map(|w| &w.commit.messages).collect();
    let start = Instant::now();
    let mut tries = 0;
    let mut in_flight = 0;
    loop {
        let begun = Instant::now();
        let answer = match messages.as_slice() {
            [single] => publisher.one(single).await,
            _ => {
                publisher
                    .batch(&uuid::Uuid::new_v4().to_string(), &messages)
                    .await
            }
        };
        publisher.written.note(begun, &answer);
        match answer {
            Err(PublishError::NotNow(_)) if start.elapsed() < PATIENCE => pause(&mut tries).await,
            Err(PublishError::InFlight) if group.len() == 1 && in_flight < IN_FLIGHT_TRIES => {
                tokio::time::sleep(Duration::from_millis(1 << in_flight)).await;
                in_flight += 1;
            }
            other => return other,
        }
    }
}

fn acknowledge(group: Vec<Waiting>, last: Position) {
    let total: usize = group.iter().map(|w| w.commit.messages.len()).sum();
    let mut next = last + 1 - total as Position;
    for one in group {
        let end = next + one.commit.messages.len() as Position;
        // The receiver no longer exists if the caller was dropped. The commit is written
        // nevertheless.
        let _ = one.answer.send(Ok((next..end).collect()));
        next = end;
    }
}

fn fail(group: Vec<Waiting>, error: &AppendError) {
    for one in group {
        let _ = one.answer.send(Err(error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(subjects: &[&str]) -> Waiting {
        let message = |subject: &&str| Outgoing {
            subject: (*subject).to_owned(),
            expected: Some(0),
            event: NewEvent::sample(),
        };
        let messages = subjects.iter().map(message).collect();
        Waiting {
            commit: Commit { messages },
            answer: oneshot::channel().0,
        }
    }

    fn names(group: &[Waiting]) -> Vec<Vec<&str>> {
        group
            .iter()
            .map(|w| w.commit.subjects().collect())
            .collect()
    }

    #[test]
    fn group_has_each_subject_once_and_keeps_the_order() {
        let mut queue: VecDeque<_> = [
            waiting(&["a"]),
            waiting(&["a", "b"]),
            waiting(&["b"]),
            waiting(&["c"]),
        ]
        .into();
        let group = next_group(&mut queue);
        assert_eq!(names(&group), [vec!["a"], vec!["c"]]);
        let group = next_group(&mut queue);
        assert_eq!(names(&group), [vec!["a", "b"]]);
        let group = next_group(&mut queue);
        assert_eq!(names(&group), [vec!["b"]]);
        assert!(queue.is_empty());
    }

    #[test]
    fn group_does_not_exceed_the_limit_of_the_server() {
        let subjects: Vec<String> = (0..MAX_BATCH + 5).map(|n| n.to_string()).collect();
        let mut queue: VecDeque<_> = subjects.iter().map(|s| waiting(&[s])).collect();
        assert_eq!(next_group(&mut queue).len(), MAX_BATCH);
        assert_eq!(next_group(&mut queue).len(), 5);
    }
}
