//! Crashes of suspects: events whose handling may have crashed a process.
//!
//! The number of deliveries also counts crashes that another event caused, deliveries that were
//! handed back, and outages of the log. So it only makes an event a suspect. The crashes of a
//! suspect are counted in a note. The number is raised before the work begins. It is set back when
//! the work ends, unless the work panicked. Suspects with a counted crash are handled one at a time.

use std::sync::Arc;
use std::time::Duration;

use super::consume::{Delivery, Worker};
use super::handling::{Item, SUSPECT_AFTER, Shared};
use super::state::Away;
use crate::event_log::{LogError, Position};

/// Delay before a number of crashes that could not be stored is stored again.
const STORED_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Time after the end of the worker within which the numbers are stored.
const STORED_WITHIN: Duration = Duration::from_secs(5);

impl<W: Worker> Shared<W> {
    /// Counts a crash before a suspect is handled. Returns the suspect and the number of its
    /// earlier crashes. Returns `None` if the suspect is given up because it has crashed too often,
    /// or if the log can't be used.
    pub(super) async fn count_crash(
        self: &Arc<Self>,
        item: Item,
        delivery: Delivery,
    ) -> Option<(Item, Delivery, u32)> {
        match self.counted(&item, &delivery).await {
            Ok(Some(earlier)) => Some((item, delivery, earlier)),
            Ok(None) => None,
            Err(error) => {
                self.leave(&item, &error).await;
                None
            }
        }
    }

    async fn counted(&self, item: &Item, delivery: &Delivery) -> Result<Option<u32>, LogError> {
        let position = delivery.event.position;
        let earlier = self.log.crashes(W::NAME, position).await?;
        if SUSPECT_AFTER + earlier >= self.limits.max_crashes {
            let why = "each attempt ended without an outcome: the worker crashed";
            self.abandon(item, delivery, why).await?;
            // An operator may request the work again. It then has all its attempts.
            self.log.set_crashes(W::NAME, position, 0).await?;
            return Ok(None);
        }
        self.log.set_crashes(W::NAME, position, earlier + 1).await?;
        Ok(Some(earlier))
    }

    /// Sets the numbers of crashes of suspects whose attempts have ended. Waits while the log is
    /// away, because an outage is no crash. At the end of the worker, it waits for at most 5 s.
    pub(super) async fn uncount_crashes(self: &Arc<Self>, crashes: &[(Position, u32)]) {
        let stored = async {
            for (position, earlier) in crashes {
                while let Err(error) = self.log.set_crashes(W::NAME, *position, *earlier).await {
                    tracing::warn!(worker = W::NAME, position, %error, "cannot store the number of crashes, retrying");
                    self.pauses(Away::Log, &error.to_string()).await;
                    tokio::time::sleep(STORED_AGAIN_AFTER).await;
                }
            }
        };
        let ended = async {
            self.end.cancelled().await;
            tokio::time::sleep(STORED_WITHIN).await;
        };
        tokio::select! {
            biased;
            () = stored => {}
            () = ended => {}
        }
    }
}
