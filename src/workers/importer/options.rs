//! Options of an import.

use uuid::Uuid;

use crate::domain::SharedEmail;
use crate::process::import::RowRules;

/// What everybody in a file is to get, and what happens to those who are known.
#[derive(Clone, Copy, Debug)]
pub struct ImportOptions {
    /// Whether people who are known already are changed.
    pub update_existing: bool,
    /// What everybody in the file earns, unless the row says otherwise.
    pub certificate_id: Option<Uuid>,
    /// Whether a person must have a document number.
    pub requires_document: bool,
    /// Whether two people may have one e-mail address.
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
    /// The rules for rows.
    #[must_use]
    pub const fn rules(self) -> RowRules {
        let Self { update_existing, requires_document, shared_email, .. } = self;
        RowRules { update_existing, requires_document, shared_email }
    }
}
