//! Workers that handle each delivery separately.

use std::future::Future;
use std::time::Duration;

use super::flow::Input;
use super::{Away, Delivery, Verdict, Worker};
use crate::commands::CommandError;

/// Handler of a single delivery. Every implementation is also a [`Worker`].
pub trait SingleDelivery: Send + Sync + 'static {
    /// Events that the worker handles.
    type Input: Input;
    /// See [`Worker::AHEAD`].
    const AHEAD: usize = 0;
    /// See [`Worker::DEADLINE`].
    const DEADLINE: Duration = Duration::from_secs(15 * 60);
    /// See [`Worker::IS_STOPPABLE`].
    const IS_STOPPABLE: bool = false;

    /// Handles a delivery. `input` is its decoded event.
    fn handle(
        &self,
        delivery: &Delivery,
        input: Self::Input,
    ) -> impl Future<Output = Result<Verdict, CommandError>> + Send;

    /// See [`Worker::abandon`].
    fn abandon(
        &self,
        delivery: &Delivery,
        why: &str,
    ) -> impl Future<Output = Result<(), CommandError>> + Send;

    /// See [`Worker::probe`]. Without infrastructure of its own, a worker has nothing to check.
    fn probe(&self, _away: Away) -> impl Future<Output = Result<(), String>> + Send {
        std::future::ready(Ok(()))
    }
}

impl<W: SingleDelivery> Worker for W {
    const NAME: &'static str = W::Input::WORKER;
    const AHEAD: usize = <W as SingleDelivery>::AHEAD;
    const DEADLINE: Duration = <W as SingleDelivery>::DEADLINE;
    const IS_STOPPABLE: bool = <W as SingleDelivery>::IS_STOPPABLE;
    const TYPES: &'static [&'static str] = W::Input::TYPES;

    async fn work(&self, deliveries: &[Delivery]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let handled = match delivery.input() {
                Ok(Some(input)) => self.handle(delivery, input).await,
                Ok(None) => Ok(Verdict::Done),
                Err(error) => Err(error),
            };
            verdicts.push(handled.unwrap_or_else(Verdict::from));
        }
        verdicts
    }

    async fn abandon(&self, delivery: &Delivery, why: &str) -> Result<(), CommandError> {
        SingleDelivery::abandon(self, delivery, why).await
    }

    async fn probe(&self, away: Away) -> Result<(), String> {
        SingleDelivery::probe(self, away).await
    }
}
