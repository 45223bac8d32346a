//! Importer: imports the file of each `ImportRequested`.

use std::time::Duration;

use super::flow::ImporterInput;
use super::{Away, Delivery, SingleDelivery, Verdict};
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
            Err(error) => error.into(),
        }
    }
}

impl SingleDelivery for ImporterWorker {
    type Input = ImporterInput;
    // A file of 1,000,000 rows takes some minutes, and much longer on a slow or busy machine.
    const DEADLINE: Duration = Duration::from_secs(6 * 3600);
    // All commands of an import have the same ids when it is repeated.
    const IS_STOPPABLE: bool = true;

    async fn handle(
        &self,
        delivery: &Delivery,
        input: ImporterInput,
    ) -> Result<Verdict, CommandError> {
        // The importer reads the request from the aggregate, because after a redelivery it also
        // needs the recorded progress.
        let (ImporterInput::ImportRequested(_) | ImporterInput::ImportRetryRequested(_)) = input;
        let cause = Cause {
            event: &delivery.event,
            attempt: delivery.attempt,
        };
        Ok(match self.0.import(&cause).await {
            Ok(()) => Verdict::Done,
            // This is an error of the local disk, not of the file, so it is retried.
            Err(error @ ImportError::Sheet(SheetError::Io(_))) => error.into(),
            Err(ImportError::Sheet(error)) => {
                self.fail(delivery, error.code(), error.to_string()).await
            }
            Err(ImportError::Command(CommandError::Refused(refusal))) => {
                self.fail(delivery, refusal.code(), refusal.to_string())
                    .await
            }
            Err(error @ ImportError::SourceGone) => {
                self.fail(delivery, "FILE_EXPIRED", error.to_string()).await
            }
            Err(error) => error.into(),
        })
    }

    async fn abandon(&self, delivery: &Delivery, why: &str) -> Result<(), CommandError> {
        let reason = format!("the import was interrupted too often or for too long: {why}");
        self.0.fail(&delivery.event, "WORKER_STOPPED", reason).await
    }

    async fn probe(&self, away: Away) -> Result<(), String> {
        match away {
            Away::Storage => self.0.storage().probe().await.map_err(|e| e.to_string()),
            Away::Log | Away::MailServer | Away::Sandbox => Ok(()),
        }
    }
}
