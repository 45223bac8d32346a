//! Claim: a value that only one may hold, such as an e-mail address.
//!
//! The aggregate's id is a keyed hash of kind and value, so the log tells who holds a claim but not
//! what is claimed. Claims are taken and released in the same atomic batch as what they protect.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use super::events::domain_events;
use super::{Decider, Refusal, hex};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// The value is held from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimTaken {
    /// What kind of value it is.
    pub kind: ClaimKind,
    /// The aggregate that holds it.
    pub owner: Uuid,
}

/// The value is free again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimReleased {
    /// What kind of value it is.
    pub kind: ClaimKind,
    /// The aggregate that held it.
    pub owner: Uuid,
}

domain_events! {
    /// What can happen to a claim.
    ClaimEvent for "claim" { ClaimTaken, ClaimReleased }
}

/// The kinds of unique values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClaimKind {
    /// An attendee's e-mail address.
    AttendeeEmail,
    /// An attendee's document number.
    AttendeeDocument,
    /// An attendee's name at an e-mail address, where people share addresses.
    AttendeeNameAtEmail,
    /// A user's e-mail address.
    UserEmail,
    /// A user's name for logging in.
    UserName,
}

impl ClaimKind {
    /// The kind in words, for refusals.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::AttendeeEmail | Self::UserEmail => "e-mail address",
            Self::AttendeeDocument => "document number",
            Self::AttendeeNameAtEmail => "name at this e-mail address",
            Self::UserName => "user name",
        }
    }

    /// The field that holds such a value, by its name in the API.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::AttendeeEmail | Self::AttendeeNameAtEmail | Self::UserEmail => "email",
            Self::AttendeeDocument => "documentNumber",
            Self::UserName => "userName",
        }
    }

    /// The field of a kind, by the noun of a refusal.
    #[must_use]
    pub fn field_of(noun: &str) -> Option<&'static str> {
        let kinds = [Self::AttendeeEmail, Self::AttendeeDocument, Self::AttendeeNameAtEmail, Self::UserName];
        kinds.into_iter().find(|kind| kind.noun() == noun).map(Self::field)
    }

    /// The claim's aggregate id: HMAC-SHA-256 (RFC 2104) of kind and normalised value, 32 hex digits.
    #[must_use]
    pub fn subject_id(self, key: &[u8], normalised: &str) -> String {
        // proof: HMAC takes a key of any length.
        #[allow(clippy::expect_used)]
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
        mac.update(format!("{self:?}\u{1f}{normalised}").as_bytes());
        hex(&mac.finalize().into_bytes()[..16])
    }
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// What can be asked of a claim.
#[derive(Clone, Copy, Debug)]
pub enum ClaimCommand {
    /// Hold the value for an owner.
    Take {
        /// What kind of value it is.
        kind: ClaimKind,
        /// Who wants it.
        owner: Uuid,
    },
    /// Let the value go.
    Release {
        /// What kind of value it is.
        kind: ClaimKind,
        /// Who held it.
        owner: Uuid,
    },
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// Who holds the value, if anybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClaimState(pub Option<Uuid>);

/// The decider of claims.
pub struct Claim;

impl Decider for Claim {
    const AGGREGATE: &'static str = "claim";
    type State = ClaimState;
    type Command = ClaimCommand;
    type Event = ClaimEvent;

    fn decide(state: &ClaimState, command: &ClaimCommand) -> Result<Vec<ClaimEvent>, Refusal> {
        match (*command, state.0) {
            (ClaimCommand::Take { kind, owner }, None) => Ok(vec![ClaimTaken { kind, owner }.into()]),
            (ClaimCommand::Take { owner, .. }, Some(holder)) if holder == owner => Ok(Vec::new()),
            (ClaimCommand::Take { kind, .. }, Some(_)) => Err(Refusal::Taken(kind.noun())),
            (ClaimCommand::Release { kind, owner }, Some(holder)) if holder == owner => {
                Ok(vec![ClaimReleased { kind, owner }.into()])
            }
            // Somebody else's claim is not ours to release, and a free one is released already.
            (ClaimCommand::Release { .. }, _) => Ok(Vec::new()),
        }
    }

    fn evolve(_: ClaimState, event: &ClaimEvent) -> ClaimState {
        match event {
            ClaimEvent::ClaimTaken(e) => ClaimState(Some(e.owner)),
            ClaimEvent::ClaimReleased(_) => ClaimState(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decider::spec::given;

    const KIND: ClaimKind = ClaimKind::AttendeeEmail;
    const ADA: Uuid = Uuid::from_u128(1);
    const GRACE: Uuid = Uuid::from_u128(2);

    fn taken(owner: Uuid) -> ClaimEvent {
        ClaimTaken { kind: KIND, owner }.into()
    }

    fn released(owner: Uuid) -> ClaimEvent {
        ClaimReleased { kind: KIND, owner }.into()
    }

    #[test]
    fn a_free_value_is_taken_by_the_first() {
        given::<Claim>(vec![]).when(ClaimCommand::Take { kind: KIND, owner: ADA }).then(vec![taken(ADA)]);
    }

    #[test]
    fn a_held_value_is_refused_to_another_and_nothing_new_to_its_holder() {
        given::<Claim>(vec![taken(ADA)])
            .when(ClaimCommand::Take { kind: KIND, owner: GRACE })
            .then_refused("DUPLICATE");
        given::<Claim>(vec![taken(ADA)]).when(ClaimCommand::Take { kind: KIND, owner: ADA }).then_nothing();
    }

    #[test]
    fn a_released_value_is_free_for_anybody() {
        given::<Claim>(vec![taken(ADA), released(ADA)])
            .when(ClaimCommand::Take { kind: KIND, owner: GRACE })
            .then(vec![taken(GRACE)]);
    }

    #[test]
    fn only_the_holder_releases() {
        given::<Claim>(vec![taken(ADA)])
            .when(ClaimCommand::Release { kind: KIND, owner: GRACE })
            .then_nothing();
        given::<Claim>(vec![taken(ADA)])
            .when(ClaimCommand::Release { kind: KIND, owner: ADA })
            .then(vec![released(ADA)]);
    }

    #[test]
    fn the_subject_tells_neither_value_nor_kind_and_depends_on_the_key() {
        let id = KIND.subject_id(b"key", "ada@example.com");
        assert_eq!(id.len(), 32);
        assert!(!id.contains("ada"));
        assert_ne!(id, KIND.subject_id(b"other", "ada@example.com"));
        assert_ne!(id, ClaimKind::UserEmail.subject_id(b"key", "ada@example.com"));
    }
}
