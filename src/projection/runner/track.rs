//! Track: projections at the same position, which share one cursor on the log.

use std::time::Duration;

use crate::event_log::{Position, RecordedEvent};
use crate::projection::source::{EventReader, LogSource, SourceError};

/// Maximum time to wait for the next event of a track while other tracks wait for their turn.
pub(in crate::projection) const TURN: Duration = Duration::from_millis(5);
/// Maximum total size of the bodies in one batch, in bytes. It limits the parameters of a
/// statement.
const MAX_BYTES: usize = 16 << 20;

pub(in crate::projection) struct Track {
    /// Indexes of the members in the set, in ascending order.
    pub(in crate::projection) members: Vec<usize>,
    /// Position of the last event that all members contain.
    pub(in crate::projection) position: Position,
    reader: Box<dyn EventReader>,
    /// Events that were read but not applied yet.
    pending: Vec<RecordedEvent>,
}

impl Track {
    pub(in crate::projection) fn new(
        source: &dyn LogSource,
        members: Vec<usize>,
        position: Position,
    ) -> Self {
        Self {
            members,
            position,
            reader: source.read_after(position),
            pending: Vec::new(),
        }
    }

    /// Returns the next batch: the events after the track's position, up to `ceiling`. Drops events
    /// that were delivered before.
    pub(in crate::projection) async fn next(
        &mut self,
        max: usize,
        ceiling: Option<Position>,
        wait: Duration,
    ) -> Result<Vec<RecordedEvent>, SourceError> {
        self.fill(max, wait).await?;
        // After a batch was put back, the reader may have delivered one of its events again.
        let mut last = self.position;
        self.pending.retain(|event| {
            let is_new = event.position > last;
            last = last.max(event.position);
            is_new
        });
        let within = ceiling.map_or(self.pending.len(), |ceiling| {
            self.pending
                .partition_point(|event| event.position <= ceiling)
        });
        let mut bytes = 0;
        let fitting = self.pending.iter().take_while(|event| {
            bytes += event.body.len();
            bytes <= MAX_BYTES
        });
        // A batch has at least one event, also if that one exceeds the limit.
        let count = fitting.count().max(1).min(within).min(max);
        let rest = self.pending.split_off(count);
        Ok(std::mem::replace(&mut self.pending, rest))
    }

    /// Reads the next events if there are no pending events.
    pub(in crate::projection) async fn fill(
        &mut self,
        max: usize,
        wait: Duration,
    ) -> Result<(), SourceError> {
        if self.pending.is_empty() {
            self.pending = self.reader.next_batch(max, wait).await?;
        }
        Ok(())
    }

    /// Returns a batch that was not applied to the pending events.
    pub(in crate::projection) fn put_back(&mut self, mut events: Vec<RecordedEvent>) {
        events.append(&mut self.pending);
        self.pending = events;
    }

    /// Adds the members of another track, which must be at the same position.
    pub(in crate::projection) fn join(&mut self, other: &Self) {
        self.members.extend(&other.members);
        self.members.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use futures_util::FutureExt as _;
    use futures_util::future::BoxFuture;

    use super::*;

    /// Reader that delivers the given batches.
    struct Given(VecDeque<Vec<Position>>);

    impl EventReader for Given {
        fn next_batch(
            &mut self,
            _: usize,
            _: Duration,
        ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, SourceError>> {
            let batch = self.0.pop_front().unwrap_or_default();
            async move {
                Ok(batch
                    .into_iter()
                    .map(|position| RecordedEvent::sample(position, "{}"))
                    .collect())
            }
            .boxed()
        }
    }

    async fn next(track: &mut Track) -> Vec<Position> {
        let events = track.next(10, None, TURN).await.expect("reads");
        events.iter().map(|event| event.position).collect()
    }

    #[tokio::test]
    async fn redelivered_events_are_dropped_also_after_a_batch_was_put_back() {
        let batches = [vec![1, 2], vec![2, 3], vec![3, 4]];
        let reader = Box::new(Given(batches.into()));
        let mut track = Track {
            members: vec![0],
            position: 0,
            reader,
            pending: Vec::new(),
        };
        let batch = track.next(10, None, TURN).await.expect("reads");
        // The worker reads the next batch while it applies this one.
        track.fill(10, TURN).await.expect("reads");
        track.put_back(batch);
        assert_eq!(next(&mut track).await, [1, 2, 3]);
        track.position = 3;
        assert_eq!(next(&mut track).await, [4]);
    }
}
