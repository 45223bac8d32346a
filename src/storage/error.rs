//! Errors of object storage.

use super::{KeyError, ObjectKey};

/// Error of object storage. Messages contain keys, but never contents or secrets.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A setting has an invalid value.
    #[error("storage setting `{0}` {1}")]
    Setting(&'static str, &'static str),
    /// The text is not a valid object key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The local folder can't be created or opened.
    #[error("the storage folder cannot be opened: {0}")]
    Folder(std::io::Error),
    /// An object with this key exists and has other bytes. Issued objects are never replaced.
    #[error("object `{0}` exists with other content; it was not changed")]
    Differs(ObjectKey),
    /// The object is larger than the caller's limit.
    #[error("object `{key}` has more than {limit} bytes")]
    TooLarge {
        /// Key of the object.
        key: ObjectKey,
        /// The caller's limit in bytes.
        limit: u64,
    },
    /// The local file for an upload or download can't be read or written.
    #[error("the local file of object `{key}` cannot be read or written: {source}")]
    LocalFile {
        /// Key of the object.
        key: ObjectKey,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The folder or the server failed. A later attempt may succeed.
    #[error("storage failed: {0}")]
    Backend(#[from] object_store::Error),
}
