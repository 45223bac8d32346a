//! Warning about a row whose person cannot be drawn on a certificate.

use super::report::{ErrorDetail, ErrorText};
use crate::domain::{Person, clean_line};
use crate::render::Renderer;
use crate::sheet::RawRow;
use crate::workers::undrawable::{UNDRAWABLE, of_person};

/// Returns the warning about a row whose person no font draws; `is_earning` says whether the row's person was
/// to get a certificate.
pub(super) fn warning(
    renderer: &Renderer,
    row: u32,
    person: &Person,
    raw: &RawRow,
    is_earning: bool,
) -> Option<ErrorDetail> {
    let undrawable = of_person(renderer, person);
    if undrawable.is_empty() {
        return None;
    }
    let consequence = if is_earning {
        "no certificate is issued to this person; correct it and upload the row again with updateExisting"
    } else {
        "no certificate can be issued to this person; correct it before you issue one"
    };
    let errors = undrawable.into_iter().map(|of_field| ErrorText {
        column: column_of(of_field.field, person, raw),
        field: Some(of_field.field.to_owned()),
        code: UNDRAWABLE.to_owned(),
        message: format!("{} {}; {consequence}", of_field.field, of_field.problem),
    });
    Some(ErrorDetail::warning(row, raw, errors.collect()))
}

/// The header above the cell that holds the field. A name that was put together of several cells has none.
fn column_of(field: &str, person: &Person, raw: &RawRow) -> Option<String> {
    let value = match field {
        "documentNumber" => person.document_number.reveal_str(),
        _ => person.full_name.reveal_str(),
    };
    raw.pairs().find(|(_, cell)| clean_line(cell.reveal_str()) == value).map(|(header, _)| header)
}
