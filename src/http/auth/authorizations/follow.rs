//! Consumers that keep the authorization state current. One reads all events about users, second
//! factors and API keys. The other reads the events about sessions whose access tokens may still be
//! valid.

use std::time::{Duration, Instant};

use time::OffsetDateTime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Authorizations, Progress};
use crate::event_log::{EventLog, LogError, Position};

/// Time without an event after which the consumer is replaced. The server may create the new
/// consumer on another node.
pub(super) const RENEW_AFTER: Duration = Duration::from_secs(10);
/// Delay before the next attempt if the log is unavailable.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Largest number of events per batch.
const STEP: usize = 1_000;
/// Margin for clock differences. It is added to the lifetime of access tokens to get the time from
/// which session events are read.
const MARGIN: Duration = Duration::from_secs(60);

impl Authorizations {
    /// Follows the log until `shutdown`, or until an event that this program doesn't know or can't
    /// read. Returns at `shutdown`. `access` is the lifetime of access tokens, `now` the current
    /// time.
    pub async fn follow(
        &self,
        log: &EventLog,
        access: Duration,
        now: OffsetDateTime,
        shutdown: CancellationToken,
    ) {
        let lives = access + MARGIN;
        let all_of = |aggregate: &str| log.names().all_of(aggregate);
        let people = vec![all_of("user"), all_of("apikey"), all_of("secondfactor")];
        let sessions = vec![all_of("session")];
        let people = Follower {
            authorizations: self,
            log,
            subjects: people,
            progress: &self.users,
            lives,
        };
        let sessions = Follower {
            subjects: sessions,
            progress: &self.sessions,
            ..people.clone()
        };
        let both = async { tokio::join!(people.run(None), sessions.run(Some(now - lives))) };
        shutdown.run_until_cancelled(both).await;
        // Both may have stopped. The end of this task would end the process.
        shutdown.cancelled().await;
    }
}

#[derive(Clone)]
struct Follower<'s> {
    authorizations: &'s Authorizations,
    log: &'s EventLog,
    subjects: Vec<String>,
    progress: &'s watch::Sender<Progress>,
    lives: Duration,
}

impl Follower<'_> {
    /// Applies events from the start of the log, or from the time `since`, until one is unknown.
    async fn run(&self, since: Option<OffsetDateTime>) {
        let mut after = None;
        let mut reachable = true;
        loop {
            let outcome = match after {
                None => self
                    .begin(since)
                    .await
                    .map(|position| after = Some(position)),
                Some(position) => self.until_silent(position, &mut after).await,
            };
            if self.progress.borrow().unknown.is_some() {
                return;
            }
            self.authorizations.forget(self.lives);
            if let Err(error) = &outcome {
                if reachable {
                    tracing::warn!(%error, "authorization consumer unavailable, retrying");
                }
                tokio::time::sleep(AGAIN_AFTER).await;
            }
            reachable = outcome.is_ok();
        }
    }

    async fn begin(&self, since: Option<OffsetDateTime>) -> Result<Position, LogError> {
        let Some(since) = since else { return Ok(0) };
        // No event is as new as `since`, so all events in the log can be skipped.
        match self.log.position_at(since).await? {
            Some(position) => Ok(position.saturating_sub(1)),
            None => Ok(self.log.info().await?.last_position),
        }
    }

    /// Applies events until no event has arrived for [`RENEW_AFTER`], or until one is unknown. The
    /// caller then replaces the consumer, because it may have failed.
    async fn until_silent(
        &self,
        from: Position,
        after: &mut Option<Position>,
    ) -> Result<(), LogError> {
        let mut reader = self.log.read_some_after(from, self.subjects.clone());
        let mut forgot = Instant::now();
        loop {
            let asked = Instant::now();
            if reader.remaining().await? == 0 {
                self.progress.send_modify(|progress| {
                    progress.position = progress.position.max(reader.position());
                    progress.level_at = Some(asked);
                });
            }
            let events = match reader.next_batch(STEP, RENEW_AFTER).await {
                Err(error @ LogError::Undecodable { .. }) => {
                    self.stop(error.to_string());
                    return Ok(());
                }
                read => read?,
            };
            if events.is_empty() {
                return Ok(());
            }
            if let Err(unknown) = self.authorizations.apply(&events) {
                self.stop(unknown);
                return Ok(());
            }
            if forgot.elapsed() > RENEW_AFTER {
                self.authorizations.forget(self.lives);
                forgot = Instant::now();
            }
            *after = Some(reader.position());
            self.progress
                .send_modify(|progress| progress.position = reader.position());
        }
    }

    fn stop(&self, unknown: String) {
        tracing::error!(unknown, "authorization state stopped, use a newer program");
        self.progress
            .send_modify(|progress| progress.unknown = Some(unknown));
    }
}
