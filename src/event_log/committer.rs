//! Group commit: one committing task per process.
//!
//! An atomic batch syncs the disk once whatever its size, but a tiny one costs as much as a large
//! one and slows every other writer. So while one batch is being written, the commits that arrive
//! wait, and then go out together — at most one per subject in a batch, because an expectation can
//! only stand on a subject's first message. When the server refuses a batch for a conflict it
//! doesn't name the subject; the batch is bisected by commit, so one conflict costs the others
//! nothing but time. Few single-event commits are published plainly, side by side.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, join_all};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::availability::{PATIENCE, pause};
use super::batch::{MAX_BATCH, Outgoing, PublishError, Publisher};
use super::{Names, NewEvent, Position};

/// Up to this many waiting single-event commits are published side by side instead of as a batch: for
/// each batch the server makes and removes files, which costs as much as syncing about 16 events.
const PLAIN_UP_TO: usize = 16;
/// After a conflict, up to this many single-event commits are told apart by publishing each plainly:
/// cheaper than halving them further, because what is refused costs no sync.
const PLAIN_AFTER_CONFLICT: usize = 32;
/// The most bytes of bodies in one batch; keeps the server's staging small.
const MAX_BATCH_BYTES: usize = 8 << 20;
/// Commits that may wait before `append` itself waits.
const QUEUE: usize = 4_096;
/// How often a lone commit is tried again while a cluster writes something else to its subject: 31 ms
/// in all. What was acknowledged a moment ago may still count as being written.
const IN_FLIGHT_TRIES: u32 = 5;
/// How long a batch with room in it waits for more. Each batch costs some milliseconds, however small it is,
/// and what belongs together rarely arrives all at the same moment.
const GATHER: Duration = Duration::from_millis(1);
/// From this many events on a batch is worth its cost, and waits for no more.
const WORTH_A_BATCH: usize = 256;

/// Events of one aggregate, and the last position that it must have.
#[derive(Clone, Debug)]
pub struct Append {
    /// The aggregate's kind.
    pub aggregate: &'static str,
    /// The aggregate's id.
    pub id: String,
    /// The aggregate's last position; 0 for none.
    pub expected: Position,
    /// What is appended, at least one.
    pub events: Vec<NewEvent>,
}

/// What is written together or not at all; each aggregate at most once.
#[derive(Clone, Debug)]
pub struct Commit {
    messages: Vec<Outgoing>,
}

impl Commit {
    /// Makes the messages of a commit.
    #[must_use]
    pub fn new(names: &Names, appends: Vec<Append>) -> Self {
        let mut messages = Vec::with_capacity(appends.iter().map(|append| append.events.len()).sum());
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
        self.messages.iter().filter(|m| m.expected.is_some()).map(|m| m.subject.as_str())
    }

    fn bytes(&self) -> usize {
        self.messages.iter().map(|message| message.event.body.len()).sum()
    }
}

/// Why a commit was not acknowledged.
#[derive(Clone, Debug, Error)]
pub enum AppendError {
    /// An aggregate has other events than expected; nothing was written. Load and decide again.
    #[error("somebody else wrote to the same aggregate first")]
    Conflict,
    /// The server didn't answer in time: the commit may be there. Look for it before deciding again.
    #[error("the event log did not answer in time: {0}")]
    Unknown(String),
    /// Nothing was written.
    #[error("{0}")]
    Refused(String),
}

type Answer = Result<Vec<Position>, AppendError>;

struct Waiting {
    commit: Commit,
    answer: oneshot::Sender<Answer>,
}

/// The way to this process's committing task.
pub(crate) struct Committer {
    queue: mpsc::Sender<Waiting>,
}

impl Committer {
    pub(crate) fn start(publisher: Publisher) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(run(publisher, waiting));
        Self { queue }
    }

    pub(crate) async fn commit(&self, commit: Commit) -> Answer {
        if commit.messages.is_empty() || commit.messages.len() > MAX_BATCH {
            return Err(AppendError::Refused(format!("a commit has 1 to {MAX_BATCH} events")));
        }
        let (answer, answered) = oneshot::channel();
        let gone = || AppendError::Unknown("the committing task has ended".to_owned());
        self.queue.send(Waiting { commit, answer }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

async fn run(publisher: Publisher, mut queue: mpsc::Receiver<Waiting>) {
    let mut waiting = VecDeque::new();
    loop {
        if waiting.is_empty() {
            let Some(first) = queue.recv().await else { return };
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

/// Whether all of these few commits are single events.
fn is_plain<'w>(mut commits: impl ExactSizeIterator<Item = &'w Waiting>, few: usize) -> bool {
    commits.len() <= few && commits.all(|waiting| waiting.commit.messages.len() == 1)
}

/// Writes commits side by side, each on its own.
async fn write_each(publisher: &Publisher, group: Vec<Waiting>) {
    join_all(group.into_iter().map(|one| write_group(publisher, vec![one]))).await;
}

fn take_waiting(queue: &mut mpsc::Receiver<Waiting>, waiting: &mut VecDeque<Waiting>) {
    while waiting.len() < QUEUE
        && let Ok(next) = queue.try_recv()
    {
        waiting.push_back(next);
    }
}

/// Takes what may go out together: the oldest first, each subject once, within the server's limits.
/// A commit that shares a subject with one that stays behind stays behind too, so none overtakes.
fn next_group(waiting: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let mut group = Vec::new();
    let mut left = VecDeque::new();
    let mut subjects: HashSet<String> = HashSet::new();
    let (mut messages, mut bytes) = (0, 0);
    while let Some(next) = waiting.pop_front() {
        let (more, heavier) = (next.commit.messages.len(), next.commit.bytes());
        let fits = messages + more <= MAX_BATCH && (group.is_empty() || bytes + heavier <= MAX_BATCH_BYTES);
        let apart = next.commit.subjects().all(|subject| !subjects.contains(subject));
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

/// Writes a group as one batch; on a conflict, each half on its own, and a few each on their own.
fn write_group(publisher: &Publisher, mut group: Vec<Waiting>) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        match publish(publisher, &group).await {
            Ok(last) => acknowledge(group, last),
            Err(PublishError::Conflict | PublishError::InFlight)
                if group.len() > 1 && is_plain(group.iter(), PLAIN_AFTER_CONFLICT) =>
            {
                write_each(publisher, group).await;
            }
            Err(PublishError::Conflict | PublishError::InFlight) if group.len() > 1 => {
                let second = group.split_off(group.len() / 2);
                write_group(publisher, group).await;
                write_group(publisher, second).await;
            }
            Err(PublishError::Conflict | PublishError::InFlight) => fail(group, &AppendError::Conflict),
            Err(PublishError::Unknown(why)) => fail(group, &AppendError::Unknown(why)),
            Err(PublishError::Refused(error) | PublishError::NotNow(error)) => {
                fail(group, &AppendError::Refused(error.to_string()));
            }
        }
    })
}

/// Publishes until the server says what became of it, or it has been patient for long enough.
async fn publish(publisher: &Publisher, group: &[Waiting]) -> Result<Position, PublishError> {
    let messages: Vec<&Outgoing> = group.iter().flat_map(|w| &w.commit.messages).collect();
    let start = Instant::now();
    let (mut tries, mut in_flight) = (0, 0);
    loop {
        let answer = match messages.as_slice() {
            [single] => publisher.one(single).await,
            _ => publisher.batch(&uuid::Uuid::new_v4().to_string(), &messages).await,
        };
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
        // Nobody waits any more where the caller was dropped; the commit stands all the same.
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
        Waiting { commit: Commit { messages }, answer: oneshot::channel().0 }
    }

    fn names(group: &[Waiting]) -> Vec<Vec<&str>> {
        group.iter().map(|w| w.commit.subjects().collect()).collect()
    }

    #[test]
    fn a_subject_goes_out_once_and_nothing_overtakes() {
        let mut queue: VecDeque<_> =
            [waiting(&["a"]), waiting(&["a", "b"]), waiting(&["b"]), waiting(&["c"])].into();
        let group = next_group(&mut queue);
        assert_eq!(names(&group), [vec!["a"], vec!["c"]]);
        let group = next_group(&mut queue);
        assert_eq!(names(&group), [vec!["a", "b"]]);
        let group = next_group(&mut queue);
        assert_eq!(names(&group), [vec!["b"]]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_group_never_exceeds_the_servers_limit() {
        let subjects: Vec<String> = (0..MAX_BATCH + 5).map(|n| n.to_string()).collect();
        let mut queue: VecDeque<_> = subjects.iter().map(|s| waiting(&[s])).collect();
        assert_eq!(next_group(&mut queue).len(), MAX_BATCH);
        assert_eq!(next_group(&mut queue).len(), 5);
    }
}
