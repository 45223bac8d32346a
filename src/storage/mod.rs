//! Files: issued PDFs, designs and imports, in a local folder or an S3 bucket, behind one type.
//!
//! What is issued never changes: [`ObjectStorage::put_new`] refuses to replace an object by other bytes.
//! The event log knows each file's key and SHA-256, so storage decides nothing; a lost PDF can be made
//! again. Local files are written beside their place and renamed, so a reader never sees half of one;
//! they are not forced to disk, and a power failure may lose the last of them (the log does not lose
//! that they existed). Keys never contain personal data; [`ObjectKey`] holds them to a safe alphabet.

mod error;
mod key;
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
/// Bytes in one piece or several.
pub use object_store::PutPayload;
pub use settings::StorageSettings;
