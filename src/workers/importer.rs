//! Importer: imports the file of each `ImportRequested`.

use super::flow::ImporterInput;
use super::{Delivery, SingleDelivery, Verdict};
use crate::commands::CommandError;
use crate::importing::{Cause, ImportError, Importer};
use crate::spreadsheet::SheetError;

/// Worker for `ImportRequested`.
pub struct ImporterWorker(pub Importer);

impl ImporterWorker {
    /// Records that the import has failed. The returned verdict gives up the delivery.
    async fn fail(&self, delivery: &Delivery, code: &'static str, reason: String) -> Verdict {
        match self.0.fail(&delivery.event, code, reason).await {
            Ok(()) => Verdict::GiveUp {
                why: code.to_owned(),
            },
            Err(error) => Verdict::unavailable(&error),
        }
    }
}

impl SingleDelivery for ImporterWorker {
    type Input = ImporterInput;

    async fn handle(
        &self,
        delivery: &Delivery,
        input: ImporterInput,
    ) -> Result<Verdict, CommandError> {
        // The importer reads the request from the aggregate, because after a redelivery it also
        // needs the recorded progress.
        let ImporterInput::ImportRequested(_) = input;
        let cause = Cause {
            event: &delivery.event,
            attempt: delivery.attempt,
        };
        Ok(match self.0.import(&cause).await {
            Ok(()) => Verdict::Done,
            // This is an error of the local disk, not of the file, so it is retried.
            Err(error @ ImportError::Sheet(SheetError::Io(_))) => Verdict::unavailable(&error),
            Err(ImportError::Sheet(error)) => {
                self.fail(delivery, error.code(), error.to_string()).await
            }
            Err(error @ ImportError::SourceGone) => {
                self.fail(delivery, "FILE_EXPIRED", error.to_string()).await
            }
            Err(error) => Verdict::unavailable(&error),
        })
    }
}
