//! Pauses of a worker while a part of the infrastructure is away.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::AckKind;

use super::conclusion::settle;
use super::consume::{Delivery, Worker};
use super::handling::{ELSEWHERE_AFTER, Item, Shared, Ticket};
use super::state::{Away, WorkerState};
use crate::event_log::LogError;

/// Interval between the first two probes of infrastructure that is away. It doubles.
const FIRST_PROBE: Duration = Duration::from_secs(1);
/// Longest interval between two probes.
const LONGEST_PROBE: Duration = Duration::from_secs(10);
/// Longest time for a probe.
const PROBED_WITHIN: Duration = Duration::from_secs(10);

impl<W: Worker> Shared<W> {
    /// Keeps a delivery that could not be concluded because of an error of the log. If the log is
    /// there nevertheless, hands the delivery back.
    pub(super) async fn hold(
        self: &Arc<Self>,
        ticket: Ticket,
        delivery: Option<Delivery>,
        error: &LogError,
    ) -> Option<Item> {
        if self.pauses(Away::Log, &error.to_string()).await {
            return Some(Item { ticket, delivery });
        }
        tracing::warn!(worker = W::NAME, %error, "delivery not concluded, redelivery requested");
        settle::<W>(&ticket.message, AckKind::Nak(Some(ELSEWHERE_AFTER))).await;
        None
    }

    /// Pauses the worker if `what` is really away, until it is back. Returns true if so.
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
                end.run_until_cancelled(shared.until_back(what)).await;
            });
        }
        true
    }

    /// Probes infrastructure that is away until it is back.
    async fn until_back(&self, what: Away) {
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
                Away::Log => {
                    let writable = self.log.check_writable().await;
                    writable.map_err(|error| error.to_string())
                }
                _ => self.worker.probe(what).await,
            }
        };
        tokio::time::timeout(PROBED_WITHIN, probe)
            .await
            .unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }
}
