//! Recognition of the storage folder when a process starts.

use std::time::Duration;

use super::{App, Running};
use crate::domain::Decider;
use crate::domain::certification::design::Design;
use crate::domain::certification::import::Import;
use crate::domain::certification::issuance::Issuance;
use crate::domain::certification::template::Template;
use crate::event_log::EventLog;
use crate::storage::{ObjectStorage, StorageError};

/// Aggregates whose events name objects.
const WITH_OBJECTS: [&str; 4] = [
    Design::AGGREGATE,
    Import::AGGREGATE,
    Issuance::AGGREGATE,
    Template::AGGREGATE,
];
/// Delay before the folder is checked again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Folder of objects, and the log that names them.
struct StorageFolder {
    storage: ObjectStorage,
    log: EventLog,
}

impl App {
    /// Lets storage operations fail while the folder lacks the marker of this namespace, and creates
    /// the marker of a new folder. If this can't be decided now, tries again in the background.
    pub(super) async fn recognize_storage(&self, running: &mut Running) {
        if !self.storage.is_folder() {
            return;
        }
        self.storage.require_marker(&self.config.namespace);
        let folder = StorageFolder {
            storage: self.storage.clone(),
            log: self.commands.log().clone(),
        };
        let Err(error) = folder.recognize().await else {
            return;
        };
        tracing::error!(error = %format!("{error:#}"), "object storage not recognized, retrying");
        let shutdown = running.shutdown.clone();
        running.spawn("storage", async move {
            shutdown
                .run_until_cancelled(folder.until_recognized())
                .await;
            shutdown.cancelled().await;
            Ok(())
        });
    }
}

impl StorageFolder {
    async fn until_recognized(&self) {
        loop {
            tokio::time::sleep(AGAIN_AFTER).await;
            if self.recognize().await.is_ok() {
                tracing::info!("object storage recognized");
                return;
            }
        }
    }

    /// Checks the marker. Creates it if the folder has none and no event in the log names an object;
    /// otherwise the folder is not mounted.
    async fn recognize(&self) -> anyhow::Result<()> {
        let missing = match self.storage.check_present().await {
            Err(error @ StorageError::NotMounted { .. }) => error,
            found => return Ok(found?),
        };
        for aggregate in WITH_OBJECTS {
            if self.log.has_events(aggregate).await? {
                return Err(missing.into());
            }
        }
        Ok(self.storage.put_marker().await?)
    }
}
