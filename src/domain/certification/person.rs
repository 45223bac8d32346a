//! Person: the personal data that certificates need, and its checks.
//!
//! [`RawPerson`] is unchecked input, such as a spreadsheet row or a request body.
//! [`RawPerson::check`] turns it into a [`Person`], and [`RawPerson::check_entry`] into the
//! [`PersonEntry`] of a row.

mod characters;
mod damaged;
mod document;
mod email;
mod entry;
pub(crate) mod order;
mod placeholder;
pub(crate) mod plausible;
mod quotation;
mod same_name;
pub(in crate::domain) mod text;

use order::NameOrder;
use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use crate::domain::{FieldError, Personal};
pub use entry::{DocumentEntry, PersonEntry, SharedEmail, missing_document};
pub(crate) use placeholder::{is_no_name_part, without_marks};
pub(crate) use quotation::is_in_pairs;
pub use same_name::{folded_name, is_like_name, is_quite_different, is_same_name};
use text::Rule;

const FULL_NAME: Rule = Rule {
    field: "fullName",
    max_chars: 200,
    joiners: true,
};
const FIRST_NAME: Rule = Rule {
    field: "firstName",
    ..FULL_NAME
};
const LAST_NAME: Rule = Rule {
    field: "lastName",
    ..FULL_NAME
};
const COUNTRY: Rule = Rule {
    field: "country",
    max_chars: 100,
    joiners: true,
};
const DOCUMENT_TYPE: Rule = Rule {
    field: "documentType",
    max_chars: 100,
    joiners: true,
};
const DOCUMENT_NUMBER: Rule = Rule {
    field: "documentNumber",
    max_chars: 64,
    joiners: false,
};
const GENDER: Rule = Rule {
    field: "gender",
    max_chars: 100,
    joiners: true,
};
const EMAIL: Rule = Rule {
    field: "email",
    max_chars: 254,
    joiners: false,
};

/// A person in events and state: texts are trimmed, in NFC, and without characters that do not
/// print.
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
    /// `None` for a person without a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_number: Option<Personal<String>>,
    /// As written; at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Personal<String>>,
    /// As written; at most 254 characters.
    pub email: Personal<String>,
}

impl Person {
    /// Returns the address for comparing people: in lower case, with the domain in its IDNA form.
    #[must_use]
    pub fn normalised_email(&self) -> Personal<String> {
        Personal::new(email::normalise(self.email.reveal_str()))
    }

    /// Returns the document number for comparing people: compatibility forms folded (NFKC), in
    /// lower case, without spaces, dots and dashes. The document's type is not compared.
    #[must_use]
    pub fn normalised_document(&self) -> Option<Personal<String>> {
        self.document_number
            .as_ref()
            .map(|number| Personal::new(normalised_document(number.reveal_str())))
    }
}

/// Checks a single e-mail address, for example of a user.
///
/// # Errors
/// The address is invalid. The message does not repeat it.
pub fn check_email(address: &str) -> Result<(), &'static str> {
    email::check(address)
}

/// Returns the address for comparing accounts: in lower case, with the domain in its IDNA form.
#[must_use]
pub fn normalised_email(address: &str) -> String {
    email::normalise(address)
}

/// Returns the document number for comparing people; see [`Person::normalised_document`].
#[must_use]
pub fn normalised_document(number: &str) -> String {
    let folded: String = number.nfkc().flat_map(char::to_lowercase).collect();
    folded
        .nfkc()
        .filter(|&character| !is_separator(character))
        .collect()
}

fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '.' | '\u{2212}')
        || character.general_category() == GeneralCategory::DashPunctuation
}

/// Unchecked data of a person. An absent value and a blank one mean the same.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the fields are those of `Person`")]
pub struct RawPerson {
    pub full_name: Option<String>,
    /// Used with `last_name` if `full_name` is blank.
    pub first_name: Option<String>,
    /// Used with `first_name` if `full_name` is blank.
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

impl RawPerson {
    /// Checks every field of a whole person and reports all errors, in the order of `Person`'s
    /// fields.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn check(self, requires_document: bool) -> Result<Person, Vec<FieldError>> {
        self.read(requires_document, true)?
            .complete(requires_document)
    }

    /// Checks every field of a row. E-mail address and document number may be blank.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn check_entry(self) -> Result<PersonEntry, Vec<FieldError>> {
        self.read(false, false)
    }

    fn read(self, needs_document: bool, needs_email: bool) -> Result<PersonEntry, Vec<FieldError>> {
        let mut errors = Vec::new();
        let full_name = full_name(self.full_name, self.first_name, self.last_name, &mut errors);
        let country = optional_value(self.country, COUNTRY, &mut errors);
        let document_type = optional_value(self.document_type, DOCUMENT_TYPE, &mut errors);
        let document = document_entry(self.document_number, needs_document, &mut errors);
        let gender = optional_value(self.gender, GENDER, &mut errors);
        let read_email = if needs_email { required } else { optional };
        let email = read_email(self.email, EMAIL, &mut errors)
            .filter(|address| is_email(address, &mut errors));
        match full_name {
            Some(full_name) if errors.is_empty() => Ok(PersonEntry {
                full_name: full_name.into(),
                country: country.map(Personal::new),
                document_type: document_type.map(Personal::new),
                document,
                gender: gender.map(Personal::new),
                email: email.map(Personal::new),
            }),
            _ => Err(errors),
        }
    }
}

type Errors = Vec<FieldError>;

fn optional(value: Option<String>, rule: Rule, errors: &mut Errors) -> Option<String> {
    let text = value
        .map(|value| text::clean(&value))
        .filter(|text| !text.is_empty())?;
    match text::check(&text, rule) {
        Ok(()) if damaged::has_workbook_escape(&text) && rule.max_chars != FULL_NAME.max_chars => {
            errors.push(fault(rule, ESCAPE));
            None
        }
        Ok(()) => Some(text),
        Err(fault) => {
            let message = format!("{} {}", rule.field, fault.problem);
            errors.push(FieldError {
                field: rule.field,
                code: fault.code,
                message,
            });
            None
        }
    }
}

fn required(value: Option<String>, rule: Rule, errors: &mut Errors) -> Option<String> {
    let before = errors.len();
    let text = optional(value, rule, errors);
    if text.is_none() && errors.len() == before {
        errors.push(missing(rule.field));
    }
    text
}

fn missing(field: &'static str) -> FieldError {
    let is_part = [FIRST_NAME.field, LAST_NAME.field].contains(&field);
    let advice = if is_part {
        ", or write - if the person has only one name"
    } else {
        ""
    };
    FieldError {
        field,
        code: "REQUIRED",
        message: format!("{field} is missing; fill it in{advice}"),
    }
}

/// Returns the text of a column that may be blank. Texts for "no value", such as "N/A", count as
/// blank.
fn optional_value(value: Option<String>, rule: Rule, errors: &mut Errors) -> Option<String> {
    let text = optional(value, rule, errors).filter(|text| !placeholder::is_no_value(text))?;
    if is_in_pairs(&text) {
        return Some(text);
    }
    errors.push(fault(rule, damaged::STRAY_QUOTE));
    None
}

/// Fault of a text other than a name that contains an escape of XLSX.
const ESCAPE: damaged::Fault = (
    "FORBIDDEN_CHARACTER",
    "contains a character as a code, such as \"_x000D_\"; remove it or type the value again",
);

fn fault(rule: Rule, (code, message): damaged::Fault) -> FieldError {
    FieldError {
        field: rule.field,
        code,
        message: format!("{} {message}", rule.field),
    }
}

fn document_entry(value: Option<String>, is_required: bool, errors: &mut Errors) -> DocumentEntry {
    let before = errors.len();
    let Some(number) = optional(value, DOCUMENT_NUMBER, errors) else {
        if is_required && errors.len() == before {
            errors.push(missing_document());
        }
        return DocumentEntry::Absent;
    };
    if placeholder::is_no_document(&number) {
        if is_required {
            errors.push(entry::placeholder());
        }
        return DocumentEntry::Placeholder;
    }
    if is_document_number(&number, errors) {
        return DocumentEntry::Number(number.into());
    }
    DocumentEntry::Absent
}

/// Returns the full name, or first and last name joined. One of the two alone is refused, because a
/// certificate with half a name looks complete. A dash or dot in place of one of them means that
/// the person has only one name; it never becomes part of the name.
fn full_name(
    full: Option<String>,
    first: Option<String>,
    last: Option<String>,
    errors: &mut Errors,
) -> Option<String> {
    let is_blank = |value: &Option<String>| {
        value
            .as_ref()
            .is_none_or(|value| text::clean(value).is_empty())
    };
    let is_marked = |value: &str| placeholder::is_no_name_part(value.trim());
    let marked = |value: &Option<String>| value.as_deref().is_some_and(is_marked);
    for (value, rule) in [(&full, FULL_NAME), (&first, FIRST_NAME), (&last, LAST_NAME)] {
        let is_read = rule.field == FULL_NAME.field || is_blank(&full);
        if is_read && let Some(error) = value.as_deref().and_then(|value| damage(value, rule)) {
            errors.push(error);
            return None;
        }
    }
    let name = if !is_blank(&full) {
        required(full, FULL_NAME, errors)?
    } else if is_blank(&first) && is_blank(&last) {
        errors.push(no_name([full, first, last]));
        return None;
    } else {
        let part = |value: Option<String>, rule, other_is_name, errors: &mut Errors| {
            if marked(&value) && other_is_name {
                return Some(String::new());
            }
            let written = value.filter(|value| !is_marked(value));
            let part = required(written, rule, errors).map(|part| without_end_marks(&part))?;
            if placeholder::is_doubtful_part(&part) {
                errors.push(fault(rule, damaged::LEFTOVER));
                return None;
            }
            Some(part)
        };
        let has_first = !is_blank(&first) && !marked(&first);
        let has_last = !is_blank(&last) && !marked(&last);
        let first = part(first, FIRST_NAME, has_last, errors);
        let last = part(last, LAST_NAME, has_first, errors);
        let first = first?;
        let last = last?;
        let joined = format!("{first} {last}");
        if let Some(word) = damaged::leftover(&joined) {
            let rule = if last.contains(word) {
                LAST_NAME
            } else {
                FIRST_NAME
            };
            errors.push(fault(rule, damaged::LEFTOVER));
            return None;
        }
        required(Some(joined), FULL_NAME, errors)?
    };
    let name = without_end_marks(&name);
    if name.is_empty() || placeholder::is_no_name(&name) {
        errors.push(missing(FULL_NAME.field));
        return None;
    }
    if let Some(error) = damage(&name, FULL_NAME) {
        errors.push(error);
        return None;
    }
    if NameOrder::of(&name) != NameOrder::AsWritten {
        let message = "fullName has a comma, as in \"last name, first name\"; write the first name first, or give \
                       firstName and lastName";
        errors.push(FieldError {
            field: FULL_NAME.field,
            code: "INVALID_NAME",
            message: message.to_owned(),
        });
        return None;
    }
    if name.chars().any(char::is_alphabetic) {
        return Some(name);
    }
    let message = "fullName has no letter in it; write the person's name".to_owned();
    errors.push(FieldError {
        field: FULL_NAME.field,
        code: "INVALID_NAME",
        message,
    });
    None
}

/// Returns an error if a program has damaged the name. Ignores "null" and forbidden characters,
/// which other checks report.
fn damage(value: &str, rule: Rule) -> Option<FieldError> {
    let text = text::clean(value);
    let is_null = text.to_lowercase() == "null";
    if is_null || text::check(&text, rule).is_err() {
        return None;
    }
    damaged::problem(&text).map(|problem| fault(rule, problem))
}

/// Returns the name without commas and semicolons at its end, and without the marks of a missing
/// part around it.
fn without_end_marks(name: &str) -> String {
    let mut kept = name.to_owned();
    loop {
        let rest = placeholder::without_marks(&kept).trim_end_matches([',', ';', ' ']);
        if rest.len() == kept.len() {
            return kept;
        }
        kept = text::clean(rest);
    }
}

/// Returns the error of a name without a visible character: missing, or written with invisible
/// characters.
fn no_name(written: [Option<String>; 3]) -> FieldError {
    let field = FULL_NAME.field;
    if written
        .iter()
        .flatten()
        .all(|text| text::trimmed(text).is_empty())
    {
        return FieldError {
            field,
            code: "REQUIRED",
            message: format!("{field} is missing; fill it in"),
        };
    }
    let message = format!("{field} has no visible character in it; write the person's name");
    FieldError {
        field,
        code: "INVALID_NAME",
        message,
    }
}

fn is_document_number(number: &str, errors: &mut Errors) -> bool {
    if let Some(problem) = document::fault(number) {
        errors.push(fault(DOCUMENT_NUMBER, problem));
        return false;
    }
    let is_number = normalised_document(number)
        .chars()
        .any(char::is_alphanumeric);
    if !is_number {
        let message =
            "documentNumber has no letter or digit in it; write the document's number".to_owned();
        errors.push(FieldError {
            field: DOCUMENT_NUMBER.field,
            code: "INVALID_DOCUMENT_NUMBER",
            message,
        });
    }
    is_number
}

fn is_email(address: &str, errors: &mut Errors) -> bool {
    let checked = email::check(address);
    if let Err(message) = checked {
        errors.push(FieldError {
            field: EMAIL.field,
            code: "INVALID_EMAIL",
            message: message.to_owned(),
        });
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
            document_number: Some(format!("DOC-{name}").into()),
            gender: None,
            email: format!("{}@example.com", name.to_lowercase()).into(),
        }
    }
}
