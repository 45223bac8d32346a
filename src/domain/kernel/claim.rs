//! Claim: ownership of a unique value, such as an e-mail address.
//!
//! The aggregate's id is a keyed hash of the kind and value. So the log shows the owner of a claim
//! but not the value. Claims are taken and released in the same atomic batch as the change that
//! requires them.

use data_encoding::HEXLOWER;
use hmac::Mac as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::domain_event::domain_events;
use super::keyed_hash::mac;
use crate::domain::{DataSubject, Decider, Refusal};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// An owner took the value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimTaken {
    /// Kind of the value.
    pub kind: ClaimKind,
    /// Id of the owner.
    pub owner: Uuid,
}

/// The owner released the value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimReleased {
    /// Kind of the value.
    pub kind: ClaimKind,
    /// Id of the former owner.
    pub owner: Uuid,
}

domain_events! {
    /// Events of a claim.
    ClaimEvent for "claim" { ClaimTaken, ClaimReleased }
}

/// Kind of a unique value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClaimKind {
    /// An attendee's e-mail address.
    AttendeeEmail,
    /// An attendee's document number.
    AttendeeDocument,
    /// Combination of an attendee's name and e-mail address, for attendees who share an address.
    AttendeeNameAtEmail,
    /// A user's e-mail address.
    UserEmail,
    /// User name, with which a user logs in.
    UserName,
}

impl ClaimKind {
    /// Returns the kind as words for error messages.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::AttendeeEmail | Self::UserEmail => "e-mail address",
            Self::AttendeeDocument => "document number",
            Self::AttendeeNameAtEmail => "name at this e-mail address",
            Self::UserName => "user name",
        }
    }

    /// Returns the name of the API field that contains such a value.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::AttendeeEmail | Self::AttendeeNameAtEmail | Self::UserEmail => "email",
            Self::AttendeeDocument => "documentNumber",
            Self::UserName => "userName",
        }
    }

    /// Returns the stable name of the kind, which is a part of every claim's id and so never changes.
    const fn name(self) -> &'static str {
        match self {
            Self::AttendeeEmail => "attendee-email",
            Self::AttendeeDocument => "attendee-document",
            Self::AttendeeNameAtEmail => "attendee-name-at-email",
            Self::UserEmail => "user-email",
            Self::UserName => "user-name",
        }
    }

    /// Returns the owner of a claim of this kind as a person.
    const fn subject(self, owner: Uuid) -> DataSubject {
        match self {
            Self::AttendeeEmail | Self::AttendeeDocument | Self::AttendeeNameAtEmail => {
                DataSubject::Attendee(owner)
            }
            Self::UserEmail | Self::UserName => DataSubject::User(owner),
        }
    }

    /// Returns the id of the claim's aggregate: the first 32 hex digits of HMAC-SHA-256 (RFC 2104),
    /// computed from the kind and the normalised value.
    #[must_use]
    pub fn subject_id(self, key: &[u8], normalised: &str) -> String {
        let mac = mac(key).chain_update(format!("{}\u{1f}{normalised}", self.name()));
        HEXLOWER.encode(&mac.finalize().into_bytes()[..16])
    }
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to a claim.
#[derive(Clone, Copy, Debug)]
pub enum ClaimCommand {
    /// Takes the value for an owner.
    Take {
        /// Kind of the value.
        kind: ClaimKind,
        /// Id of the new owner.
        owner: Uuid,
    },
    /// Releases the value.
    Release {
        /// Kind of the value.
        kind: ClaimKind,
        /// Id of the current owner.
        owner: Uuid,
    },
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// Owner of the value; `None` if the value is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClaimState(pub Option<Uuid>);

/// Decider of claims.
pub struct Claim;

impl Decider for Claim {
    const AGGREGATE: &'static str = "claim";
    type State = ClaimState;
    type Command = ClaimCommand;
    type Event = ClaimEvent;

    fn decide(state: &ClaimState, command: &ClaimCommand) -> Result<Vec<ClaimEvent>, Refusal> {
        match (*command, state.0) {
            (ClaimCommand::Take { kind, owner }, None) => {
                Ok(vec![ClaimTaken { kind, owner }.into()])
            }
            (ClaimCommand::Take { owner, .. }, Some(holder)) if holder == owner => Ok(Vec::new()),
            (ClaimCommand::Take { kind, .. }, Some(_)) => Err(Refusal::Taken(kind)),
            (ClaimCommand::Release { kind, owner }, Some(holder)) if holder == owner => {
                Ok(vec![ClaimReleased { kind, owner }.into()])
            }
            // Only the owner can release a claim. Releasing a free value has no effect.
            (ClaimCommand::Release { .. }, _) => Ok(Vec::new()),
        }
    }

    fn data_subject(_: &str, _: &ClaimState, event: &ClaimEvent) -> Option<DataSubject> {
        match event {
            ClaimEvent::ClaimTaken(e) => Some(e.kind.subject(e.owner)),
            ClaimEvent::ClaimReleased(e) => Some(e.kind.subject(e.owner)),
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
    use crate::domain::kernel::decider::spec::given;

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
    fn free_value_can_be_taken() {
        given::<Claim>(vec![])
            .when(ClaimCommand::Take {
                kind: KIND,
                owner: ADA,
            })
            .then(vec![taken(ADA)]);
    }

    #[test]
    fn held_value_is_refused_to_others_and_unchanged_for_its_holder() {
        given::<Claim>(vec![taken(ADA)])
            .when(ClaimCommand::Take {
                kind: KIND,
                owner: GRACE,
            })
            .then_refused("DUPLICATE");
        given::<Claim>(vec![taken(ADA)])
            .when(ClaimCommand::Take {
                kind: KIND,
                owner: ADA,
            })
            .then_nothing();
    }

    #[test]
    fn released_value_can_be_taken_by_another_owner() {
        given::<Claim>(vec![taken(ADA), released(ADA)])
            .when(ClaimCommand::Take {
                kind: KIND,
                owner: GRACE,
            })
            .then(vec![taken(GRACE)]);
    }

    #[test]
    fn only_the_holder_can_release_a_value() {
        given::<Claim>(vec![taken(ADA)])
            .when(ClaimCommand::Release {
                kind: KIND,
                owner: GRACE,
            })
            .then_nothing();
        given::<Claim>(vec![taken(ADA)])
            .when(ClaimCommand::Release {
                kind: KIND,
                owner: ADA,
            })
            .then(vec![released(ADA)]);
    }

    /// Checks the ids of claims in the log. Another id would free every value that is taken.
    #[test]
    fn ids_of_claims_do_not_change() {
        let kinds = [
            ClaimKind::AttendeeEmail,
            ClaimKind::AttendeeDocument,
            ClaimKind::AttendeeNameAtEmail,
            ClaimKind::UserEmail,
            ClaimKind::UserName,
        ];
        let ids: Vec<_> = kinds.map(|kind| kind.subject_id(b"key", "ada")).into();
        insta::assert_snapshot!(ids.join("\n"));
    }

    #[test]
    fn subject_hides_value_and_kind_and_depends_on_the_key() {
        let id = KIND.subject_id(b"key", "ada@example.com");
        assert_eq!(id.len(), 32);
        assert!(!id.contains("ada"));
        assert_ne!(id, KIND.subject_id(b"other", "ada@example.com"));
        assert_ne!(
            id,
            ClaimKind::UserEmail.subject_id(b"key", "ada@example.com")
        );
    }
}
