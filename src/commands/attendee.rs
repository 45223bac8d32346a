//! One person entered, changed or deleted by hand: the attendee and the claims on e-mail address and
//! document number, together.

use super::person_claims::{PersonClaims, release, take};
use super::{CommandContext, CommandError, Commands, Committed, IfVersion};
use crate::domain::attendee::{Attendee, AttendeeCommand};
use crate::domain::{AttendeeId, Person, Refusal, SharedEmail};
use crate::event_log::Position;

/// What became of an attendee.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The person as known now.
    pub person: Option<Person>,
    /// The position of the attendee's own last event.
    pub version: Position,
    /// The position of the last event that was written; the version, if none was.
    pub position: Position,
}

impl Changed {
    /// The attendee's events come first in their commit; `version` is the one before it, or after where
    /// nothing was written now.
    fn of(committed: Committed<(Option<Person>, Position)>) -> Self {
        let last = committed.last_position();
        let (person, before) = committed.value;
        let version = committed.positions.first().copied().unwrap_or(before);
        Self { person, version, position: last.unwrap_or(version) }
    }
}

/// Key and rule of the claims on people.
#[derive(Clone, Copy)]
pub struct Claiming<'k> {
    /// Key of the claims' ids.
    pub key: &'k [u8],
    /// True if two people may have one address.
    pub shared_email: SharedEmail,
}

/// Makes a person known.
///
/// # Errors
/// The e-mail address or document number is somebody else's, or the log can't be used.
pub async fn create(
    commands: &Commands,
    claiming: Claiming<'_>,
    context: &CommandContext,
    id: AttendeeId,
    person: Person,
) -> Result<Changed, CommandError> {
    let claims = PersonClaims::of(claiming.key, &person);
    let (claims, person) = (&claims, &person);
    let created = commands.transact(context, |transaction| async move {
        let import = AttendeeCommand::Import { person: person.clone(), source: None };
        let done = transaction.decide::<Attendee>(id, &import).await?;
        if !done.repeated {
            take(&transaction, id, None, claims, claiming.shared_email).await?;
        }
        Ok((done.state.0, done.position))
    });
    created.await.map(Changed::of)
}

/// Changes a person into what `change` makes of the present one.
///
/// # Errors
/// There is no such person, it is at another version, the change is refused, the e-mail address or document
/// number is somebody else's, or the log can't be used.
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
            Ok(done) => return Ok((done.state.0, done.position)),
            Err(known) => known,
        };
        let before = known.state.0.clone().ok_or(Refusal::NotFound("attendee"))?;
        if_version.check(known.position)?;
        let person = change(&before)?;
        let (held, claims) =
            (PersonClaims::of(claiming.key, &before), PersonClaims::of(claiming.key, &person));
        let done = transaction.decide_loaded::<Attendee>(
            id,
            known,
            &AttendeeCommand::Update { person, source: None },
        )?;
        release(&transaction, id, &held, Some(&claims)).await?;
        take(&transaction, id, Some(&held), &claims, claiming.shared_email).await?;
        Ok((done.state.0, done.position))
    });
    updated.await.map(Changed::of)
}

/// Forgets a person and what they claimed.
///
/// # Errors
/// There is no such person, it is at another version, or the log can't be used.
pub async fn delete(
    commands: &Commands,
    claim_key: &[u8],
    context: &CommandContext,
    id: AttendeeId,
    if_version: &IfVersion,
) -> Result<Changed, CommandError> {
    let deleted = commands.transact(context, |transaction| async move {
        let known = match transaction.look::<Attendee>(id).await?.executed_before() {
            Ok(done) => return Ok((None, done.position)),
            Err(known) => known,
        };
        let before = known.state.0.clone().ok_or(Refusal::NotFound("attendee"))?;
        if_version.check(known.position)?;
        let done = transaction.decide_loaded::<Attendee>(id, known, &AttendeeCommand::Delete)?;
        release(&transaction, id, &PersonClaims::of(claim_key, &before), None).await?;
        Ok((None, done.position))
    });
    deleted.await.map(Changed::of)
}
