//! Taking one row's person in: the attendee and the claims on e-mail and document, together.

use futures_util::future::try_join;

use super::{CommandContext, CommandError, Commands, Loaded, Snapshot, Transaction};
use crate::domain::attendee::{Attendee, AttendeeCommand, ImportedRow};
use crate::domain::claim::{Claim, ClaimCommand, ClaimEvent, ClaimKind};
use crate::domain::{AttendeeId, Person};
use crate::process::import::{RowPlan, plan_row};

/// The claims that a person needs, as aggregate ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PersonClaims {
    /// On the e-mail address.
    pub email: String,
    /// On the document number.
    pub document: String,
}

impl PersonClaims {
    /// The claims of a person under a claim key.
    #[must_use]
    pub fn of(key: &[u8], person: &Person) -> Self {
        Self {
            email: ClaimKind::AttendeeEmail.subject_id(key, person.normalised_email().reveal_str()),
            document: ClaimKind::AttendeeDocument.subject_id(key, person.normalised_document().reveal_str()),
        }
    }
}

/// A row that is to be taken in.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    /// The person, already checked.
    pub person: &'r Person,
    /// What the person claims.
    pub claims: &'r PersonClaims,
    /// Where it stands.
    pub source: ImportedRow,
    /// Whether a known person is changed.
    pub update_existing: bool,
}

/// Takes a row in and tells what was done; a duplicate or a mismatch writes nothing. What the snapshot
/// has is not loaded.
///
/// # Errors
/// The log can't be used.
pub async fn take_in_row(
    commands: &Commands,
    claim_key: &[u8],
    snapshot: &Snapshot,
    context: &CommandContext,
    row: Row<'_>,
) -> Result<RowPlan, CommandError> {
    let own = AttendeeId::of_row(row.source.import_id, row.source.row);
    let claims = row.claims;
    let committed = commands
        .transact_on(snapshot, context, |transaction| async move {
            let (email, document) = try_join(
                transaction.look::<Claim>(&claims.email),
                transaction.look::<Claim>(&claims.document),
            )
            .await?;
            if let Some(owner) = taken_before(&email, &document) {
                return Ok(if owner == own { RowPlan::Create(owner) } else { RowPlan::Update(owner) });
            }
            let plan = plan_row(own, email.state.0, document.state.0, row.update_existing);
            let (person, source) = (row.person.clone(), Some(row.source));
            let owner = match plan {
                RowPlan::Create(id) => {
                    if email.state.0 != Some(id.0) {
                        transaction
                            .decide::<Attendee>(id, &AttendeeCommand::Import { person, source })
                            .await?;
                    }
                    id
                }
                RowPlan::Update(id) => {
                    let known = transaction.look::<Attendee>(id).await?;
                    if !known.own.is_empty() {
                        return Ok(plan);
                    }
                    if let Some(before) = &known.state.0 {
                        release_old(&transaction, claim_key, before, Some(claims), id).await?;
                    }
                    transaction.decide_loaded::<Attendee>(
                        id,
                        known,
                        &AttendeeCommand::Update { person, source },
                    )?;
                    id
                }
                RowPlan::Duplicate { .. } | RowPlan::TwoPeople => return Ok(plan),
            };
            let take = |kind| ClaimCommand::Take { kind, owner: owner.0 };
            transaction.decide_loaded::<Claim>(&claims.email, email, &take(ClaimKind::AttendeeEmail))?;
            transaction.decide_loaded::<Claim>(
                &claims.document,
                document,
                &take(ClaimKind::AttendeeDocument),
            )?;
            Ok(plan)
        })
        .await?;
    Ok(committed.value)
}

/// Whom this very command took a claim for, if it was executed before. Its row then stays as it was
/// taken in, whatever became of the person since: nothing may be released or taken a second time.
fn taken_before(email: &Loaded<Claim>, document: &Loaded<Claim>) -> Option<AttendeeId> {
    email.own.iter().chain(&document.own).find_map(|(_, event)| match event {
        ClaimEvent::ClaimTaken(taken) => Some(AttendeeId(taken.owner)),
        ClaimEvent::ClaimReleased(_) => None,
    })
}

/// Lets go of what the person held and holds no longer; of all, where there is no `now`.
pub(super) async fn release_old(
    transaction: &Transaction,
    claim_key: &[u8],
    before: &Person,
    now: Option<&PersonClaims>,
    owner: AttendeeId,
) -> Result<(), CommandError> {
    let old = PersonClaims::of(claim_key, before);
    let pairs = [
        (ClaimKind::AttendeeEmail, old.email, now.map(|now| &now.email)),
        (ClaimKind::AttendeeDocument, old.document, now.map(|now| &now.document)),
    ];
    for (kind, held, kept) in pairs {
        if kept != Some(&held) {
            let release = ClaimCommand::Release { kind, owner: owner.0 };
            transaction.decide::<Claim>(held, &release).await?;
        }
    }
    Ok(())
}

/// A plan as the API tells it: the code and field of a rejected row.
#[must_use]
pub const fn rejection(plan: RowPlan) -> Option<(&'static str, Option<&'static str>)> {
    match plan {
        RowPlan::Create(_) | RowPlan::Update(_) => None,
        RowPlan::Duplicate { field, .. } => Some(("DUPLICATE", Some(field))),
        RowPlan::TwoPeople => Some(("MATCHES_TWO_PEOPLE", None)),
    }
}
