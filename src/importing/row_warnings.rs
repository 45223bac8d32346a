//! Warnings about rows that were imported.

use super::report::{ErrorDetail, ErrorText};
use super::undrawable_row::{DrawnTexts, texts};
use crate::certificate_pdf::Renderer;
use crate::commands::import_person::PersonImport;
use crate::domain::certification::person::is_quite_different;
use crate::domain::{Person, PersonEntry, Personal};
use crate::rendering::long_names::{NAME_TOO_LONG, SAFE_CHARACTERS};
use crate::rendering::undrawable::{UNDRAWABLE, problem};
use crate::spreadsheet::{Column, RawRow};

/// Code of the warning about a name that is quite different from the stored name of the person.
pub(super) const NAME_DIFFERS: &str = "NAME_DIFFERS";

/// Imported row to be checked for warnings.
#[derive(Clone, Copy)]
pub(super) struct RowToCheck<'r> {
    /// Number of the row in the file, counted over all sheets.
    pub number: u32,
    pub entry: &'r PersonEntry,
    pub imported: &'r PersonImport,
    /// Known person that the row is about, if any.
    pub stored: Option<&'r Person>,
    pub raw: &'r RawRow,
    /// True if the person will get a certificate, unless a warning prevents this.
    pub is_earning: bool,
}

/// Warnings about a row that depend on the certificate's template.
#[derive(Default)]
pub(super) struct ByTemplate {
    /// Long name, and the warning to add if the name doesn't fit.
    pub long_name: Option<(Personal<String>, ErrorDetail)>,
    /// Warning about an e-mail address that no font can draw. It applies only if the template shows
    /// the address.
    pub undrawable_email: Option<ErrorDetail>,
}

impl RowToCheck<'_> {
    /// Returns the warnings that depend on the template of the row's certificate.
    pub(super) fn by_template(self, renderer: &Renderer) -> ByTemplate {
        if !self.is_earning {
            return ByTemplate::default();
        }
        let name = DrawnTexts::of(self.entry, self.imported, self.stored).full_name();
        let is_long = name.chars().count() > SAFE_CHARACTERS;
        let too_long = || {
            let problem = "is too long for its place on the certificate; issuing would fail; shorten it, or choose \
                           another template";
            (
                name.to_owned().into(),
                self.warning_about(Column::FullName, NAME_TOO_LONG, problem),
            )
        };
        let stored = self.stored.map(|person| &person.email);
        let email = match self.imported {
            PersonImport::Existing(_) => stored.or(self.entry.email.as_ref()),
            _ => self.entry.email.as_ref().or(stored),
        };
        let problem = email.and_then(|email| problem(renderer, email.reveal_str()));
        let undrawable = |problem: String| {
            let problem = format!(
                "{problem}; the certificate shows the address, so issuing would fail; correct it"
            );
            self.warning_about(Column::Email, UNDRAWABLE, &problem)
        };
        ByTemplate {
            long_name: is_long.then(too_long),
            undrawable_email: problem.map(undrawable),
        }
    }

    fn warning_about(&self, column: Column, code: &str, problem: &str) -> ErrorDetail {
        let field = column.name();
        let text = ErrorText {
            column: self.raw.header_of(field).map(str::to_owned),
            field: Some(field.to_owned()),
            code: code.to_owned(),
            message: format!("{field} {problem}"),
        };
        ErrorDetail::warning(self.number, self.raw, vec![text])
    }
}

/// Returns the warnings about a row: texts that no font can draw, and a name that is quite
/// different from the stored one.
pub(super) fn warning(renderer: &Renderer, row: RowToCheck<'_>) -> Option<ErrorDetail> {
    let drawn = DrawnTexts::of(row.entry, row.imported, row.stored);
    let mut errors = texts(renderer, drawn, row.raw, row.is_earning);
    errors.extend(other_name(row));
    (!errors.is_empty()).then(|| ErrorDetail::warning(row.number, row.raw, errors))
}

/// Returns the warning about a known person whose stored name is kept and is quite different from
/// the name in the row. Its message contains no name.
fn other_name(row: RowToCheck<'_>) -> Option<ErrorText> {
    let (PersonImport::Existing(id), Some(stored)) = (row.imported, row.stored) else {
        return None;
    };
    if !is_quite_different(
        row.entry.full_name.reveal_str(),
        stored.full_name.reveal_str(),
    ) {
        return None;
    }
    let field = Column::FullName.name();
    Some(ErrorText {
        column: row.raw.header_of(field).map(str::to_owned),
        field: Some(field.to_owned()),
        code: NAME_DIFFERS.to_owned(),
        message: format!(
            "{field} is quite different from the stored name of the known person {id}, whose email and document match \
             the row; certificates show the stored name; to use the name of the file, upload the row again with \
             updateExisting; if these are two people, correct email and documentNumber"
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use uuid::Uuid;

    use super::*;
    use crate::domain::AttendeeId;
    use crate::domain::certification::person::samples::person;
    use crate::domain::certification::reading::Reading;
    use crate::spreadsheet::{Format, Limits, RowOutcome, open};

    const PEDRO: AttendeeId = AttendeeId(Uuid::from_u128(1));

    fn warned(name: &str, imported: &PersonImport) -> Option<ErrorText> {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        let text = format!("Nombre,Correo,Documento\n{name},p@example.org,D1\n");
        file.write_all(text.as_bytes())
            .expect("the file is writable");
        let opened = open(
            file.path(),
            Format::Csv,
            Limits::default(),
            &Reading::default(),
        );
        let row = opened
            .expect("it opens")
            .next()
            .expect("a row")
            .expect("it is whole");
        let RowOutcome::Person {
            person: entry, raw, ..
        } = row.outcome
        else {
            panic!("a person")
        };
        let stored = person("Pedro");
        let number = 2;
        let stored = Some(&stored);
        let is_earning = true;
        other_name(RowToCheck {
            number,
            entry: &entry,
            imported,
            stored,
            raw: &raw,
            is_earning,
        })
    }

    #[test]
    fn known_person_with_another_name_gives_a_warning_without_names() {
        let warning = warned("Lucía Prado", &PersonImport::Existing(PEDRO)).expect("a warning");
        assert_eq!(
            (warning.code.as_str(), warning.field.as_deref()),
            (NAME_DIFFERS, Some("fullName"))
        );
        assert_eq!(warning.column.as_deref(), Some("Nombre"));
        assert!(
            warning.message.contains("updateExisting"),
            "{}",
            warning.message
        );
        assert!(
            !warning.message.contains("Pedro") && !warning.message.contains("Luc"),
            "{}",
            warning.message
        );
    }

    #[test]
    fn similar_names_and_updated_or_new_people_give_no_warning() {
        assert_eq!(warned("PEDRO Rojas", &PersonImport::Existing(PEDRO)), None);
        for imported in [PersonImport::Created(PEDRO), PersonImport::Updated(PEDRO)] {
            assert_eq!(warned("Lucía Prado", &imported), None);
        }
    }
}
