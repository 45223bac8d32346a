//! Marker of a storage folder. It distinguishes the folder from an empty mount point, in which all
//! objects seem to be missing.
//!
//! A bucket needs no marker, because the server reports a missing bucket.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use object_store::{ObjectStoreExt as _, PutPayload, path::Path};

use super::{ObjectStorage, StorageError};

/// Name of the marker in the root of the folder.
pub(super) const MARKER: &str = "laureate-storage";
/// Time for which a found marker is not looked for again before a write.
const TRUSTED: Duration = Duration::from_secs(1);

/// Marker of a folder.
#[derive(Debug, Default)]
pub(super) struct Marker {
    /// True if operations fail without the marker.
    is_required: AtomicBool,
    /// Time at which the marker was last found.
    seen: Mutex<Option<Instant>>,
}

impl ObjectStorage {
    /// Returns true if objects are files in a folder.
    #[must_use]
    pub const fn is_folder(&self) -> bool {
        self.marker.is_some()
    }

    /// Returns true if the folder has its marker.
    pub async fn has_marker(&self) -> Result<bool, StorageError> {
        match self.store.head(&Path::from(MARKER)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Creates the marker of the folder.
    pub async fn put_marker(&self) -> Result<(), StorageError> {
        let marker = PutPayload::from_static(b"Laureate's objects are in this folder.\n");
        self.store.put(&Path::from(MARKER), marker).await?;
        Ok(())
    }

    /// Lets all later operations of this storage and its clones fail while the folder has no
    /// marker.
    pub fn require_marker(&self) {
        if let Some(marker) = &self.marker {
            marker.is_required.store(true, Ordering::Relaxed);
        }
    }

    /// Checks that the folder or bucket is there, before an object is reported as missing.
    pub(super) async fn check_present(&self) -> Result<(), StorageError> {
        let Some(marker) = &self.marker else {
            let place = Path::from("health");
            self.store.list_with_delimiter(Some(&place)).await?;
            return Ok(());
        };
        if !marker.is_required.load(Ordering::Relaxed) || self.has_marker().await? {
            marker.set_seen(Some(Instant::now()));
            return Ok(());
        }
        marker.set_seen(None);
        Err(StorageError::NotMounted)
    }

    /// Checks that the folder is there, before an object is written. Trusts a recent check.
    pub(super) async fn check_writable(&self) -> Result<(), StorageError> {
        let Some(marker) = &self.marker else {
            return Ok(());
        };
        let seen = *marker.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_some_and(|at| at.elapsed() < TRUSTED) {
            return Ok(());
        }
        self.check_present().await
    }
}

impl Marker {
    fn set_seen(&self, at: Option<Instant>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}
