//! Who certificates go to: what we need to know of a person, and what we refuse to take.
//!
//! [`RawPerson`] is anything that arrived (a spreadsheet row, a request body); [`RawPerson::check`] is
//! the one way to a [`Person`].

mod characters;
mod email;
pub(in crate::domain) mod text;

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use super::Personal;
use text::Rule;

const FULL_NAME: Rule = Rule { field: "fullName", max_chars: 200, joiners: true };
const FIRST_NAME: Rule = Rule { field: "firstName", ..FULL_NAME };
const LAST_NAME: Rule = Rule { field: "lastName", ..FULL_NAME };
const COUNTRY: Rule = Rule { field: "country", max_chars: 100, joiners: true };
const DOCUMENT_TYPE: Rule = Rule { field: "documentType", max_chars: 100, joiners: true };
const DOCUMENT_NUMBER: Rule = Rule { field: "documentNumber", max_chars: 64, joiners: false };
const GENDER: Rule = Rule { field: "gender", max_chars: 100, joiners: true };
const EMAIL: Rule = Rule { field: "email", max_chars: 254, joiners: false };

/// A person as events and state carry one: trimmed, in NFC, free of characters that do not print.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// 1–200 characters, at least one of them a letter.
    pub full_name: Personal<String>,
    /// As written; at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Personal<String>>,
    /// As written, e.g. "DNI" or "passport"; at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_type: Option<Personal<String>>,
    /// As written, leading zeros kept; 1–64 characters, at least one of them a letter or digit.
    pub document_number: Personal<String>,
    /// As written; at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Personal<String>>,
    /// As written; at most 254 characters.
    pub email: Personal<String>,
}

impl Person {
    /// The address by which two people are the same: lower case, the domain in its IDNA form.
    #[must_use]
    pub fn normalised_email(&self) -> Personal<String> {
        Personal::new(email::normalise(self.email.reveal_str()))
    }

    /// The document number by which two people are the same: compatibility forms folded (NFKC), lower
    /// case, without spaces, dots and dashes. The document's type takes no part.
    #[must_use]
    pub fn normalised_document(&self) -> Personal<String> {
        Personal::new(normalise_document(self.document_number.reveal_str()))
    }
}

/// Checks an e-mail address on its own, as for a user.
///
/// # Errors
/// What is wrong with it, in words that don't repeat it.
pub fn check_email(address: &str) -> Result<(), &'static str> {
    email::check(address)
}

/// The address by which two accounts are the same: lower case, the domain in its IDNA form.
#[must_use]
pub fn normalised_email(address: &str) -> String {
    email::normalise(address)
}

fn normalise_document(number: &str) -> String {
    let folded: String = number.nfkc().flat_map(char::to_lowercase).collect();
    folded.nfkc().filter(|&character| !is_separator(character)).collect()
}

fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '.' | '\u{2212}')
        || character.general_category() == GeneralCategory::DashPunctuation
}

/// What arrived about a person, unchecked. Absent and blank mean the same.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the fields are those of `Person`")]
pub struct RawPerson {
    pub full_name: Option<String>,
    /// With `last_name`, makes the full name where `full_name` is blank.
    pub first_name: Option<String>,
    /// With `first_name`, makes the full name where `full_name` is blank.
    pub last_name: Option<String>,
    pub country: Option<String>,
    pub document_type: Option<String>,
    pub document_number: Option<String>,
    pub gender: Option<String>,
    pub email: Option<String>,
}

impl fmt::Debug for RawPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawPerson(…)")
    }
}

/// Why one field was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name in the API, camelCase.
    pub field: &'static str,
    /// `REQUIRED`, `TOO_LONG`, `FORBIDDEN_CHARACTER`, `INVALID_EMAIL`, `INVALID_NAME` or `INVALID_DOCUMENT_NUMBER`.
    pub code: &'static str,
    /// What is wrong and what to do; never contains the value.
    pub message: String,
}

impl RawPerson {
    /// Checks every field and reports all that is wrong, in the order of `Person`'s fields.
    pub fn check(self) -> Result<Person, Vec<FieldError>> {
        let mut errors = Vec::new();
        let full_name = full_name(self.full_name, self.first_name, self.last_name, &mut errors);
        let country = optional(self.country, COUNTRY, &mut errors);
        let document_type = optional(self.document_type, DOCUMENT_TYPE, &mut errors);
        let document_number = required(self.document_number, DOCUMENT_NUMBER, &mut errors)
            .filter(|number| is_document_number(number, &mut errors));
        let gender = optional(self.gender, GENDER, &mut errors);
        let email = required(self.email, EMAIL, &mut errors).filter(|address| is_email(address, &mut errors));
        match (full_name, document_number, email) {
            (Some(full_name), Some(document_number), Some(email)) if errors.is_empty() => Ok(Person {
                full_name: full_name.into(),
                country: country.map(Personal::new),
                document_type: document_type.map(Personal::new),
                document_number: document_number.into(),
                gender: gender.map(Personal::new),
                email: email.into(),
            }),
            _ => Err(errors),
        }
    }
}

type Errors = Vec<FieldError>;

fn optional(value: Option<String>, rule: Rule, errors: &mut Errors) -> Option<String> {
    let text = value.map(|value| text::clean(&value)).filter(|text| !text.is_empty())?;
    match text::check(&text, rule) {
        Ok(()) => Some(text),
        Err(fault) => {
            let message = format!("{} {}", rule.field, fault.problem);
            errors.push(FieldError { field: rule.field, code: fault.code, message });
            None
        }
    }
}

fn required(value: Option<String>, rule: Rule, errors: &mut Errors) -> Option<String> {
    let before = errors.len();
    let text = optional(value, rule, errors);
    if text.is_none() && errors.len() == before {
        let message = format!("{} is missing; fill it in", rule.field);
        errors.push(FieldError { field: rule.field, code: "REQUIRED", message });
    }
    text
}

/// The full name, or first and last name joined. One of the two alone is refused: a certificate with
/// half a name looks finished, and nobody would notice.
fn full_name(
    full: Option<String>,
    first: Option<String>,
    last: Option<String>,
    errors: &mut Errors,
) -> Option<String> {
    let is_blank = |value: &Option<String>| value.as_ref().is_none_or(|value| text::clean(value).is_empty());
    let name = if !is_blank(&full) {
        required(full, FULL_NAME, errors)?
    } else if is_blank(&first) && is_blank(&last) {
        errors.push(no_name([full, first, last]));
        return None;
    } else {
        let (first, last) = (required(first, FIRST_NAME, errors), required(last, LAST_NAME, errors));
        required(Some(format!("{} {}", first?, last?)), FULL_NAME, errors)?
    };
    if name.chars().any(char::is_alphabetic) {
        return Some(name);
    }
    let message = "fullName has no letter in it; write the person's name".to_owned();
    errors.push(FieldError { field: FULL_NAME.field, code: "INVALID_NAME", message });
    None
}

/// The error of a name without a visible character: missing, or written with characters that are drawn as
/// nothing.
fn no_name(written: [Option<String>; 3]) -> FieldError {
    let field = FULL_NAME.field;
    if written.iter().flatten().all(|text| text::trimmed(text).is_empty()) {
        return FieldError { field, code: "REQUIRED", message: format!("{field} is missing; fill it in") };
    }
    let message = format!("{field} has no visible character in it; write the person's name");
    FieldError { field, code: "INVALID_NAME", message }
}

fn is_document_number(number: &str, errors: &mut Errors) -> bool {
    let is_number = normalise_document(number).chars().any(char::is_alphanumeric);
    if !is_number {
        let message = "documentNumber has no letter or digit in it; write the document's number".to_owned();
        errors.push(FieldError { field: DOCUMENT_NUMBER.field, code: "INVALID_DOCUMENT_NUMBER", message });
    }
    is_number
}

fn is_email(address: &str, errors: &mut Errors) -> bool {
    let checked = email::check(address);
    if let Err(message) = checked {
        errors.push(FieldError { field: EMAIL.field, code: "INVALID_EMAIL", message: message.to_owned() });
    }
    checked.is_ok()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) mod samples {
    use super::Person;

    pub(crate) fn person(name: &str) -> Person {
        Person {
            full_name: name.to_owned().into(),
            country: None,
            document_type: None,
            document_number: format!("DOC-{name}").into(),
            gender: None,
            email: format!("{}@example.com", name.to_lowercase()).into(),
        }
    }
}
