//! Creating, changing and deleting single people. The attendee and its claims change in one commit.

use super::person_claims::{PersonClaims, release, take};
use super::{CommandContext, CommandError, Commands, Committed, IfVersion};
use crate::domain::certification::attendee::{Attendee, AttendeeCommand};
use crate::domain::{AttendeeId, Person, Refusal, SharedEmail};
use crate::event_log::Position;

/// Result of a change of an attendee.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Position of the attendee's last event.
    pub version: Position,
    /// Position of the last event of the commit, or `version` if nothing was written.
    pub position: Position,
}

impl Changed {
    /// Takes the version from the attendee's event, which is the first one of the commit. If
    /// nothing was written, the version is `committed.value`.
    fn of(committed: Committed<Position>) -> Self {
        let first = committed.positions.first().copied();
        let version = first.unwrap_or(committed.value);
        Self {
            version,
            position: committed.last_position().unwrap_or(version),
        }
    }
}

/// Key and rule for the claims of people.
#[derive(Clone, Copy)]
pub struct Claiming<'k> {
    /// Key of the HMAC from which the ids of claims are computed.
    pub key: &'k [u8],
    /// Rule for e-mail addresses that several people share.
    pub shared_email: SharedEmail,
}

/// Creates a person.
///
/// # Errors
/// Another person holds the e-mail address or document number, or the log can't be used.
pub async fn create(
    commands: &Commands,
    claiming: Claiming<'_>,
    context: &CommandContext,
    id: AttendeeId,
    person: Person,
) -> Result<Changed, CommandError> {
    let claims = PersonClaims::of(claiming.key, &person);
    let claims = &claims;
    let person = &person;
    let created = commands.transact(context, |transaction| async move {
        let import = AttendeeCommand::Import {
            person: person.clone(),
            source: None,
        };
        let done = transaction.decide::<Attendee>(id, &import).await?;
        if !done.repeated {
            take(&transaction, id, None, claims, claiming.shared_email).await?;
        }
        Ok(done.position)
    });
    created.await.map(Changed::of)
}

/// Replaces a person with the result of `change`, which gets the current person.
///
/// # Errors
/// The person does not exist or has another version, the change is refused, another person holds
/// the e-mail address or document number, or the log can't be used.
pub async fn update(
    commands: &Commands,
    claiming: Claiming<'_>,
    context: &CommandContext,
    id: AttendeeId,
    if_version: &IfVersion,
    change: impl Fn(&Person) -> Result<Person, Refusal>,
) -> Result<Changed, CommandError> {
    let change = &change;
    let updated = commands.transact(context, |transaction| async move {
        let known = match transaction.look::<Attendee>(id).await?.executed_before() {
            Ok(done) => return Ok(done.position),
            Err(known) => known,
        };
        let before = known.state.0.clone().ok_or(Refusal::NotFound("attendee"))?;
        if_version.check(known.position)?;
        let person = change(&before)?;
        let held = PersonClaims::of(claiming.key, &before);
        let claims = PersonClaims::of(claiming.key, &person);
        let done = transaction.decide_loaded::<Attendee>(
            id,
            known,
            &AttendeeCommand::Update {
                person,
                source: None,
            },
        )?;
        release(&transaction, id, &held, Some(&claims)).await?;
        take(
            &transaction,
            id,
            Some(&held),
            &claims,
            claiming.shared_email,
        )
        .await?;
        Ok(done.position)
    });
    updated.await.map(Changed::of)
}

/// Deletes a person and releases the person's claims.
///
/// # Errors
/// The person does not exist or has another version, or the log can't be used.
pub async fn delete(
    commands: &Commands,
    claim_key: &[u8],
    context: &CommandContext,
    id: AttendeeId,
    if_version: &IfVersion,
) -> Result<Changed, CommandError> {
    let deleted = commands.transact(context, |transaction| async move {
        let known = match transaction.look::<Attendee>(id).await?.executed_before() {
            Ok(done) => return Ok(done.position),
            Err(known) => known,
        };
        let before = known.state.0.clone().ok_or(Refusal::NotFound("attendee"))?;
        if_version.check(known.position)?;
        let done = transaction.decide_loaded::<Attendee>(id, known, &AttendeeCommand::Delete)?;
        release(
            &transaction,
            id,
            &PersonClaims::of(claim_key, &before),
            None,
        )
        .await?;
        Ok(done.position)
    });
    deleted.await.map(Changed::of)
}
