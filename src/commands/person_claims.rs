//! Claims of a person: e-mail address, name at the address, and document number.

use std::fmt::Display;

use super::{CommandError, Loaded, Transaction};
use crate::domain::certification::person::{folded_name, normalised_document, normalised_email};
use crate::domain::kernel::claim::{Claim, ClaimCommand, ClaimKind};
use crate::domain::{AttendeeId, Person, PersonEntry, Personal, SharedEmail};

/// The claims that identify a person or a row, as aggregate ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PersonClaims {
    /// Claim on the e-mail address.
    pub email: Option<String>,
    /// Claim on the name at the e-mail address.
    pub name_at_email: Option<String>,
    /// Claim on the document number.
    pub document: Option<String>,
}

/// A claim that a person needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeededClaim<'c> {
    /// Kind of value.
    pub kind: ClaimKind,
    /// The claim's aggregate id.
    pub id: &'c str,
    /// True if the person can't be stored without it. Any other claim is taken only if it is free.
    pub is_exclusive: bool,
}

impl PersonClaims {
    /// Returns the claims of a person. `key` is the key of the HMAC that makes their ids.
    #[must_use]
    pub fn of(key: &[u8], person: &Person) -> Self {
        Self::of_values(
            key,
            &person.full_name,
            Some(&person.email),
            person.document_number.as_ref(),
        )
    }

    /// Returns the claims by which a row is looked up.
    #[must_use]
    pub fn of_entry(key: &[u8], entry: &PersonEntry) -> Self {
        Self::of_values(
            key,
            &entry.full_name,
            entry.email.as_ref(),
            entry.document_number(),
        )
    }

    fn of_values(
        key: &[u8],
        name: &Personal<String>,
        email: Option<&Personal<String>>,
        document: Option<&Personal<String>>,
    ) -> Self {
        let email = email.map(|email| normalised_email(email.reveal_str()));
        let named = email
            .as_ref()
            .map(|email| format!("{email}\u{1f}{}", folded_name(name.reveal_str())));
        let id = |kind: ClaimKind, value: &str| kind.subject_id(key, value);
        Self {
            email: email.map(|email| id(ClaimKind::AttendeeEmail, &email)),
            name_at_email: named.map(|named| id(ClaimKind::AttendeeNameAtEmail, &named)),
            document: document.map(|number| {
                id(
                    ClaimKind::AttendeeDocument,
                    &normalised_document(number.reveal_str()),
                )
            }),
        }
    }

    /// Returns the ids of all claims.
    pub fn ids(&self) -> impl Iterator<Item = &String> {
        [&self.email, &self.name_at_email, &self.document]
            .into_iter()
            .flatten()
    }

    /// Returns the claims by which a row is looked up under a rule. The name is needed only if
    /// addresses are shared, or if they were shared before and the row has no document number.
    pub fn looked_up(&self, shared: SharedEmail) -> impl Iterator<Item = &String> {
        let uses_name = shared == SharedEmail::Allow || self.document.is_none();
        let name = self.name_at_email.as_ref().filter(|_| uses_name);
        self.email.iter().chain(name).chain(self.document.as_ref())
    }

    /// Returns the claims that a person must take under a rule.
    pub fn needed(&self, shared: SharedEmail) -> impl Iterator<Item = NeededClaim<'_>> {
        let is_shared = shared == SharedEmail::Allow;
        let name_at_email = self.name_at_email.as_ref().filter(|_| is_shared);
        let claims = [
            // The first person with a shared address holds it, so that the address is known if
            // `refuse` is set later.
            (ClaimKind::AttendeeEmail, self.email.as_ref(), !is_shared),
            (
                ClaimKind::AttendeeNameAtEmail,
                name_at_email,
                self.document.is_none(),
            ),
            (ClaimKind::AttendeeDocument, self.document.as_ref(), true),
        ];
        claims.into_iter().filter_map(|(kind, id, is_exclusive)| {
            Some(NeededClaim {
                kind,
                id: id?,
                is_exclusive,
            })
        })
    }

    fn has(&self, id: &str) -> bool {
        self.ids().any(|known| known == id)
    }
}

/// Takes the claims that a person needs. Skips those in `before`, which the person already holds or
/// didn't need. A claim that becomes exclusive, because the person loses the document number, is
/// taken again: another person with the same name and address may hold it.
///
/// # Errors
/// Another person holds an exclusive claim, or the log can't be read.
pub(super) async fn take(
    transaction: &Transaction,
    owner: AttendeeId,
    before: Option<&PersonClaims>,
    now: &PersonClaims,
    shared: SharedEmail,
) -> Result<(), CommandError> {
    for needed in now.needed(shared) {
        let was_settled = |before: &PersonClaims| {
            let mut earlier = before
                .needed(shared)
                .filter(|earlier| earlier.id == needed.id);
            before.has(needed.id)
                && earlier.all(|earlier| earlier.is_exclusive || !needed.is_exclusive)
        };
        if before.is_some_and(was_settled) {
            continue;
        }
        let claim = transaction.look::<Claim>(needed.id).await?;
        if needed.is_exclusive || claim.state.0.is_none() {
            let take = ClaimCommand::Take {
                kind: needed.kind,
                owner: owner.0,
            };
            transaction.decide_loaded::<Claim>(needed.id, claim, &take)?;
        }
    }
    Ok(())
}

/// Releases the claims that a person held and no longer needs; all of them if `now` is `None`.
///
/// # Errors
/// The log can't be read.
pub(super) async fn release(
    transaction: &Transaction,
    owner: AttendeeId,
    before: &PersonClaims,
    now: Option<&PersonClaims>,
) -> Result<(), CommandError> {
    let held = [
        (ClaimKind::AttendeeEmail, &before.email),
        (ClaimKind::AttendeeNameAtEmail, &before.name_at_email),
        (ClaimKind::AttendeeDocument, &before.document),
    ];
    for (kind, id) in held {
        let Some(id) = id
            .as_deref()
            .filter(|id| !now.is_some_and(|now| now.has(id)))
        else {
            continue;
        };
        transaction
            .decide::<Claim>(
                id,
                &ClaimCommand::Release {
                    kind,
                    owner: owner.0,
                },
            )
            .await?;
    }
    Ok(())
}

/// Loads a claim, if there is an id.
pub(super) async fn holder(
    transaction: &Transaction,
    id: Option<impl Display>,
) -> Result<Option<Loaded<Claim>>, CommandError> {
    match id {
        Some(id) => Ok(Some(transaction.look::<Claim>(id).await?)),
        None => Ok(None),
    }
}
