//! Claims of a person: e-mail address, name at the address, and document number.

use std::fmt::Display;

use super::{CommandError, Loaded, Transaction};
use crate::domain::certification::person::{folded_name, normalised_document, normalised_email};
use crate::domain::kernel::claim::{Claim, ClaimCommand, ClaimKind};
use crate::domain::{AttendeeId, Person, PersonEntry, Personal, SharedEmail};

/// Claims that identify a person or a row, as ids of aggregates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PersonClaims {
    /// Claim on the e-mail address.
    pub email: Option<String>,
    /// Claim on the combination of name and e-mail address.
    pub name_at_email: Option<String>,
    /// Claim on the document number.
    pub document: Option<String>,
}

/// Claim that a person needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeededClaim<'c> {
    /// Kind of value.
    pub kind: ClaimKind,
    /// Id of the claim's aggregate.
    pub id: &'c str,
    /// True if the person can't be stored without the claim. Other claims are taken only if they
    /// are free.
    pub is_exclusive: bool,
}

impl PersonClaims {
    /// Returns the claims of a person. `key` is the key of the HMAC from which the ids are
    /// computed.
    #[must_use]
    pub fn of(key: &[u8], person: &Person) -> Self {
        Self::of_values(
            key,
            &person.full_name,
            Some(&person.email),
            person.document_number.as_ref(),
        )
    }

    /// Returns the claims that identify the person of a row.
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

    /// Returns the ids of all these claims.
    pub fn ids(&self) -> impl Iterator<Item = &String> {
        [&self.email, &self.name_at_email, &self.document]
            .into_iter()
            .flatten()
    }

    /// Returns the claims whose holders are loaded for a row. The claim on the name is included
    /// only if addresses can be shared, or if the row has no document number, because addresses may
    /// have been shared earlier.
    pub fn looked_up(&self, shared: SharedEmail) -> impl Iterator<Item = &String> {
        let uses_name = shared == SharedEmail::Allow || self.document.is_none();
        let name = self.name_at_email.as_ref().filter(|_| uses_name);
        self.email.iter().chain(name).chain(self.document.as_ref())
    }

    /// Returns the claims that a person must take under the rule `shared`.
    pub fn needed(&self, shared: SharedEmail) -> impl Iterator<Item = NeededClaim<'_>> {
        let is_shared = shared == SharedEmail::Allow;
        let name_at_email = self.name_at_email.as_ref().filter(|_| is_shared);
        let claims = [
            // The first person with a shared address takes this claim. So the address is known to
            // be used if the setting is changed to `refuse` later.
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

/// Takes the claims that a person needs. Skips claims in `before`, because the person already holds
/// them or didn't need them. But if the person loses the document number, the claim on the name
/// becomes exclusive. It is then taken again, because another person with the same name and address
/// may hold it.
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

/// Releases the claims that a person held and no longer needs. If `now` is `None`, releases all of
/// them.
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

/// Loads the claim `id`, if any.
pub(super) async fn holder(
    transaction: &Transaction,
    id: Option<impl Display>,
) -> Result<Option<Loaded<Claim>>, CommandError> {
    match id {
        Some(id) => Ok(Some(transaction.look::<Claim>(id).await?)),
        None => Ok(None),
    }
}
