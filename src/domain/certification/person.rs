//! Person: the personal data that certificates need, and its checks.
//!
//! [`RawPerson`] is unchecked input, such as a spreadsheet row or a request body.
//! [`RawPerson::check`] converts it into a [`Person`], and [`RawPerson::check_entry`] into the
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

const FULL_NAME: Rule = Rule::text("fullName", 200);
const FIRST_NAME: Rule = Rule::text("firstName", 200);
const LAST_NAME: Rule = Rule::text("lastName", 200);
const COUNTRY: Rule = Rule::text("country", 100);
const DOCUMENT_TYPE: Rule = Rule::text("documentType", 100);
const DOCUMENT_NUMBER: Rule = Rule::code("documentNumber", 64);
const GENDER: Rule = Rule::text("gender", 100);
const EMAIL: Rule = Rule::code("email", 254);

/// Person in events and state. The texts are trimmed, in NFC, and contain no characters that can't
/// be printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// Full name: 1–200 characters, at least one of them a letter.
    pub full_name: Personal<String>,
    /// Country as written; at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Personal<String>>,
    /// Type of the document as written, e.g. "DNI" or "passport"; at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_type: Option<Personal<String>>,
    /// Document number as written, with leading zeros; 1–64 characters, at least one of them a
    /// letter or digit. `None` for a person without a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_number: Option<Personal<String>>,
    /// Gender as written; at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Personal<String>>,
    /// E-mail address as written; at most 254 characters.
    pub email: Personal<String>,
}

impl Person {
    /// Returns the e-mail address in the form for comparing people: in lower case, with the domain
    /// in its IDNA form.
    #[must_use]
    pub fn normalised_email(&self) -> Personal<String> {
        Personal::new(email::normalise(self.email.reveal_str()))
    }

    /// Returns the document number in the form for comparing people: compatibility forms folded
    /// (NFKC), in lower case, without spaces, dots and dashes. The document type is not compared.
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

/// Returns an e-mail address in the form for comparing accounts: in lower case, with the domain in
/// its IDNA form.
#[must_use]
pub fn normalised_email(address: &str) -> String {
    email::normalise(address)
}

/// Returns a document number in the form for comparing people; see [`Person::normalised_document`].
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

/// Unchecked data of a person. A blank value is treated as an absent one.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the fields are those of `Person`")]
pub struct RawPerson {
    pub full_name: Option<String>,
    /// First name. Used with `last_name` if `full_name` is blank.
    pub first_name: Option<String>,
    /// Last name. Used with `first_name` if `full_name` is blank.
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
    /// Checks all fields of a complete person and reports all errors, in the order of the fields of
    /// `Person`.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn check(self, requires_document: bool) -> Result<Person, Vec<FieldError>> {
        self.read(requires_document, true)?
            .complete(requires_document)
    }

    /// Checks all fields of a row. The e-mail address and the document number may be blank.
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

/// Returns the text of a column that may be blank. A text that means "no value", such as "N/A", is
/// treated as blank.
fn optional_value(value: Option<String>, rule: Rule, errors: &mut Errors) -> Option<String> {
    let text = optional(value, rule, errors).filter(|text| !placeholder::is_no_value(text))?;
    if is_in_pairs(&text) {
        return Some(text);
    }
    errors.push(fault(rule, damaged::STRAY_QUOTE));
    None
}

/// Fault of a text, other than a name, that contains an escape of XLSX.
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

/// Returns the full name, or the first and last name joined. If only one of the two is given, the
/// row is refused, because a certificate with half a name looks complete. A dash or dot in place of
/// one of them means that the person has only one name. It is not added to the name.
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
/// because other checks report these.
fn damage(value: &str, rule: Rule) -> Option<FieldError> {
    let text = text::clean(value);
    let is_null = text.to_lowercase() == "null";
    if is_null || text::check(&text, rule).is_err() {
        return None;
    }
    damaged::problem(&text).map(|problem| fault(rule, problem))
}

/// Returns the name without commas and semicolons at its end, and without marks for a missing part
/// at both ends.
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

/// Returns the error for a name without a visible character. It differs depending on whether the
/// name is missing or written with invisible characters.
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
