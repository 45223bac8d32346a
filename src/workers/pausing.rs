//! Pauses of a worker while a part of the infrastructure is away.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::AckKind;
use futures_util::FutureExt;

use super::consume::Worker;
use super::handling::{ELSEWHERE_AFTER, Item, Shared, Source};
use super::state::{Away, WorkerState};
use super::verdict::Verdict;
use crate::event_log::LogError;

/// Interval between the first two probes of infrastructure that is away. It doubles.
const FIRST_PROBE: Duration = Duration::from_secs(1);
/// Longest interval between two probes.
const LONGEST_PROBE: Duration = Duration::from_secs(10);
/// Longest time for a probe, except one of the mail server.
const PROBED_WITHIN: Duration = Duration::from_secs(10);
/// Delay before work that needs the sandbox is tried again, maybe by another process.
const SANDBOX_DELAY: Duration = Duration::from_secs(30);

impl<W: Worker> Shared<W> {
    /// Stops handling a delivery that could not be concluded. If the log is away, drops it. Its
    /// heartbeats may have been lost, so the server delivers it again after the ack wait. A copy
    /// that is kept here would be handled twice. If the log is there, hands the delivery back.
    pub(super) async fn leave(self: &Arc<Self>, item: &Item, error: &LogError) {
        if self.pauses(Away::Log, &error.to_string()).await {
            self.in_hand(item.source).remove(item.sequence);
            return;
        }
        tracing::warn!(worker = W::NAME, %error, "delivery not concluded, redelivery requested");
        self.settle(item, AckKind::Nak(Some(ELSEWHERE_AFTER))).await;
    }

    /// Probes infrastructure that verdicts report as away, once for all deliveries. If the probe
    /// succeeds, the work has failed. If the sandbox is away, a timer repeats the work that needs
    /// it.
    pub(super) async fn confirmed(self: &Arc<Self>, mut verdicts: Vec<Verdict>) -> Vec<Verdict> {
        let mut is_away = BTreeMap::new();
        for verdict in &mut verdicts {
            let Verdict::Away { what, why } = verdict else {
                continue;
            };
            let what = *what;
            let pauses = match is_away.entry(what) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(unknown) => *unknown.insert(self.pauses(what, why).await),
            };
            let why = std::mem::take(why);
            *verdict = match (pauses, what.stops_all()) {
                (false, _) => Verdict::Failed { why },
                (true, true) => Verdict::Away { what, why },
                (true, false) => Verdict::Again {
                    after: SANDBOX_DELAY.mul_f64(rand::random_range(0.75..=1.25)),
                    why,
                },
            };
        }
        verdicts
    }

    /// Probes `what`. If it is away, pauses the worker until it is back and returns true. If the
    /// worker is already paused because of it, returns true without a probe.
    pub(super) async fn pauses(self: &Arc<Self>, what: Away, why: &str) -> bool {
        let is_known =
            matches!(self.state.get(), WorkerState::Paused(away) if away.contains_key(&what));
        if is_known {
            return true;
        }
        let Err(found) = self.probe(what).await else {
            return false;
        };
        tracing::debug!(
            worker = W::NAME,
            away = what.name(),
            why,
            "probe failed, too"
        );
        if self.state.pause(what, &found) {
            let shared = self.clone();
            let end = self.end.clone();
            self.tasks.spawn(async move {
                end.run_until_cancelled(shared.probe_until_back(what)).await;
            });
        }
        true
    }

    /// Probes infrastructure that is away until it is back.
    async fn probe_until_back(&self, what: Away) {
        let mut wait = FIRST_PROBE;
        loop {
            tokio::time::sleep(wait).await;
            match self.probe(what).await {
                Ok(()) => return self.state.resume(what),
                Err(why) => self.state.pause(what, &why),
            };
            wait = (wait * 2).min(LONGEST_PROBE);
        }
    }

    async fn probe(&self, what: Away) -> Result<(), String> {
        let probe = async {
            match what {
                Away::Log => self.probe_log().await.map_err(|error| error.to_string()),
                _ => self.worker.probe(what).await,
            }
        };
        // A panic must not end the only task that can resume the worker.
        let probe = AssertUnwindSafe(probe).catch_unwind();
        match limited(what, probe).await {
            Some(Ok(probed)) => probed,
            Some(Err(_)) => Err("the check panicked; see the log of the process".to_owned()),
            None => Err("no answer in time".to_owned()),
        }
    }

    /// Checks that the log has a leader and that this worker's consumers exist, and that the log and
    /// the stream of timers store writes. After a full disk, only one of them may. Position 0 has no
    /// event, so the note that is written there means nothing.
    async fn probe_log(&self) -> Result<(), LogError> {
        self.log.info().await?;
        for source in [Source::Events, Source::Retries] {
            let name = source.consumer_of(W::NAME);
            self.log.open_durable(source.durable(&name)).await?;
        }
        self.log.check_stores_writes().await?;
        self.log.set_crashes(W::NAME, 0, 0).await
    }
}

/// Runs a probe. Returns `None` if it takes too long. A probe of the mail server has no common
/// limit: each step has the limit of a mail's step, so a slow server through which mails can be sent
/// is not away.
async fn limited<T>(what: Away, probe: impl Future<Output = T>) -> Option<T> {
    if what == Away::MailServer {
        return Some(probe.await);
    }
    tokio::time::timeout(PROBED_WITHIN, probe).await.ok()
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep_until};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_the_mail_server_may_take_long_for_a_probe() {
        for (what, probed) in [
            (Away::Log, None),
            (Away::Storage, None),
            (Away::Sandbox, None),
            (Away::MailServer, Some(())),
        ] {
            let slow = sleep_until(Instant::now() + Duration::from_secs(60));
            assert_eq!(limited(what, slow).await, probed, "{what:?}");
        }
    }
}
