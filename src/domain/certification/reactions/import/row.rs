//! Plan for one row, derived from the people who hold its e-mail address and document number.

use super::mismatch::{Mismatch, Who};
use super::seen::Seen;
use crate::domain::certification::person::{
    is_like_name, is_same_name, normalised_document, normalised_email,
};
use crate::domain::{AttendeeId, Person, PersonEntry, SharedEmail};

/// Rules of one import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRules {
    /// True if existing people are updated.
    pub update_existing: bool,
    /// True if a person must have a document number.
    pub requires_document: bool,
    /// Rule for several people with one e-mail address.
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

/// Existing people that a row matches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Matches<'p> {
    /// Holder of the e-mail address.
    pub email: Option<Known<'p>>,
    /// Holder of the name at the e-mail address.
    pub name_at_email: Option<Known<'p>>,
    /// Holder of the document number.
    pub document: Option<Known<'p>>,
}

/// Plan for one row.
#[derive(Clone, Debug, PartialEq)]
pub enum RowPlan {
    /// Creates a new person.
    Create(Box<Person>),
    /// Updates an existing person.
    Update(AttendeeId, Box<Person>),
    /// Leaves an existing person as stored.
    Existing(AttendeeId),
    /// Rejects the row.
    Reject(Mismatch),
}

/// Plans a row without the stored data, if the two claims suffice: e-mail address and document
/// number belong to one person, who is not to be updated.
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
    /// Returns the person identified by the e-mail address.
    fn contact<'p>(&self, matches: Matches<'p>) -> Option<Known<'p>> {
        match self.rules.shared_email {
            SharedEmail::Refuse => {
                let named = matches
                    .name_at_email
                    .filter(|_| self.entry.document_number().is_none());
                // People are found by name if they were imported while addresses could be shared.
                // The name identifies the person.
                named.or(matches.email)
            }
            // A person with another document number is another person, even with the same name.
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

    /// Returns true if the row has the address and the document number of `holder`, but the name of
    /// another person. Several people can have the address, so it does not confirm the number.
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

    /// Plans a row about this person.
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

    /// Plans a row with only one identifying field. A name unlike the stored one means another
    /// person.
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

    /// Plans a row of which one identifying field belongs to the person and the other one doesn't.
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
