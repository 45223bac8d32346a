//! Crashes of suspects: events whose handling may have crashed a process.
//!
//! The number of deliveries also counts crashes that another event caused, deliveries that were
//! handed back, and outages of the log. So it only makes an event a suspect. The crashes of a suspect
//! are counted in a note, which is stored before the work begins and changed back when the work ends
//! in any way. Suspects with a counted crash are handled one at a time.

use std::sync::Arc;

use super::consume::{Delivery, Worker};
use super::handling::{Item, SUSPECT_AFTER, Shared};
use crate::event_log::{LogError, Position};

impl<W: Worker> Shared<W> {
    /// Counts a crash before a suspect is handled. Returns the suspect and the number of its earlier
    /// crashes. Returns `None` if it has crashed too often and was given up, or if the log is away.
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
            // An operator may request the work again.
            self.log.set_crashes(W::NAME, position, 0).await?;
            return Ok(None);
        }
        self.log.set_crashes(W::NAME, position, earlier + 1).await?;
        Ok(Some(earlier))
    }

    /// Sets the numbers of crashes of suspects whose attempts have ended.
    pub(super) async fn uncount_crashes(&self, crashes: &[(Position, u32)]) {
        for (position, earlier) in crashes {
            let stored = self.log.set_crashes(W::NAME, *position, *earlier).await;
            if let Err(error) = stored {
                tracing::warn!(worker = W::NAME, position, %error, "cannot store the number of crashes");
            }
        }
    }
}
