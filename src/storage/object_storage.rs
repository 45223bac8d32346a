//! Operations on stored objects: put, get, delete, check.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::{
    ClientOptions, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode,
    PutPayload, RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem, path::Path,
    prefix::PrefixStore, signer::Signer,
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{ObjectKey, StorageError, StorageSettings, marker::Marker, settings::Location};

/// Content of the file that the health check writes to a local folder.
const PROBE: &[u8] = b"laureate can write here\n";

/// Size of the file that a probe writes to a local folder, in bytes.
const PROBE_BYTES: usize = 1 << 20;

/// Prefix of objects that are deleted when they reach a certain age.
const EXPIRING: &str = "expiring";

/// Time limits for one request to S3, and for the request with all its retries.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_RETRIES: usize = 4;

/// Stream of the bytes of an object.
pub type Pieces = BoxStream<'static, Result<Bytes, StorageError>>;

/// Object storage in a folder or a bucket. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct ObjectStorage {
    pub(super) store: Arc<dyn ObjectStore>,
    /// Marker of a folder; `None` for a bucket.
    pub(super) marker: Option<Arc<Marker>>,
    pub(super) presigning: Option<Presigning>,
}

/// Signer for URLs of the objects in a bucket, and the prefix of their keys.
#[derive(Clone, Debug)]
pub(super) struct Presigning {
    pub(super) signer: Arc<dyn Signer>,
    pub(super) prefix: Option<String>,
}

/// Outcome of [`ObjectStorage::put_new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutNew {
    /// The object did not exist and was created.
    Created,
    /// The object already existed with the same bytes.
    AlreadyThere,
}

impl ObjectStorage {
    /// Opens the folder, or prepares access to the bucket. Creates the folder if it doesn't exist.
    /// Sends no request to the bucket.
    pub fn open(settings: &StorageSettings) -> Result<Self, StorageError> {
        match settings.location()? {
            Location::Folder(path) => {
                std::fs::create_dir_all(&path).map_err(StorageError::Folder)?;
                let store = LocalFileSystem::new_with_prefix(path)?.with_automatic_cleanup(true);
                Ok(Self {
                    store: Arc::new(store),
                    marker: Some(Arc::default()),
                    presigning: None,
                })
            }
            Location::Bucket { name, prefix } => {
                // reqwest is built without a TLS provider. The call fails if one is installed
                // already, which is harmless.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let bucket = bucket(settings, &name)?;
                let presigning = settings.presigned_downloads.then(|| Presigning {
                    signer: Arc::new(bucket.clone()),
                    prefix: prefix.clone(),
                });
                let store: Arc<dyn ObjectStore> = match prefix {
                    Some(prefix) => Arc::new(PrefixStore::new(bucket, Path::from(prefix))),
                    None => Arc::new(bucket),
                };
                Ok(Self {
                    store,
                    marker: None,
                    presigning,
                })
            }
        }
    }

    /// Stores an object. Replaces an existing object. Use [`Self::put_new`] for issued files.
    pub async fn put(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), StorageError> {
        self.check_before_write().await?;
        self.store
            .put(&path(key), PutPayload::from_bytes(bytes))
            .await?;
        self.check_after_write().await
    }

    /// Stores an object that must never change. Does nothing if the object exists with the same
    /// bytes.
    ///
    /// # Errors
    /// [`StorageError::Differs`] if the object exists with other bytes. It is not changed.
    pub async fn put_new(
        &self,
        key: &ObjectKey,
        bytes: impl Into<PutPayload>,
    ) -> Result<PutNew, StorageError> {
        let payload = bytes.into();
        self.check_before_write().await?;
        match self
            .store
            .put_opts(&path(key), payload.clone(), PutMode::Create.into())
            .await
        {
            Ok(_) => self.check_after_write().await.map(|()| PutNew::Created),
            Err(object_store::Error::AlreadyExists { .. }) => {
                // An ETag is a hash only for some servers and some kinds of upload, so the bytes
                // are compared.
                let limit = payload.content_length() as u64;
                let same = match self.get(key, limit).await {
                    Ok(Some(present)) => {
                        let wanted = payload.iter().fold(Sha256::new(), Sha256::chain_update);
                        Sha256::digest(&present) == wanted.finalize()
                    }
                    Err(StorageError::TooLarge { .. }) => false,
                    Err(error) => return Err(error),
                    // The object was deleted in between. The caller's next attempt creates it.
                    Ok(None) => return Err(StorageError::Backend(deleted_meanwhile(key))),
                };
                if same {
                    Ok(PutNew::AlreadyThere)
                } else {
                    Err(StorageError::Differs(key.clone()))
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the bytes of the object, or `None` if it doesn't exist.
    ///
    /// # Errors
    /// [`StorageError::TooLarge`] if the object has more than `max_bytes`.
    pub async fn get(
        &self,
        key: &ObjectKey,
        max_bytes: u64,
    ) -> Result<Option<Bytes>, StorageError> {
        let found = match self.store.get(&path(key)).await {
            Ok(found) => found,
            Err(error) => return self.missing(error).await,
        };
        // The body is read up to the announced size, so a misbehaving server can't send more.
        if found.meta.size > max_bytes {
            return Err(StorageError::TooLarge {
                key: key.clone(),
                limit: max_bytes,
            });
        }
        Ok(Some(found.bytes().await?))
    }

    /// Returns the first `most` bytes of the object, or fewer if it is smaller. Returns `None` if
    /// it doesn't exist.
    pub async fn get_start(
        &self,
        key: &ObjectKey,
        most: u64,
    ) -> Result<Option<Bytes>, StorageError> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(0..most)),
            ..GetOptions::default()
        };
        match self.store.get_opts(&path(key), options).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(error @ object_store::Error::NotFound { .. }) => self.missing(error).await,
            // No range of an empty object is valid (RFC 9110 section 14.1.2).
            Err(error) => match self.store.head(&path(key)).await {
                Ok(meta) if meta.size == 0 => Ok(Some(Bytes::new())),
                _ => Err(error.into()),
            },
        }
    }

    /// Returns the size of the object in bytes, and its content as a stream. Returns `None` if it
    /// doesn't exist.
    pub async fn get_pieces(&self, key: &ObjectKey) -> Result<Option<(u64, Pieces)>, StorageError> {
        match self.store.get(&path(key)).await {
            Ok(found) => {
                let size = found.meta.size;
                Ok(Some((
                    size,
                    found.into_stream().map_err(StorageError::from).boxed(),
                )))
            }
            Err(error) => self.missing(error).await,
        }
    }

    /// Returns true if the object exists.
    pub async fn exists(&self, key: &ObjectKey) -> Result<bool, StorageError> {
        match self.store.head(&path(key)).await {
            Ok(_) => Ok(true),
            Err(error) => Ok(self.missing::<()>(error).await?.is_some()),
        }
    }

    /// Deletes the object. Succeeds even if it doesn't exist.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), StorageError> {
        match self.store.delete(&path(key)).await {
            Ok(()) => Ok(()),
            Err(error) => self.missing::<()>(error).await.map(drop),
        }
    }

    /// Returns `None` if the error means that the object doesn't exist in a storage that is there.
    pub(super) async fn missing<T>(
        &self,
        error: object_store::Error,
    ) -> Result<Option<T>, StorageError> {
        match error {
            object_store::Error::NotFound { .. } => {
                self.check_present().await?;
                Ok(None)
            }
            error => Err(error.into()),
        }
    }

    /// Deletes at most `most` objects in `expiring/` that were stored before `stored_before`.
    /// Returns the number of deleted objects.
    pub async fn delete_expiring(
        &self,
        stored_before: OffsetDateTime,
        most: usize,
    ) -> Result<usize, StorageError> {
        let old =
            |meta: &ObjectMeta| meta.last_modified.timestamp() < stored_before.unix_timestamp();
        let mut found = self.store.list(Some(&Path::from(EXPIRING)));
        let mut gone = 0;
        while let Some(meta) = found.try_next().await? {
            if gone == most {
                break;
            }
            if old(&meta) {
                match self.store.delete(&meta.location).await {
                    Ok(()) => gone += 1,
                    Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(gone)
    }

    /// Checks that the bucket accepts the credentials, or that the folder is writable. Writes
    /// nothing to S3, because each write there costs money and may be kept as a version for ever.
    pub async fn check(&self) -> Result<(), StorageError> {
        let place = Path::from("health");
        if self.marker.is_some() {
            self.check_present().await?;
            self.store
                .put(&place.clone().join("probe"), PutPayload::from_static(PROBE))
                .await?;
        }
        self.store.list_with_delimiter(Some(&place)).await?;
        Ok(())
    }

    /// Checks that an object can be stored. Writes a file that is as large as a PDF to a folder,
    /// because a full disk may accept a smaller one.
    pub async fn probe(&self) -> Result<(), StorageError> {
        self.check().await?;
        if !self.is_folder() {
            return Ok(());
        }
        let place = Path::from("health").join("large-probe");
        let object = PutPayload::from_static(&[b' '; PROBE_BYTES]);
        let stored = self.store.put(&place, object).await;
        // Another process may have deleted the file of its own probe.
        let _ = self.store.delete(&place).await;
        stored?;
        Ok(())
    }
}

fn bucket(
    settings: &StorageSettings,
    name: &str,
) -> Result<object_store::aws::AmazonS3, StorageError> {
    let options = ClientOptions::new()
        .with_allow_http(settings.allow_http)
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_read_timeout(READ_TIMEOUT)
        .with_timeout(REQUEST_TIMEOUT);
    let retry = RetryConfig {
        max_retries: MAX_RETRIES,
        retry_timeout: RETRY_TIMEOUT,
        ..RetryConfig::default()
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(name)
        .with_region(settings.region.as_deref().unwrap_or("us-east-1"))
        .with_virtual_hosted_style_request(settings.virtual_hosted)
        .with_client_options(options)
        .with_retry(retry);
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
    }
    if let (Some(id), Some(secret)) = (&settings.access_key_id, &settings.secret_access_key) {
        builder = builder
            .with_access_key_id(id)
            .with_secret_access_key(secret.reveal());
    }
    Ok(builder.build()?)
}

/// Converts a key to a path. A valid key has no characters that object_store would encode.
pub(super) fn path(key: &ObjectKey) -> Path {
    Path::from(key.as_str())
}

fn deleted_meanwhile(key: &ObjectKey) -> object_store::Error {
    object_store::Error::NotFound {
        path: key.to_string(),
        source: "the object existed, but was deleted before it could be compared; try again".into(),
    }
}
