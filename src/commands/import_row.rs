//! Importing one row. The attendee and its claims on e-mail address and document number change in
//! one commit.

use futures_util::future::try_join3;

use super::person_claims::{PersonClaims, holder, release, take};
use super::{Aggregates, CommandContext, CommandError, Commands, Loaded, Transaction};
use crate::domain::certification::attendee::{Attendee, AttendeeCommand, ImportedRow};
use crate::domain::certification::reactions::import::{
    Known, Matches, Mismatch, RowPlan, RowRules, Seen, plan_by_claims, plan_row,
};
use crate::domain::kernel::claim::{Claim, ClaimEvent};
use crate::domain::{AttendeeId, PersonEntry};

/// Row to import.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    /// Validated fields of the person.
    pub entry: &'r PersonEntry,
    /// Claims of the row.
    pub claims: &'r PersonClaims,
    /// Import and number of the row.
    pub source: ImportedRow,
    /// Rules of the import.
    pub rules: RowRules,
    /// People in earlier rows of the same file.
    pub seen: &'r Seen,
}

/// Outcome of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum RowImport {
    /// A new person was created.
    Created(AttendeeId),
    /// An existing person was updated.
    Updated(AttendeeId),
    /// The person exists and was not changed.
    Existing(AttendeeId),
    /// The row was rejected; nothing was written.
    Rejected(Mismatch),
}

/// Imports a row. For a rejected row or an unchanged person, nothing is written. Aggregates in the
/// `loaded` are not loaded again.
///
/// # Errors
/// The log can't be used.
pub async fn import_row(
    commands: &Commands,
    claim_key: &[u8],
    loaded: &Aggregates,
    context: &CommandContext,
    row: Row<'_>,
) -> Result<RowImport, CommandError> {
    let own = AttendeeId::of_row(row.source.import_id, row.source.row);
    let committed = commands
        .transact_on(loaded, context, |transaction| async move {
            let holders = Holders::of(&transaction, row).await?;
            if let Some(id) = holders.taken_before() {
                return Ok(if id == own {
                    RowImport::Created(id)
                } else {
                    RowImport::Updated(id)
                });
            }
            let known = KnownPeople::of(&transaction, &holders, row).await?;
            if let Some(id) = known.changed_before() {
                return Ok(RowImport::Updated(id));
            }
            let source = Some(row.source);
            let shared = row.rules.shared_email;
            match known.plan(&holders, row) {
                RowPlan::Create(person) => {
                    let claims = PersonClaims::of(claim_key, &person);
                    let import = AttendeeCommand::Import {
                        person: *person,
                        source,
                    };
                    transaction.decide::<Attendee>(own, &import).await?;
                    take(&transaction, own, None, &claims, shared).await?;
                    Ok(RowImport::Created(own))
                }
                RowPlan::Update(id, person) => {
                    let now = PersonClaims::of(claim_key, &person);
                    let loaded = known.into_loaded(id);
                    if let Some(before) = &loaded.state.0 {
                        let before = PersonClaims::of(claim_key, before);
                        release(&transaction, id, &before, Some(&now)).await?;
                        take(&transaction, id, Some(&before), &now, shared).await?;
                    }
                    let update = AttendeeCommand::Update {
                        person: *person,
                        source,
                    };
                    transaction.decide_loaded::<Attendee>(id, loaded, &update)?;
                    Ok(RowImport::Updated(id))
                }
                RowPlan::Existing(id) => Ok(RowImport::Existing(id)),
                RowPlan::Reject(mismatch) => Ok(RowImport::Rejected(mismatch)),
            }
        })
        .await?;
    Ok(committed.value)
}

/// Claims of a row, with their current holders.
struct Holders {
    email: Option<Loaded<Claim>>,
    name_at_email: Option<Loaded<Claim>>,
    document: Option<Loaded<Claim>>,
}

impl Holders {
    async fn of(transaction: &Transaction, row: Row<'_>) -> Result<Self, CommandError> {
        let claims = row.claims;
        let looked_up: Vec<&String> = claims.looked_up(row.rules.shared_email).collect();
        let name = claims
            .name_at_email
            .as_ref()
            .filter(|name| looked_up.contains(name));
        let (email, name_at_email, document) = try_join3(
            holder(transaction, claims.email.as_ref()),
            holder(transaction, name),
            holder(transaction, claims.document.as_ref()),
        )
        .await?;
        Ok(Self {
            email,
            name_at_email,
            document,
        })
    }

    /// Returns the person for whom this command has already taken a claim, if any. So the outcome
    /// of the row is the same as before, even if the person has changed since.
    fn taken_before(&self) -> Option<AttendeeId> {
        let claims = [&self.email, &self.name_at_email, &self.document]
            .into_iter()
            .flatten();
        let taken = |event: &ClaimEvent| match event {
            ClaimEvent::ClaimTaken(taken) => Some(AttendeeId(taken.owner)),
            ClaimEvent::ClaimReleased(_) => None,
        };
        claims
            .flat_map(|claim| &claim.own)
            .find_map(|(_, event)| taken(event))
    }

    fn id(claim: &Option<Loaded<Claim>>) -> Option<AttendeeId> {
        claim
            .as_ref()
            .and_then(|claim| claim.state.0)
            .map(AttendeeId)
    }

    fn plan_by_claims(&self, row: Row<'_>) -> Option<RowPlan> {
        plan_by_claims(
            row.entry,
            Self::id(&self.email),
            Self::id(&self.document),
            row.rules,
            row.seen,
        )
    }
}

/// People who hold the claims of a row, with their data.
struct KnownPeople(Vec<(AttendeeId, Loaded<Attendee>)>);

impl KnownPeople {
    async fn of(
        transaction: &Transaction,
        holders: &Holders,
        row: Row<'_>,
    ) -> Result<Self, CommandError> {
        let mut known = Vec::new();
        if holders.plan_by_claims(row).is_some() {
            return Ok(Self(known));
        }
        for id in [&holders.email, &holders.name_at_email, &holders.document].map(Holders::id) {
            let Some(id) = id.filter(|id| !known.iter().any(|(known, _)| known == id)) else {
                continue;
            };
            known.push((id, transaction.look::<Attendee>(id).await?));
        }
        Ok(Self(known))
    }

    /// Returns the person that this command has already changed without taking a claim, if any.
    fn changed_before(&self) -> Option<AttendeeId> {
        self.0
            .iter()
            .find(|(_, known)| !known.own.is_empty())
            .map(|(id, _)| *id)
    }

    fn plan(&self, holders: &Holders, row: Row<'_>) -> RowPlan {
        if let Some(plan) = holders.plan_by_claims(row) {
            return plan;
        }
        let known = |claim| {
            let id = Holders::id(claim)?;
            let (_, loaded) = self.0.iter().find(|(known, _)| *known == id)?;
            loaded.state.0.as_ref().map(|person| Known { id, person })
        };
        let matches = Matches {
            email: known(&holders.email),
            name_at_email: known(&holders.name_at_email),
            document: known(&holders.document),
        };
        plan_row(row.entry, matches, row.rules, row.seen)
    }

    fn into_loaded(self, id: AttendeeId) -> Loaded<Attendee> {
        let found = self.0.into_iter().find(|(known, _)| *known == id);
        found.map(|(_, loaded)| loaded).unwrap_or_default()
    }
}
