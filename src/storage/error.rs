//! What can go wrong with stored files.

use super::{KeyError, ObjectKey};

/// A failure of file storage. Texts contain keys, never contents or secrets.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A setting cannot be used.
    #[error("storage setting `{0}` {1}")]
    Setting(&'static str, &'static str),
    /// The text is no object key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The local folder cannot be made or opened.
    #[error("the storage folder cannot be opened: {0}")]
    Folder(std::io::Error),
    /// An object exists under this key with other bytes, and issued bytes never change.
    #[error("object `{0}` exists with other content; it was left as it is")]
    Differs(ObjectKey),
    /// The object is larger than the caller is prepared for.
    #[error("object `{key}` has more than {limit} bytes")]
    TooLarge {
        /// Which object.
        key: ObjectKey,
        /// The caller's limit in bytes.
        limit: u64,
    },
    /// The local end of an upload or download failed.
    #[error("the local file of object `{key}` cannot be read or written: {source}")]
    LocalFile {
        /// Which object.
        key: ObjectKey,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The folder or server failed. Trying again later may help.
    #[error("storage failed: {0}")]
    Backend(#[from] object_store::Error),
}
