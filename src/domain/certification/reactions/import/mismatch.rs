//! Reasons to reject a row after its comparison with known people and earlier rows, and their codes:
//! `DUPLICATE`, `MATCHES_TWO_PEOPLE` and `CONTRADICTS_ROW`. A row that repeats an earlier row has no
//! code; it is counted as repeated (`src/importing/settled.rs`).

use super::seen::Contradiction;
use crate::domain::{AttendeeId, FieldError};

/// Reference to a person in error messages. It contains no personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who {
    /// Id of the person.
    pub id: AttendeeId,
    /// Number of the earlier row about this person, in the whole file.
    pub row: Option<u32>,
}

/// Reason to reject a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// A field that a new person needs is missing or contains a placeholder.
    Fields(Vec<FieldError>),
    /// One field belongs to an existing person and another one doesn't: `DUPLICATE`.
    OneMatches {
        /// Field that belongs to the person: `email` or `documentNumber`.
        matched: &'static str,
        /// Fields that differ from the stored ones.
        differs: Vec<&'static str>,
        /// The existing person.
        who: Who,
    },
    /// E-mail address and document number belong to two people: `MATCHES_TWO_PEOPLE`.
    TwoPeople {
        /// Person with the e-mail address.
        email: Who,
        /// Person with the document number.
        document: Who,
    },
    /// An earlier row about the same person has another value: `CONTRADICTS_ROW`.
    Contradicts(Contradiction),
}

impl Mismatch {
    /// Returns the errors of the row by field. They contain no values. `named` returns the name of
    /// a row of the file.
    #[must_use]
    pub fn errors(&self, named: &dyn Fn(u32) -> String) -> Vec<FieldError> {
        match self {
            Self::Fields(errors) => errors.clone(),
            Self::OneMatches {
                matched,
                differs,
                who,
            } => {
                let message = one_matches(matched, differs, *who, named);
                vec![FieldError {
                    field: matched,
                    code: "DUPLICATE",
                    message,
                }]
            }
            Self::TwoPeople { email, document } => {
                let message = format!(
                    "email belongs to {} and documentNumber to {}; correct one of them",
                    email.described(named),
                    document.described(named)
                );
                let error = |field| FieldError {
                    field,
                    code: "MATCHES_TWO_PEOPLE",
                    message: message.clone(),
                };
                vec![error("email"), error("documentNumber")]
            }
            Self::Contradicts(Contradiction { row, field }) => {
                let message = format!(
                    "{field} differs from {}, which is about the same person; correct one of the two rows",
                    named(*row)
                );
                vec![FieldError {
                    field,
                    code: "CONTRADICTS_ROW",
                    message,
                }]
            }
        }
    }
}

impl Who {
    fn described(self, named: &dyn Fn(u32) -> String) -> String {
        match self.row {
            Some(row) => format!("the person of {}", named(row)),
            None => format!("the known person {}", self.id),
        }
    }
}

fn one_matches(matched: &str, differs: &[&str], who: Who, named: &dyn Fn(u32) -> String) -> String {
    let is_same_name = !differs.contains(&"fullName");
    let advice = match (matched, is_same_name, who.row) {
        (_, true, Some(_)) => "correct one of the two rows",
        (_, true, None) => "correct the row, or set updateExisting to change the person",
        ("email", false, _) => {
            "if these are two people, give each an address, or allow shared ones (setting people.shared_email)"
        }
        (_, false, _) => "correct the row: a document number belongs to one person",
    };
    let verb = if differs.len() == 1 {
        "differs"
    } else {
        "differ"
    };
    format!(
        "{matched} belongs to {}, whose {} {verb}; {advice}",
        who.described(named),
        differs.join(" and ")
    )
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ANA: AttendeeId = AttendeeId(Uuid::from_u128(1));

    fn named(row: u32) -> String {
        format!("row {row}")
    }

    #[test]
    fn messages_name_person_field_and_remedy() {
        let stored = Who { id: ANA, row: None };
        let earlier = Who {
            id: ANA,
            row: Some(2),
        };
        let one = |matched, differs: &[&'static str], who| {
            Mismatch::OneMatches {
                matched,
                differs: differs.to_vec(),
                who,
            }
            .errors(&named)
            .remove(0)
        };
        let siblings = one("email", &["documentNumber", "fullName"], earlier);
        assert_eq!((siblings.field, siblings.code), ("email", "DUPLICATE"));
        assert_eq!(
            siblings.message,
            "email belongs to the person of row 2, whose documentNumber and fullName differ; if these are two \
             people, give each an address, or allow shared ones (setting people.shared_email)"
        );
        let moved = one("documentNumber", &["email"], stored);
        assert_eq!(
            moved.message,
            "documentNumber belongs to the known person 00000000-0000-0000-0000-000000000001, whose email \
             differs; correct the row, or set updateExisting to change the person"
        );
        let two = Mismatch::TwoPeople {
            email: stored,
            document: earlier,
        }
        .errors(&named);
        assert_eq!(
            two.iter().map(|error| error.field).collect::<Vec<_>>(),
            ["email", "documentNumber"]
        );
        let contradicts = Mismatch::Contradicts(Contradiction {
            row: 4,
            field: "fullName",
        });
        let other = contradicts.errors(&named).remove(0);
        assert!(
            other.message.starts_with("fullName differs from row 4,"),
            "{}",
            other.message
        );
    }

    #[test]
    fn messages_use_the_given_name_of_a_row() {
        let elsewhere = |_: u32| "row 5 of sheet \"Lima\"".to_owned();
        let who = Who {
            id: ANA,
            row: Some(2),
        };
        let mismatches = [
            Mismatch::Contradicts(Contradiction {
                row: 2,
                field: "fullName",
            }),
            Mismatch::OneMatches {
                matched: "email",
                differs: vec!["fullName"],
                who,
            },
            Mismatch::TwoPeople {
                email: who,
                document: Who { id: ANA, row: None },
            },
        ];
        for mismatch in mismatches {
            let message = mismatch.errors(&elsewhere).remove(0).message;
            assert!(
                message.contains("row 5 of sheet \"Lima\"") && !message.contains('2'),
                "{message}"
            );
        }
    }
}
