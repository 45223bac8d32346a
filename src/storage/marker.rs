//! Marker of a storage folder. It distinguishes the folder from an empty mount point, in which all
//! objects seem to be missing, and from the folder of another namespace.
//!
//! A bucket needs no marker, because the server reports a missing bucket.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload};

use super::{ObjectStorage, StorageError};

/// Name of the marker in the root of the folder.
pub(super) const MARKER: &str = "laureate-storage";
/// Maximum size of a marker in bytes. A namespace is shorter.
const MAX_BYTES: u64 = 256;
/// Time for which a found marker is not read again before a write.
const TRUSTED: Duration = Duration::from_secs(1);

/// Marker of a folder.
#[derive(Debug, Default)]
pub(super) struct Marker {
    /// Content of the marker without which operations fail.
    required: OnceLock<String>,
    /// Time at which the marker was last found.
    seen: Mutex<Option<Instant>>,
}

impl ObjectStorage {
    /// Returns true if objects are files in a folder.
    #[must_use]
    pub const fn is_folder(&self) -> bool {
        self.marker.is_some()
    }

    /// Lets all later operations of this storage and its clones fail while the folder lacks the
    /// marker of this namespace. Has no effect on a bucket. Only the first call counts.
    pub fn require_marker(&self, namespace: &str) {
        if let Some(marker) = &self.marker {
            marker.required.get_or_init(|| namespace.to_owned());
        }
    }

    /// Creates the marker that is required, in a folder without objects.
    pub async fn put_marker(&self) -> Result<(), StorageError> {
        let Some(namespace) = self.marker.as_ref().and_then(|m| m.required.get()) else {
            return Ok(());
        };
        let content = PutPayload::from(format!("{namespace}\n").into_bytes());
        self.store.put(&Path::from(MARKER), content).await?;
        Ok(())
    }

    /// Checks that the folder or bucket is there, before an object is reported as missing.
    pub async fn check_present(&self) -> Result<(), StorageError> {
        let Some(marker) = &self.marker else {
            let place = Path::from("health");
            self.store.list_with_delimiter(Some(&place)).await?;
            return Ok(());
        };
        let found = match marker.required.get() {
            Some(namespace) => self.check_marker(namespace).await,
            None => Ok(()),
        };
        marker.set_seen(found.is_ok().then(Instant::now));
        found
    }

    async fn check_marker(&self, namespace: &str) -> Result<(), StorageError> {
        let namespace = namespace.to_owned();
        let found = match self.store.get(&Path::from(MARKER)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => {
                return Err(StorageError::NotMounted { namespace });
            }
            Err(error) => return Err(error.into()),
        };
        let is_small = found.meta.size <= MAX_BYTES;
        if is_small && found.bytes().await?.trim_ascii() == namespace.as_bytes() {
            Ok(())
        } else {
            Err(StorageError::OtherNamespace { namespace })
        }
    }

    /// Checks that the folder is there, before an object is written. Trusts a recent check.
    pub(super) async fn check_before_write(&self) -> Result<(), StorageError> {
        let Some(marker) = &self.marker else {
            return Ok(());
        };
        let seen = *marker.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_some_and(|at| at.elapsed() < TRUSTED) {
            return Ok(());
        }
        self.check_present().await
    }

    /// Checks that the folder is still there. Otherwise the object that was written may be in the
    /// mount point below it. Each write needs this check, so the marker is not read. So this check
    /// doesn't prolong the trust in the marker, which may be that of another namespace.
    pub(super) async fn check_after_write(&self) -> Result<(), StorageError> {
        let Some(marker) = &self.marker else {
            return Ok(());
        };
        let Some(namespace) = marker.required.get() else {
            return Ok(());
        };
        let found = match self.store.head(&Path::from(MARKER)).await {
            Ok(_) => Ok(()),
            Err(object_store::Error::NotFound { .. }) => Err(StorageError::NotMounted {
                namespace: namespace.clone(),
            }),
            Err(error) => Err(error.into()),
        };
        if found.is_err() {
            marker.set_seen(None);
        }
        found
    }
}

impl Marker {
    fn set_seen(&self, at: Option<Instant>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::StorageSettings;

    #[tokio::test]
    async fn writes_do_not_prolong_the_trust_in_a_marker() {
        let folder = tempfile::tempdir().unwrap();
        let storage = ObjectStorage::open(&StorageSettings::folder(folder.path())).unwrap();
        storage.require_marker("this");
        storage.put_marker().await.unwrap();
        storage.check_before_write().await.unwrap();
        std::fs::write(folder.path().join(MARKER), "other\n").unwrap();
        storage.check_before_write().await.unwrap();
        // The trust expires while objects are written.
        let marker = storage.marker.as_ref().unwrap();
        marker.set_seen(Instant::now().checked_sub(TRUSTED));
        storage.check_after_write().await.unwrap();
        let refused = storage.check_before_write().await;
        assert!(matches!(refused, Err(StorageError::OtherNamespace { .. })));
    }
}
