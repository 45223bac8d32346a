//! Warning about a row whose person cannot be drawn on a certificate.

use super::report::{ErrorDetail, ErrorText};
use crate::domain::PersonEntry;
use crate::render::Renderer;
use crate::sheet::RawRow;
use crate::workers::undrawable::{UNDRAWABLE, of_fields};

/// Returns the warning about a row whose person no font draws; `is_earning` says whether the row's person was
/// to get a certificate.
pub(super) fn warning(
    renderer: &Renderer,
    row: u32,
    person: &PersonEntry,
    raw: &RawRow,
    is_earning: bool,
) -> Option<ErrorDetail> {
    let document_number = person.document_number().map(|number| number.reveal_str());
    let undrawable = of_fields(renderer, person.full_name.reveal_str(), document_number);
    if undrawable.is_empty() {
        return None;
    }
    let consequence = if is_earning {
        "no certificate is issued to this person; correct it and upload the row again with updateExisting"
    } else {
        "no certificate can be issued to this person; correct it before you issue one"
    };
    let errors = undrawable.into_iter().map(|of_field| ErrorText {
        column: raw.header_of(of_field.field),
        field: Some(of_field.field.to_owned()),
        code: UNDRAWABLE.to_owned(),
        message: format!("{} {}; {consequence}", of_field.field, of_field.problem),
    });
    Some(ErrorDetail::warning(row, raw, errors.collect()))
}
