//! Oracle: reads nats-server, PostgreSQL, the objects, the mail server and the logs itself, and
//! checks what must hold after any fault.
//!
//! - A: one current issuance per person and certificate, whose object has the recorded hash.
//! - B: at most one accepted mail per intent, and unknown ones are listed.
//! - C: the tables equal the log and are at its end.
//! - D: everything that was acknowledged is in the log, and no valid request is refused.
//! - E: within 60 s after healing, all work is done without help.
//! - F: no personal data in logs, object keys and public events.
//! - G: no process has ended by itself or reported a wrong state, and all are ready.

mod checks;
pub mod history;
mod tests;

use std::fmt;
use std::time::{Duration, Instant};

use async_nats::jetstream::stream::Stream;
use futures_util::TryStreamExt;

use super::installation::Installation;
use super::load::Recorded;
use crate::support::hold;
use history::{History, stream};

/// Longest time until all work is done after healing.
const DRAIN_WITHIN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(500);
/// Largest number of violations of one check that are reported.
const EVIDENCE: usize = 5;

/// Violation of an invariant.
pub struct Violation {
    /// Letter of the invariant.
    invariant: char,
    evidence: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.evidence)
    }
}

/// Waits until all work is done, and checks all invariants.
///
/// `mails_may_fail` is true if the mail server has refused mails permanently.
pub async fn judge(
    on: &mut Installation,
    recorded: &Recorded,
    mails_may_fail: bool,
) -> Vec<Violation> {
    let stream = stream(&on.nats_urls()).await;
    let mut history = History::default();
    let unfinished = drain(on, &stream, &mut history).await;
    let mut found = Vec::new();
    let mut add = |invariant, evidence: Vec<String>| {
        let more = evidence.len().saturating_sub(EVIDENCE);
        let mut evidence: Vec<String> = evidence.into_iter().take(EVIDENCE).collect();
        if more > 0 {
            evidence.push(format!("{more} more"));
        }
        let violations = evidence.into_iter().map(|evidence| Violation {
            invariant,
            evidence,
        });
        found.extend(violations);
    };
    add('E', unfinished);
    add('A', checks::issuances(&history, &on.objects(), recorded));
    add('C', tables(on, &stream, &mut history).await);
    add('B', checks::mails(&history, &on.mail.accepted()));
    add('D', checks::acknowledged(&history, recorded));
    add('E', checks::failed_work(&history, mails_may_fail));
    add('F', checks::personal_data(on, recorded));
    add('G', checks::processes(on).await);
    found
}

/// Waits until all work is done, without regard to the tables. Returns what is unfinished after
/// 60 s.
pub async fn unfinished_work(on: &mut Installation) -> Vec<String> {
    let stream = stream(&on.nats_urls()).await;
    let mut history = History::default();
    let start = Instant::now();
    loop {
        on.check();
        history.read_on(&stream).await;
        let mut unfinished = checks::unfinished(&history);
        unfinished.extend(waiting_deliveries(&stream).await);
        if unfinished.is_empty() || start.elapsed() > DRAIN_WITHIN {
            let text = |what| format!("E: side by side, {what}");
            return unfinished.into_iter().map(text).collect();
        }
        hold(LOOK).await;
    }
}

/// Compares the tables with the log. Repeats this while unfinished work changes both.
async fn tables(on: &mut Installation, stream: &Stream, history: &mut History) -> Vec<String> {
    let start = Instant::now();
    loop {
        history.read_on(stream).await;
        let found = checks::tables(on, history).await;
        let before = history.last_position;
        history.read_on(stream).await;
        if history.last_position == before || start.elapsed() > DRAIN_WITHIN {
            return found;
        }
    }
}

/// Waits until all work is done. Returns what is unfinished after 60 s.
async fn drain(on: &mut Installation, stream: &Stream, history: &mut History) -> Vec<String> {
    let start = Instant::now();
    loop {
        on.check();
        history.read_on(stream).await;
        let mut unfinished = checks::unfinished(history);
        unfinished.extend(waiting_deliveries(stream).await);
        unfinished.extend(checks::behind(on, history.last_position).await);
        if unfinished.is_empty() {
            // An event may have followed after the last read.
            let before = history.last_position;
            history.read_on(stream).await;
            if history.last_position == before {
                return unfinished;
            }
        }
        if start.elapsed() > DRAIN_WITHIN {
            return unfinished;
        }
        hold(LOOK).await;
    }
}

/// Returns the durable consumers that have events which are not acknowledged.
async fn waiting_deliveries(stream: &Stream) -> Vec<String> {
    let consumers: Vec<_> = stream.consumers().try_collect().await.unwrap_or_default();
    let durable = consumers.iter().filter(|c| c.config.durable_name.is_some());
    durable
        .filter(|c| c.num_pending > 0 || c.num_ack_pending > 0)
        .map(|c| {
            let (pending, unacknowledged) = (c.num_pending, c.num_ack_pending);
            format!(
                "{} has {pending} pending, {unacknowledged} unacknowledged",
                c.name
            )
        })
        .collect()
}
