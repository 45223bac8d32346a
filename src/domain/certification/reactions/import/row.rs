//! Plan for one row. It depends on the people who hold the row's e-mail address and document
//! number.

use super::mismatch::{Mismatch, Who};
use super::seen::Seen;
use crate::domain::certification::person::{
    is_like_name, is_same_name, normalised_document, normalised_email,
};
use crate::domain::{AttendeeId, Person, PersonEntry, SharedEmail};

/// Rules that apply to the rows of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRules {
    /// True if existing people are updated.
    pub update_existing: bool,
    /// True if a person must have a document number.
    pub requires_document: bool,
    /// Rule for e-mail addresses that several people share.
    pub shared_email: SharedEmail,
}

/// Existing person.
#[derive(Clone, Copy, Debug)]
pub struct Known<'p> {
    /// Id of the person.
    pub id: AttendeeId,
    /// Stored data.
    pub person: &'p Person,
}

/// Existing people who hold identifying values of a row.
#[derive(Clone, Copy, Debug, Default)]
pub struct Matches<'p> {
    /// Holder of the e-mail address.
    pub email: Option<Known<'p>>,
    /// Holder of the combination of name and e-mail address.
    pub name_at_email: Option<Known<'p>>,
    /// Holder of the document number.
    pub document: Option<Known<'p>>,
}

/// Planned outcome of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum RowPlan {
    /// Creates a new person.
    Create(Box<Person>),
    /// Updates an existing person.
    Update(AttendeeId, Box<Person>),
    /// Keeps an existing person unchanged.
    Existing(AttendeeId),
    /// Rejects the row.
    Reject(Mismatch),
}

/// Plans a row without the stored data, if the two claims are sufficient. This is the case if
/// e-mail address and document number belong to the same person, existing people are not updated,
/// and addresses can't be shared.
#[must_use]
pub fn plan_by_claims(
    entry: &PersonEntry,
    email: Option<AttendeeId>,
    document: Option<AttendeeId>,
    rules: RowRules,
    seen: &Seen,
) -> Option<RowPlan> {
    let id = email.filter(|id| document == Some(*id))?;
    if rules.update_existing || rules.shared_email == SharedEmail::Allow {
        return None;
    }
    let contradiction = seen.contradiction(id, entry);
    Some(contradiction.map_or(RowPlan::Existing(id), |found| {
        RowPlan::Reject(Mismatch::Contradicts(found))
    }))
}

/// Plans a row.
#[must_use]
pub fn plan_row(
    entry: &PersonEntry,
    matches: Matches<'_>,
    rules: RowRules,
    seen: &Seen,
) -> RowPlan {
    if let Err(error) = entry.check_placeholder(rules.requires_document) {
        return RowPlan::Reject(Mismatch::Fields(vec![error]));
    }
    let planning = Planning { entry, rules, seen };
    if let Some(holder) = matches
        .document
        .filter(|holder| planning.is_another_at_shared_email(*holder, matches))
    {
        let differs = vec!["fullName"];
        let who = planning.who(holder);
        return RowPlan::Reject(Mismatch::OneMatches {
            matched: "documentNumber",
            differs,
            who,
        });
    }
    match (planning.contact(matches), matches.document) {
        (None, None) => planning.create(),
        (Some(contact), Some(holder)) if contact.id == holder.id => planning.known(holder),
        (_, Some(holder)) if planning.has_email_of(holder) => planning.known(holder),
        (Some(contact), Some(holder)) => RowPlan::Reject(Mismatch::TwoPeople {
            email: planning.who(contact),
            document: planning.who(holder),
        }),
        (Some(contact), None) if entry.document_number().is_some() => {
            planning.differs(contact, "email", "documentNumber")
        }
        (Some(contact), None) => planning.known_by_one(contact, "email"),
        (None, Some(holder)) if entry.email.is_some() => {
            planning.differs(holder, "documentNumber", "email")
        }
        (None, Some(holder)) => planning.known_by_one(holder, "documentNumber"),
    }
}

struct Planning<'r> {
    entry: &'r PersonEntry,
    rules: RowRules,
    seen: &'r Seen,
}

impl Planning<'_> {
    /// Returns the person that the e-mail address identifies.
    fn contact<'p>(&self, matches: Matches<'p>) -> Option<Known<'p>> {
        match self.rules.shared_email {
            SharedEmail::Refuse => {
                let named = matches
                    .name_at_email
                    .filter(|_| self.entry.document_number().is_none());
                // People imported while addresses could be shared are found by name and address.
                named.or(matches.email)
            }
            // A person with another document number is another person, even if the name is the
            // same.
            SharedEmail::Allow => {
                let same_name = |known: &Known<'_>| self.is_same_name(known.person);
                let known = matches.name_at_email.or(matches.email).filter(same_name);
                known.filter(|known| self.may_have_document_of(known.person))
            }
        }
    }

    fn may_have_document_of(&self, person: &Person) -> bool {
        match (self.entry.document_number(), person.normalised_document()) {
            (Some(number), Some(known)) => {
                normalised_document(number.reveal_str()) == known.reveal_str()
            }
            _ => true,
        }
    }

    /// Returns true if the row has the address and document number of `holder`, but the name of
    /// another person. Because several people can have the address, it does not confirm that the
    /// number is correct.
    fn is_another_at_shared_email(&self, holder: Known<'_>, matches: Matches<'_>) -> bool {
        let is_shared = self.rules.shared_email == SharedEmail::Allow && self.has_email_of(holder);
        let has_name_of_another = || {
            matches
                .name_at_email
                .is_some_and(|named| named.id != holder.id)
        };
        let name = self.entry.full_name.reveal_str();
        is_shared
            && !self.is_same_name(holder.person)
            && (has_name_of_another() || !is_like_name(name, holder.person.full_name.reveal_str()))
    }

    fn has_email_of(&self, known: Known<'_>) -> bool {
        let email = self.entry.email.as_ref();
        email.is_some_and(|email| {
            normalised_email(email.reveal_str()) == known.person.normalised_email().reveal_str()
        })
    }

    fn is_same_name(&self, person: &Person) -> bool {
        is_same_name(
            self.entry.full_name.reveal_str(),
            person.full_name.reveal_str(),
        )
    }

    fn who(&self, known: Known<'_>) -> Who {
        Who {
            id: known.id,
            row: self.seen.row_of(known.id),
        }
    }

    fn create(&self) -> RowPlan {
        match self.entry.complete(self.rules.requires_document) {
            Ok(person) => RowPlan::Create(Box::new(person)),
            Err(errors) => RowPlan::Reject(Mismatch::Fields(errors)),
        }
    }

    /// Plans a row about the known person.
    fn known(&self, known: Known<'_>) -> RowPlan {
        if let Some(found) = self.seen.contradiction(known.id, self.entry) {
            return RowPlan::Reject(Mismatch::Contradicts(found));
        }
        let person = self.entry.over(known.person);
        if self.rules.requires_document && person.document_number.is_none() {
            return RowPlan::Reject(Mismatch::Fields(vec![
                crate::domain::certification::person::missing_document(),
            ]));
        }
        self.changed(known, person)
    }

    fn changed(&self, known: Known<'_>, person: Person) -> RowPlan {
        if self.rules.update_existing && person != *known.person {
            RowPlan::Update(known.id, Box::new(person))
        } else {
            RowPlan::Existing(known.id)
        }
    }

    /// Plans a row that has only one identifying field. If its name is unlike the stored one, the
    /// row is about another person and is rejected.
    fn known_by_one(&self, known: Known<'_>, matched: &'static str) -> RowPlan {
        if is_like_name(
            self.entry.full_name.reveal_str(),
            known.person.full_name.reveal_str(),
        ) {
            return self.known(known);
        }
        let differs = vec!["fullName"];
        let who = self.who(known);
        RowPlan::Reject(Mismatch::OneMatches {
            matched,
            differs,
            who,
        })
    }

    /// Plans a row of which one identifying field belongs to the person and the other one does not.
    fn differs(&self, known: Known<'_>, matched: &'static str, differs: &'static str) -> RowPlan {
        let is_same_name = self.is_same_name(known.person);
        let who = self.who(known);
        if self.rules.update_existing && is_same_name && who.row.is_none() {
            return self.changed(known, self.entry.over(known.person));
        }
        let mut differs = vec![differs];
        if !is_same_name {
            differs.push("fullName");
        }
        RowPlan::Reject(Mismatch::OneMatches {
            matched,
            differs,
            who,
        })
    }
}

#[cfg(test)]
mod tests;
