//! Errors of object storage.

use super::marker::MARKER;
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
    /// The folder lacks its marker, so it is an empty mount point.
    #[error(
        "the storage folder lacks its marker file `{MARKER}`: it is not mounted, or was emptied; \
         mount it, or create this file with the content `{namespace}` if the folder is empty on purpose"
    )]
    NotMounted {
        /// Namespace whose objects are expected.
        namespace: String,
    },
    /// The folder has the marker of another namespace.
    #[error(
        "the marker file `{MARKER}` of the storage folder doesn't have the content `{namespace}`: the \
         folder belongs to another installation; mount the right one, or change `storage.url`"
    )]
    OtherNamespace {
        /// Namespace whose objects are expected.
        namespace: String,
    },
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

impl StorageError {
    /// Returns true if the folder or the server may be away, so that the same call can succeed
    /// later.
    #[must_use]
    pub const fn is_away(&self) -> bool {
        match self {
            Self::Backend(_)
            | Self::Folder(_)
            | Self::NotMounted { .. }
            | Self::OtherNamespace { .. } => true,
            Self::Setting(..)
            | Self::Key(_)
            | Self::Differs(_)
            | Self::TooLarge { .. }
            | Self::LocalFile { .. } => false,
        }
    }
}
