//! Certificate that a row names for its person.

use uuid::Uuid;

use crate::commands::import_person::PersonImport;
use crate::commands::{Aggregates, CommandError};
use crate::domain::FieldError;
use crate::domain::certification::certificate::Certificate;
use crate::domain::certification::reactions::import::{Mismatch, RowRules};
use crate::event_log::Names;
use crate::spreadsheet::{Column, RawRow, RowError};

/// Result of checking the certificate that a row names.
pub(super) enum OwnCertificate {
    /// The row names no certificate, or one that can be issued.
    Usable {
        /// True if the certificate requires a document number.
        requires_document: bool,
    },
    /// The named certificate does not exist or is not active.
    Unusable(RowError),
}

/// Checks the certificate that a row names. `loaded` must contain it.
pub(super) fn check_certificate(
    loaded: &Aggregates,
    names: &Names,
    certificate_id: Option<Uuid>,
    raw: &RawRow,
) -> Result<OwnCertificate, CommandError> {
    let Some(id) = certificate_id else {
        return Ok(OwnCertificate::Usable {
            requires_document: false,
        });
    };
    let (code, problem) = match loaded.state::<Certificate>(names, id)?.0 {
        Some(definition) if definition.is_active => {
            return Ok(OwnCertificate::Usable {
                requires_document: definition.requires_document,
            });
        }
        Some(_) => (
            "CERTIFICATE_INACTIVE",
            "names a certificate that is not active; activate it",
        ),
        None => (
            "UNKNOWN_CERTIFICATE",
            "names no certificate; copy the certificate's id",
        ),
    };
    let field = Column::CertificateId.name();
    let column = raw.header_of(field).map(str::to_owned);
    let message = format!("{field} {problem}, or leave the cell empty");
    Ok(OwnCertificate::Unusable(RowError {
        column,
        field: Some(field),
        code,
        message,
    }))
}

/// Returns the rules of a row whose named certificate may require a document number.
pub(super) const fn rules_with(rules: RowRules, requires_document: bool) -> RowRules {
    RowRules {
        requires_document: rules.requires_document || requires_document,
        ..rules
    }
}

/// Returns the outcome of a row. If only the named certificate requires the missing document
/// number, the error names that certificate as the reason.
pub(super) fn explained(
    imported: PersonImport,
    rules: RowRules,
    requires_document: bool,
) -> PersonImport {
    match imported {
        PersonImport::Rejected(Mismatch::Fields(errors))
            if requires_document && !rules.requires_document =>
        {
            PersonImport::Rejected(Mismatch::Fields(
                errors.into_iter().map(of_certificate).collect(),
            ))
        }
        other => other,
    }
}

fn of_certificate(error: FieldError) -> FieldError {
    if error.field != Column::DocumentNumber.name() {
        return error;
    }
    let message = format!(
        "{} names a certificate that requires a documentNumber; fill it in",
        Column::CertificateId.name()
    );
    FieldError {
        field: error.field,
        code: "REQUIRED",
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SharedEmail;
    use crate::domain::certification::person::missing_document;

    const RULES: RowRules = RowRules {
        update_existing: false,
        requires_document: false,
        shared_email: SharedEmail::Refuse,
    };

    fn rejected() -> PersonImport {
        let email = FieldError {
            field: "email",
            code: "REQUIRED",
            message: "email is missing".to_owned(),
        };
        PersonImport::Rejected(Mismatch::Fields(vec![missing_document(), email]))
    }

    #[test]
    fn certificate_of_a_row_can_require_a_document_and_never_waive_it() {
        let requiring = RowRules {
            requires_document: true,
            ..RULES
        };
        assert_eq!(rules_with(RULES, true), requiring);
        assert_eq!(rules_with(RULES, false), RULES);
        assert_eq!(rules_with(requiring, false), requiring);
    }

    #[test]
    fn document_required_only_by_the_certificate_is_reported_as_such() {
        let PersonImport::Rejected(Mismatch::Fields(errors)) = explained(rejected(), RULES, true)
        else {
            panic!("not rejected")
        };
        assert_eq!(
            (errors[0].field, errors[0].code),
            ("documentNumber", "REQUIRED")
        );
        assert!(
            errors[0]
                .message
                .contains("requires a documentNumber; fill it in"),
            "{}",
            errors[0].message
        );
        assert_eq!(errors[1].message, "email is missing");
    }

    #[test]
    fn missing_document_that_the_import_requires_is_reported_unchanged() {
        let requiring = RowRules {
            requires_document: true,
            ..RULES
        };
        assert_eq!(explained(rejected(), requiring, true), rejected());
        assert_eq!(explained(rejected(), RULES, false), rejected());
    }
}
