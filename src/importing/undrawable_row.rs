//! Texts of a row's person that no font can draw.

use super::report::ErrorText;
use crate::certificate_pdf::Renderer;
use crate::commands::import_person::PersonImport;
use crate::domain::{AttendeeId, Person, PersonEntry};
use crate::rendering::undrawable::{UNDRAWABLE, of_fields};
use crate::spreadsheet::RawRow;

/// Texts that certificates show for the person of a row. If the row doesn't change a known person,
/// these are the stored texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DrawnTexts<'t> {
    full_name: &'t str,
    document_number: Option<&'t str>,
    /// True if the name differs from the one in the row.
    has_stored_name: bool,
    /// True if the document number differs from the one in the row.
    has_stored_document: bool,
}

impl<'t> DrawnTexts<'t> {
    /// Returns the texts of an imported row. `stored` is the known person that the row is about, if
    /// any.
    pub(super) fn of(
        entry: &'t PersonEntry,
        imported: &PersonImport,
        stored: Option<&'t Person>,
    ) -> Self {
        let name_of_row = entry.full_name.reveal_str();
        let document_of_row = entry.document_number().map(|number| number.reveal_str());
        let of_stored = |person: &'t Person| {
            (
                person.full_name.reveal_str(),
                person
                    .document_number
                    .as_ref()
                    .map(|number| number.reveal_str()),
            )
        };
        let (full_name, document_number) = match (imported, stored.map(of_stored)) {
            (PersonImport::Existing(_), Some(stored)) => stored,
            // A blank cell keeps the stored document number.
            (PersonImport::Updated(_), Some((_, stored))) => {
                (name_of_row, document_of_row.or(stored))
            }
            _ => (name_of_row, document_of_row),
        };
        Self {
            full_name,
            document_number,
            has_stored_name: full_name != name_of_row,
            has_stored_document: document_number != document_of_row,
        }
    }

    /// Returns the full name.
    pub(super) const fn full_name(self) -> &'t str {
        self.full_name
    }

    /// Returns true if the text of `field` is the stored one and differs from the row.
    fn is_stored(self, field: &str) -> bool {
        if field == "fullName" {
            self.has_stored_name
        } else {
            self.has_stored_document
        }
    }
}

/// Returns the id of the known person that the row is about, if any.
pub(super) const fn known_person(imported: &PersonImport) -> Option<AttendeeId> {
    match imported {
        PersonImport::Existing(id) | PersonImport::Updated(id) => Some(*id),
        PersonImport::Created(_) | PersonImport::Rejected(_) => None,
    }
}

/// Returns a warning for each text of a row's person that no font can draw. `is_earning` is true if
/// the person would otherwise get a certificate.
pub(super) fn texts(
    renderer: &Renderer,
    drawn: DrawnTexts<'_>,
    raw: &RawRow,
    is_earning: bool,
) -> Vec<ErrorText> {
    let consequence = if is_earning {
        "no certificate is issued to this person; correct it and upload the row again with updateExisting"
    } else {
        "no certificate can be issued to this person; correct it before you issue one"
    };
    let undrawable = of_fields(renderer, drawn.full_name, drawn.document_number);
    let errors = undrawable.into_iter().map(|of_field| {
        let stored = if drawn.is_stored(of_field.field) {
            "the stored "
        } else {
            ""
        };
        ErrorText {
            column: raw.header_of(of_field.field).map(str::to_owned),
            field: Some(of_field.field.to_owned()),
            code: UNDRAWABLE.to_owned(),
            message: format!(
                "{stored}{} {}; {consequence}",
                of_field.field, of_field.problem
            ),
        }
    });
    errors.collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::RawPerson;
    use crate::domain::certification::person::samples::person;

    const ANA: AttendeeId = AttendeeId(Uuid::from_u128(1));

    fn row(name: &str, document: Option<&str>) -> PersonEntry {
        let full_name = Some(name.to_owned());
        let document_number = document.map(str::to_owned);
        RawPerson {
            full_name,
            document_number,
            ..RawPerson::default()
        }
        .check_entry()
        .expect("a name")
    }

    #[test]
    fn unchanged_person_is_drawn_with_the_stored_texts() {
        let entry = row("Ana Rojas", None);
        let stored = person("Bea");
        let drawn = DrawnTexts::of(&entry, &PersonImport::Existing(ANA), Some(&stored));
        assert_eq!(
            (drawn.full_name, drawn.document_number),
            ("Bea", Some("DOC-Bea"))
        );
        assert!(drawn.is_stored("fullName") && drawn.is_stored("documentNumber"));
    }

    #[test]
    fn updated_person_is_drawn_with_the_row_and_stored_values_for_blank_cells() {
        let stored = person("Bea");
        let entry = row("Ana Rojas", None);
        let drawn = DrawnTexts::of(&entry, &PersonImport::Updated(ANA), Some(&stored));
        assert_eq!(
            (drawn.full_name, drawn.document_number),
            ("Ana Rojas", Some("DOC-Bea"))
        );
        assert!(!drawn.is_stored("fullName") && drawn.is_stored("documentNumber"));
        let entry = row("Ana Rojas", Some("D1"));
        let drawn = DrawnTexts::of(&entry, &PersonImport::Updated(ANA), Some(&stored));
        assert_eq!(
            (drawn.full_name, drawn.document_number),
            ("Ana Rojas", Some("D1"))
        );
    }

    #[test]
    fn new_person_is_drawn_with_the_texts_of_the_row() {
        let entry = row("Ana Rojas", Some("D1"));
        for imported in [PersonImport::Created(ANA), PersonImport::Existing(ANA)] {
            let drawn = DrawnTexts::of(&entry, &imported, None);
            assert_eq!(
                (drawn.full_name, drawn.document_number),
                ("Ana Rojas", Some("D1"))
            );
            assert!(!drawn.is_stored("fullName") && !drawn.is_stored("documentNumber"));
        }
    }
}
