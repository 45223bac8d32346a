//! Reads and decodes the next batches of the log while the current batch is applied.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::event_log::RecordedEvent;
use crate::projection::source::{EventReader, SourceError};

/// Number of batches in the channel. One more batch is being read and one is being applied, so 4
/// are in memory, each with at most 16 MiB of bodies.
const AHEAD: usize = 2;

/// Cursor on the log that reads ahead in a task. Dropping it aborts the task.
pub(in crate::projection) struct ReadAhead {
    batches: mpsc::Receiver<Result<Vec<RecordedEvent>, SourceError>>,
    task: JoinHandle<()>,
}

impl ReadAhead {
    /// Starts to read batches of at most `max` events. A batch is empty if no event arrives within
    /// `wait`.
    pub(in crate::projection) fn start(
        mut reader: Box<dyn EventReader>,
        max: usize,
        wait: Duration,
    ) -> Self {
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

    /// Returns the next batch. An empty batch was read some time ago, so the log may have newer
    /// events.
    pub(in crate::projection) async fn next(&mut self) -> Result<Vec<RecordedEvent>, SourceError> {
        let ended = || SourceError {
            message: "reading has ended".to_owned(),
            transient: true,
            unreadable: None,
        };
        self.batches.recv().await.unwrap_or_else(|| Err(ended()))
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.task.abort();
    }
}
