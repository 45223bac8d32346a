//! Object storage for issued PDFs, designs and imports, in a local folder or in an S3 bucket.
//!
//! Issued files never change: [`ObjectStorage::put_new`] never replaces an object with other bytes.
//! The event log contains the key and the SHA-256 of each file. So storage is not a source of
//! truth, and a lost PDF can be rendered again. A local file is written under a temporary name and
//! then renamed, so that no reader gets an incomplete file. Local files are not synced to disk, so
//! a power failure may destroy recent files. Keys never contain personal data, and [`ObjectKey`]
//! restricts them to safe characters.

mod error;
mod key;
mod marker;
mod object_storage;
mod presigned;
mod settings;
mod transfer;

pub use error::StorageError;
pub use key::{
    KeyError, ObjectKey, certificate_key, design_key, import_key, import_report_key, key_segment,
    small_design_key, template_key,
};
pub use object_storage::{ObjectStorage, PutNew};
/// Content of an object, in one or more pieces.
pub use object_store::PutPayload;
pub use settings::StorageSettings;
