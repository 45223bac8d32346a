//! Options of an import.

use uuid::Uuid;

use crate::domain::SharedEmail;
use crate::domain::certification::reactions::import::RowRules;

/// Options of an import.
#[derive(Clone, Copy, Debug)]
pub struct ImportOptions {
    /// True if known people are updated.
    pub update_existing: bool,
    /// Certificate for each person in the file, unless the row names another one.
    pub certificate_id: Option<Uuid>,
    /// True if a person must have a document number.
    pub requires_document: bool,
    /// Rule for an e-mail address that several people share.
    pub shared_email: SharedEmail,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            update_existing: false,
            certificate_id: None,
            requires_document: true,
            shared_email: SharedEmail::default(),
        }
    }
}

impl ImportOptions {
    /// Returns the rules that apply to the rows.
    #[must_use]
    pub const fn rules(self) -> RowRules {
        let Self {
            update_existing,
            requires_document,
            shared_email,
            ..
        } = self;
        RowRules {
            update_existing,
            requires_document,
            shared_email,
        }
    }
}
