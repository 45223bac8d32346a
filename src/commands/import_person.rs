//! Importing one person, from a row of a file or another source. The attendee and its claims
//! (e-mail address, name at the address, document number) change in one commit.

use std::sync::Arc;

use futures_util::future::try_join3;

use super::person_claims::{PersonClaims, holder, release, take};
use super::{Aggregates, CommandContext, CommandError, Commands, Loaded, Transaction};
use crate::domain::certification::attendee::{Attendee, AttendeeCommand, Source};
use crate::domain::certification::reactions::import::{
    Known, Matches, Mismatch, RowPlan, RowRules, Seen, plan_by_claims, plan_row,
};
use crate::domain::kernel::claim::{Claim, ClaimEvent};
use crate::domain::{AttendeeId, Person, PersonEntry};

/// Person to import.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'r> {
    /// Validated fields of the person.
    pub entry: &'r PersonEntry,
    /// Claims of the person.
    pub claims: &'r PersonClaims,
    /// Id of the attendee if the person is new. It is derived from the source, so that a repeated
    /// import finds the same attendee.
    pub new_id: AttendeeId,
    /// Source of the data; `None` if a request contains the data.
    pub source: Option<&'r Source>,
    /// Rules of the import.
    pub rules: RowRules,
    /// People that the same source contained before.
    pub seen: &'r Seen,
}

/// Outcome of importing a person.
#[derive(Clone, Debug, PartialEq)]
pub enum PersonImport {
    /// A new person was created.
    Created(AttendeeId),
    /// An existing person was updated.
    Updated(AttendeeId),
    /// The person exists and was not changed.
    Existing(AttendeeId),
    /// The data was rejected; nothing was written.
    Rejected(Mismatch),
}

/// Outcome of importing a person, with the data of a known person.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedPerson {
    /// Outcome.
    pub outcome: PersonImport,
    /// Stored data of the updated or existing person. After a repeated import, this may already be
    /// the updated data.
    pub known: Option<Person>,
}

/// Imports a person. For rejected data or an unchanged person, nothing is written. The aggregates
/// `loaded` are not loaded again.
///
/// # Errors
/// The log can't be used.
pub async fn import_person(
    commands: &Commands,
    claim_key: &[u8],
    loaded: &Arc<Aggregates>,
    context: &CommandContext,
    candidate: Candidate<'_>,
) -> Result<ImportedPerson, CommandError> {
    let own = candidate.new_id;
    let committed = commands
        .transact_on(loaded, context, |transaction| async move {
            let holders = Holders::of(&transaction, candidate).await?;
            if let Some(id) = holders.taken_before() {
                if id == own {
                    return Ok(PersonImport::Created(id).with(None));
                }
                let known = transaction.look::<Attendee>(id).await?.state.0;
                return Ok(PersonImport::Updated(id).with(known));
            }
            let known = KnownPeople::of(&transaction, &holders).await?;
            if let Some(id) = known.changed_before() {
                return Ok(PersonImport::Updated(id).with(known.person(id)));
            }
            let source = candidate.source.cloned();
            let shared = candidate.rules.shared_email;
            match known.plan(&holders, candidate) {
                RowPlan::Create(person) => {
                    let claims = PersonClaims::of(claim_key, &person);
                    let import = AttendeeCommand::Import {
                        person: *person,
                        source,
                    };
                    transaction.decide::<Attendee>(own, &import).await?;
                    take(&transaction, own, None, &claims, shared).await?;
                    Ok(PersonImport::Created(own).with(None))
                }
                RowPlan::Update(id, person) => {
                    let now = PersonClaims::of(claim_key, &person);
                    let stored = known.person(id);
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
                    Ok(PersonImport::Updated(id).with(stored))
                }
                RowPlan::Existing(id) => Ok(PersonImport::Existing(id).with(known.person(id))),
                RowPlan::Reject(mismatch) => Ok(PersonImport::Rejected(mismatch).with(None)),
            }
        })
        .await?;
    Ok(committed.value)
}

impl PersonImport {
    fn with(self, known: Option<Person>) -> ImportedPerson {
        ImportedPerson {
            outcome: self,
            known,
        }
    }
}

/// Claims of a person, with their current holders.
struct Holders {
    email: Option<Loaded<Claim>>,
    name_at_email: Option<Loaded<Claim>>,
    document: Option<Loaded<Claim>>,
}

impl Holders {
    async fn of(transaction: &Transaction, candidate: Candidate<'_>) -> Result<Self, CommandError> {
        let claims = candidate.claims;
        let looked_up: Vec<&String> = claims.looked_up(candidate.rules.shared_email).collect();
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
    /// is the same as before, even if the person has changed since.
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

    fn plan_by_claims(&self, candidate: Candidate<'_>) -> Option<RowPlan> {
        plan_by_claims(
            candidate.entry,
            Self::id(&self.email),
            Self::id(&self.document),
            candidate.rules,
            candidate.seen,
        )
    }
}

/// People who hold the claims of a candidate, with their data.
struct KnownPeople(Vec<(AttendeeId, Loaded<Attendee>)>);

impl KnownPeople {
    async fn of(transaction: &Transaction, holders: &Holders) -> Result<Self, CommandError> {
        let mut known = Vec::new();
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

    fn plan(&self, holders: &Holders, candidate: Candidate<'_>) -> RowPlan {
        if let Some(plan) = holders.plan_by_claims(candidate) {
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
        plan_row(candidate.entry, matches, candidate.rules, candidate.seen)
    }

    fn person(&self, id: AttendeeId) -> Option<Person> {
        let found = self.0.iter().find(|(known, _)| *known == id);
        found.and_then(|(_, loaded)| loaded.state.0.clone())
    }

    fn into_loaded(self, id: AttendeeId) -> Loaded<Attendee> {
        let found = self.0.into_iter().find(|(known, _)| *known == id);
        found.map(|(_, loaded)| loaded).unwrap_or_default()
    }
}
