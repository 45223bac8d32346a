//! Certificate that a row names itself.

use uuid::Uuid;

use crate::commands::{CommandError, Snapshot};
use crate::domain::certificate::Certificate;
use crate::event_log::Names;
use crate::sheet::{Column, RawRow, RowError};

/// Rejects a row's own certificate if it does not exist or is not active. The snapshot must have it.
pub(super) fn check_certificate(
    snapshot: &Snapshot,
    names: &Names,
    certificate_id: Option<Uuid>,
    raw: &RawRow,
) -> Result<Option<RowError>, CommandError> {
    let Some(id) = certificate_id else { return Ok(None) };
    let (code, problem) = match snapshot.state::<Certificate>(names, id)?.0 {
        Some(definition) if definition.is_active => return Ok(None),
        Some(_) => ("CERTIFICATE_INACTIVE", "names a certificate that is not active; activate it"),
        None => ("UNKNOWN_CERTIFICATE", "names no certificate; copy the certificate's id"),
    };
    let field = Column::CertificateId.name();
    let column = raw.header_of(field);
    let message = raw.told(Some(field), &format!("{field} {problem}, or leave the cell empty"));
    Ok(Some(RowError { column, field: Some(field), code, message }))
}
