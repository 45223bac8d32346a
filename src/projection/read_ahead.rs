//! Reads and decodes the log ahead of what is applied, so that both go on at the same time.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::source::{EventReader, SourceError};
use crate::event_log::RecordedEvent;

/// Batches that wait. With the one being read and the one being applied there are four in memory,
/// each of at most 16 MiB of bodies.
const AHEAD: usize = 2;

/// A cursor on the log that is being read while its batches are applied; it ends when dropped.
pub(super) struct ReadAhead {
    batches: mpsc::Receiver<Result<Vec<RecordedEvent>, SourceError>>,
    task: JoinHandle<()>,
}

impl ReadAhead {
    /// Reads batches of up to `max` events; an empty one where nothing came within `wait`.
    pub(super) fn start(mut reader: Box<dyn EventReader>, max: usize, wait: Duration) -> Self {
        let (sender, batches) = mpsc::channel(AHEAD);
        let task = tokio::spawn(async move {
            loop {
                let batch = reader.next_batch(max, wait).await;
                let last = batch.is_err();
                if sender.send(batch).await.is_err() || last {
                    return;
                }
            }
        });
        Self { batches, task }
    }

    /// The next batch; possibly an empty one from a while ago.
    pub(super) async fn next(&mut self) -> Result<Vec<RecordedEvent>, SourceError> {
        let ended = || SourceError { message: "reading has ended".to_owned(), transient: true };
        self.batches.recv().await.unwrap_or_else(|| Err(ended()))
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.task.abort();
    }
}
