//! Checked data of the person in a row. A field may be blank if an earlier upload stored it.

use serde::{Deserialize, Serialize};

use super::{DOCUMENT_NUMBER, EMAIL, FieldError, Person, missing};
use crate::domain::Personal;

/// Setting `people.shared_email`: rule for several people with one e-mail address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SharedEmail {
    /// The address identifies a person. Another person with the same address is an error.
    #[default]
    Refuse,
    /// The address alone does not identify a person. The document number identifies the person.
    /// Without a document number, the address and the name together identify the person.
    Allow,
}

impl SharedEmail {
    /// Returns true for the default.
    #[must_use]
    pub fn is_refuse(&self) -> bool {
        *self == Self::Refuse
    }
}

/// Document number of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentEntry {
    /// Blank cell or absent column.
    Absent,
    /// Text such as "N/A" that means "no number". It does not identify a person.
    Placeholder,
    /// A number.
    Number(Personal<String>),
}

/// Data of the person in a row, with each field checked. Blank fields are `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonEntry {
    /// As in [`Person`].
    pub full_name: Personal<String>,
    /// As in [`Person`].
    pub country: Option<Personal<String>>,
    /// As in [`Person`].
    pub document_type: Option<Personal<String>>,
    /// Number, placeholder or nothing.
    pub document: DocumentEntry,
    /// As in [`Person`].
    pub gender: Option<Personal<String>>,
    /// As in [`Person`].
    pub email: Option<Personal<String>>,
}

impl PersonEntry {
    /// Returns the document number, if the row has one.
    #[must_use]
    pub const fn document_number(&self) -> Option<&Personal<String>> {
        match &self.document {
            DocumentEntry::Number(number) => Some(number),
            DocumentEntry::Absent | DocumentEntry::Placeholder => None,
        }
    }

    /// Rejects a placeholder if a document number is required.
    ///
    /// # Errors
    /// The document number is a placeholder.
    pub fn check_placeholder(&self, requires_document: bool) -> Result<(), FieldError> {
        if requires_document && self.document == DocumentEntry::Placeholder {
            return Err(placeholder());
        }
        Ok(())
    }

    /// Returns the data of a new person.
    ///
    /// # Errors
    /// The e-mail address is missing, or the document number is missing although it is required.
    pub fn complete(&self, requires_document: bool) -> Result<Person, Vec<FieldError>> {
        let mut errors = Vec::new();
        let document_number = self.document_number().cloned();
        match self.check_placeholder(requires_document) {
            Err(error) => errors.push(error),
            Ok(()) if requires_document && document_number.is_none() => {
                errors.push(missing_document())
            }
            Ok(()) => {}
        }
        match &self.email {
            Some(email) if errors.is_empty() => Ok(Person {
                full_name: self.full_name.clone(),
                country: self.country.clone(),
                document_type: self.document_type.clone(),
                document_number,
                gender: self.gender.clone(),
                email: email.clone(),
            }),
            Some(_) => Err(errors),
            None => {
                errors.push(missing(EMAIL.field));
                Err(errors)
            }
        }
    }

    /// Returns the known person with the values of this row. A blank field keeps the stored value.
    #[must_use]
    pub fn over(&self, known: &Person) -> Person {
        let or = |new: &Option<Personal<String>>, old: &Option<Personal<String>>| {
            new.clone().or_else(|| old.clone())
        };
        Person {
            full_name: self.full_name.clone(),
            country: or(&self.country, &known.country),
            document_type: or(&self.document_type, &known.document_type),
            document_number: or(&self.document_number().cloned(), &known.document_number),
            gender: or(&self.gender, &known.gender),
            email: self.email.clone().unwrap_or_else(|| known.email.clone()),
        }
    }
}

/// Returns the error for a missing document number.
#[must_use]
pub fn missing_document() -> FieldError {
    let message = "documentNumber is missing; fill it in, or set requiresDocument to false where none is needed";
    FieldError {
        field: DOCUMENT_NUMBER.field,
        code: "REQUIRED",
        message: message.to_owned(),
    }
}

pub(super) fn placeholder() -> FieldError {
    let message = "documentNumber contains a text for \"no document\"; write its number, or set requiresDocument to \
                   false where none is needed";
    FieldError {
        field: DOCUMENT_NUMBER.field,
        code: "PLACEHOLDER",
        message: message.to_owned(),
    }
}
