//! Data subject: the person whose data an event contains.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use uuid::Uuid;

/// Person whose data an event contains. An event contains data of at most one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataSubject {
    /// An attendee.
    Attendee(Uuid),
    /// A user.
    User(Uuid),
}

impl DataSubject {
    /// Returns the attendee with this id, or `None` if the id is not a UUID.
    #[must_use]
    pub fn attendee(id: &str) -> Option<Self> {
        id.parse().ok().map(Self::Attendee)
    }

    /// Returns the user with this id, or `None` if the id is not a UUID.
    #[must_use]
    pub fn user(id: &str) -> Option<Self> {
        id.parse().ok().map(Self::User)
    }
}

impl Display for DataSubject {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Attendee(id) => write!(f, "attendee:{id}"),
            Self::User(id) => write!(f, "user:{id}"),
        }
    }
}

impl FromStr for DataSubject {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let subject = match text.split_once(':').ok_or(())? {
            ("attendee", id) => Self::attendee(id),
            ("user", id) => Self::user(id),
            _ => None,
        };
        subject.ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_subject_survives_its_text_form() {
        for subject in [
            DataSubject::Attendee(Uuid::from_u128(1)),
            DataSubject::User(Uuid::from_u128(2)),
        ] {
            assert_eq!(subject.to_string().parse(), Ok(subject));
        }
        for bad in [
            "",
            "user",
            "user:",
            "robot:00000000-0000-0000-0000-000000000001",
        ] {
            assert_eq!(bad.parse::<DataSubject>(), Err(()), "{bad}");
        }
    }
}
