//! Adds missing fields to a row's errors, so that the report lists all errors of the row.

use crate::spreadsheet::{Column, RawRow, RowError};

/// Adds errors for a blank e-mail address and a blank document number to a row that has other
/// errors. If an error concerns the whole row, the errors stay unchanged, because its cells may be
/// shifted against the header.
pub(super) fn with_missing_fields(
    raw: &RawRow,
    mut errors: Vec<RowError>,
    requires_document: bool,
) -> Vec<RowError> {
    if errors.iter().any(|error| error.field.is_none()) {
        return errors;
    }
    for column in [Column::DocumentNumber, Column::Email] {
        let field = column.name();
        let is_wanted = column == Column::Email || requires_document;
        let is_told = errors.iter().any(|error| error.field == Some(field));
        if let (true, false, Some(header)) = (is_wanted, is_told, raw.blank_header_of(field)) {
            let message = format!("{field} is missing; fill it in");
            let column = Some(header.to_owned());
            errors.push(RowError {
                column,
                field: Some(field),
                code: "REQUIRED",
                message,
            });
        }
    }
    errors
}
