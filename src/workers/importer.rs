//! Importer: imports the file of each `ImportRequested`.

use super::{Delivery, Verdict, Worker};
use crate::importing::{Cause, ImportError, Importer};
use crate::spreadsheet::SheetError;

/// Worker for `ImportRequested`.
pub struct ImporterWorker(pub Importer);

impl ImporterWorker {
    /// Records that the import has failed, and gives the delivery up.
    async fn fail(&self, delivery: &Delivery, code: &'static str, reason: String) -> Verdict {
        match self.0.fail(&delivery.event, code, reason).await {
            Ok(()) => Verdict::GiveUp { why: code.to_owned() },
            Err(error) => Verdict::unavailable(delivery.attempt, &error),
        }
    }
}

impl Worker for ImporterWorker {
    const NAME: &'static str = "importer";

    fn wants(event_type: &str) -> bool {
        event_type == "ImportRequested"
    }

    async fn work(&self, deliveries: &[Delivery]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let cause = Cause { event: &delivery.event, attempt: delivery.attempt };
            verdicts.push(match self.0.import(&cause).await {
                Ok(()) => Verdict::Done,
                // The error is of the local disk, not of the file, so it is retried.
                Err(error @ ImportError::Sheet(SheetError::Io(_))) => {
                    Verdict::unavailable(delivery.attempt, &error)
                }
                Err(ImportError::Sheet(error)) => self.fail(delivery, error.code(), error.to_string()).await,
                Err(error @ ImportError::SourceGone) => {
                    self.fail(delivery, "FILE_EXPIRED", error.to_string()).await
                }
                Err(error) => Verdict::unavailable(delivery.attempt, &error),
            });
        }
        verdicts
    }
}
