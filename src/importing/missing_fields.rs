//! Fields that are missing in a row with other errors, so that one answer lists all errors.

use crate::spreadsheet::{Column, RawRow, RowError};

/// Adds the errors of a blank e-mail address and a blank document number to a row that has other
/// errors. A row whose cells are shifted against the header is left as it is.
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
