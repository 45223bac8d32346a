//! Streaming transfer of large objects between storage and a local file.

use std::path::Path;

use futures_util::TryStreamExt;
use object_store::{ObjectStoreExt, buffered::BufWriter};
use tokio::{
    fs::File,
    io::{AsyncWriteExt, BufReader},
};

use super::{ObjectKey, ObjectStorage, StorageError, object_storage::path};

impl ObjectStorage {
    /// Uploads a local file and returns its size in bytes. Large files are uploaded in parts. The
    /// object becomes visible when the upload is complete. A failed upload leaves no object behind.
    pub async fn put_file(&self, key: &ObjectKey, file: &Path) -> Result<u64, StorageError> {
        self.check_before_write().await?;
        let opened = File::open(file)
            .await
            .map_err(|source| local(key, source))?;
        let mut reader = BufReader::with_capacity(1 << 20, opened);
        let mut writer = BufWriter::new(self.store.clone(), path(key));
        match tokio::io::copy_buf(&mut reader, &mut writer).await {
            // A failed `shutdown` removes the parts by itself. After it, `abort` would panic.
            Ok(size) => match writer.shutdown().await {
                Ok(()) => self.check_after_write().await.map(|()| size),
                Err(error) => Err(into_storage_error(key, error)),
            },
            Err(error) => {
                // Uploaded parts take up space until they are aborted. The caller gets the first
                // error.
                if let Err(abort) = writer.abort().await {
                    tracing::warn!(%key, error = %abort, "cannot remove the parts of a failed upload");
                }
                Err(into_storage_error(key, error))
            }
        }
    }

    /// Downloads an object to a local file and returns its size in bytes. Creates or truncates the
    /// file. Returns `None` if the object doesn't exist.
    ///
    /// # Errors
    /// [`StorageError::TooLarge`] if the object has more than `max_bytes`.
    pub async fn get_to_file(
        &self,
        key: &ObjectKey,
        file: &Path,
        max_bytes: u64,
    ) -> Result<Option<u64>, StorageError> {
        let found = match self.store.get(&path(key)).await {
            Ok(found) => found,
            Err(error) => return self.missing(error).await,
        };
        let too_large = || StorageError::TooLarge {
            key: key.clone(),
            limit: max_bytes,
        };
        if found.meta.size > max_bytes {
            return Err(too_large());
        }
        let mut target = File::create(file)
            .await
            .map_err(|source| local(key, source))?;
        let mut pieces = found.into_stream();
        let mut size = 0;
        while let Some(piece) = pieces.try_next().await? {
            size += piece.len() as u64;
            if size > max_bytes {
                return Err(too_large());
            }
            target
                .write_all(&piece)
                .await
                .map_err(|source| local(key, source))?;
        }
        target.flush().await.map_err(|source| local(key, source))?;
        Ok(Some(size))
    }
}

fn local(key: &ObjectKey, source: std::io::Error) -> StorageError {
    StorageError::LocalFile {
        key: key.clone(),
        source,
    }
}

/// Converts an error of the buffered writer. The writer wraps storage errors in I/O errors. All
/// other errors are errors of the local file.
fn into_storage_error(key: &ObjectKey, error: std::io::Error) -> StorageError {
    match error.downcast::<object_store::Error>() {
        Ok(backend) => StorageError::Backend(backend),
        Err(error) => local(key, error),
    }
}
