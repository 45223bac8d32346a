//! Recorded progress of an import: rows and requested batches.

use super::settled::{Settled, record_rows};
use super::{Cause, ImportError, Importer, Request};
use crate::commands::Loaded;
use crate::commands::import_batches::{recorded_batches, request_batch};
use crate::domain::certification::import::{Import, ImportEvent};
use crate::domain::certification::reactions::import::{DueBatch, DueBatches};

/// Progress of an import that the log contains.
pub(super) struct Progress {
    pub import: Loaded<Import>,
    pub due: DueBatches,
    /// Number of batches requested so far.
    pub batches: usize,
}

impl Importer {
    /// Returns the progress that an earlier worker recorded, or the start. Requests the
    /// batches of recorded rows.
    pub(super) async fn progress(
        &self,
        cause: &Cause<'_>,
        request: &Request<'_>,
        import: Loaded<Import>,
    ) -> Result<Progress, ImportError> {
        if import.state.through_row == 0 {
            return Ok(Progress {
                import,
                due: DueBatches::new(request.id, request.asked),
                batches: 0,
            });
        }
        let position = import.position;
        let (due, made) =
            recorded_batches(&self.commands, request.id, request.asked, position).await?;
        let mut batches = 0;
        self.request_batches(cause, request, &mut batches, made)
            .await?;
        Ok(Progress {
            import,
            due,
            batches,
        })
    }

    /// Requests batches. The ids of the commands depend on a running number, so a worker that takes
    /// over sends the same commands.
    pub(super) async fn request_batches(
        &self,
        cause: &Cause<'_>,
        request: &Request<'_>,
        made: &mut usize,
        batches: Vec<DueBatch>,
    ) -> Result<(), ImportError> {
        for batch in batches {
            let context = request.context(cause, "importer-batch", *made);
            request_batch(&self.commands, &context, batch).await?;
            *made += 1;
        }
        Ok(())
    }

    /// Records the outcome of a chunk's rows, and requests the batches that are full.
    pub(super) async fn note(
        &self,
        cause: &Cause<'_>,
        request: &Request<'_>,
        progress: &mut Progress,
        settled: &[Settled],
    ) -> Result<(), ImportError> {
        let Some(through_row) = settled.last().map(|row| row.row) else {
            return Ok(());
        };
        let command = record_rows(through_row, settled);
        let context = request.context(cause, "importer-rows", through_row as usize);
        // The state is kept in memory and not loaded for each chunk, because the history of a large
        // file is long.
        let import = progress.import.clone();
        let done = self
            .commands
            .execute_assuming::<Import>(&context, request.id, import, command)
            .await?;
        let mut full = Vec::new();
        for event in &done.events {
            if let ImportEvent::ImportRowsAccepted(rows) = event {
                full.extend(progress.due.add(rows));
            }
        }
        progress.import = done.into();
        self.request_batches(cause, request, &mut progress.batches, full)
            .await
    }
}
