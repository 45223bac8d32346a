//! Which of a chunk's rows can be taken in side by side.

use std::collections::HashSet;

use uuid::Uuid;

use super::Request;
use super::missing_fields::with_missing_fields;
use super::row_certificate::{OwnCertificate, check_certificate};
use crate::commands::person_claims::PersonClaims;
use crate::commands::snapshot::Wanted;
use crate::commands::{CommandError, Commands, Snapshot};
use crate::domain::attendee::Attendee;
use crate::domain::certificate::Certificate;
use crate::domain::claim::Claim;
use crate::domain::{AttendeeId, PersonEntry, Secret};
use crate::event_log::Names;
use crate::sheet::{RawRow, RowError, RowOutcome, SheetRow};

/// A chunk, ordered: the outcome is the same as if its rows were taken in one after the other.
///
/// A row reads and writes the claims of its person and, where it changes somebody known, the claims that
/// they hold so far. Rows that share none of these with an earlier row don't notice each other. Any other
/// row comes after all of them, in the file's order: what it finds then is what the rows before it left,
/// because those after it don't touch any of that.
pub(super) struct Plan {
    /// The log as it was before the chunk.
    pub snapshot: Snapshot,
    /// Rows that can be taken in side by side, on the snapshot.
    pub apart: Vec<PlannedRow>,
    /// Rows that must be taken in one by one, after the others, on the log as it then is.
    pub in_turn: Vec<PlannedRow>,
}

/// A row, with what it claims.
pub(super) struct PlannedRow {
    pub number: u32,
    pub person: Result<Claiming, Rejection>,
}

/// Somebody who can be taken in.
pub(super) struct Claiming {
    pub entry: PersonEntry,
    pub claims: PersonClaims,
    pub certificate_id: Option<Uuid>,
    /// True if the row's own certificate requires a document number.
    pub requires_document: bool,
    pub raw: RawRow,
}

/// A row without a person.
pub(super) struct Rejection {
    pub raw: RawRow,
    pub errors: Vec<RowError>,
}

impl Plan {
    pub(super) async fn of(
        commands: &Commands,
        claim_key: &Secret,
        request: &Request<'_>,
        rows: Vec<SheetRow>,
    ) -> Result<Self, CommandError> {
        let key = claim_key.reveal().as_bytes();
        let requires_document = request.asked.requires_document;
        let rows: Vec<PlannedRow> =
            rows.into_iter().map(|row| PlannedRow::of(row, key, requires_document)).collect();
        let snapshot = load(commands, request, &rows).await?;
        let names = commands.log().names();
        let checked = rows.into_iter().map(|row| row.with_certificate(&snapshot, names));
        let rows = checked.collect::<Result<Vec<_>, _>>()?;
        let (mut apart, mut in_turn) = (Vec::with_capacity(rows.len()), Vec::new());
        let mut taken = HashSet::new();
        for row in rows {
            let touched = match &row.person {
                Ok(claiming) => touched(&snapshot, names, key, request, &claiming.claims)?,
                Err(_) => Vec::new(),
            };
            let is_apart = !touched.iter().any(|claim| taken.contains(claim));
            taken.extend(touched);
            if is_apart { &mut apart } else { &mut in_turn }.push(row);
        }
        Ok(Self { snapshot, apart, in_turn })
    }
}

impl PlannedRow {
    fn of(row: SheetRow, key: &[u8], requires_document: bool) -> Self {
        let person = match row.outcome {
            RowOutcome::Rejected { raw, errors } => {
                let errors = with_missing_fields(&raw, errors, requires_document);
                Err(Rejection { raw, errors })
            }
            RowOutcome::Person { person, certificate_id, raw } => {
                let claims = PersonClaims::of_entry(key, &person);
                Ok(Claiming { entry: person, claims, certificate_id, requires_document: false, raw })
            }
        };
        Self { number: row.row, person }
    }

    /// The same with the rules of its own certificate, and rejected if that can't be issued.
    fn with_certificate(self, snapshot: &Snapshot, names: &Names) -> Result<Self, CommandError> {
        let Self { number, person } = self;
        let claiming = match person {
            Ok(claiming) => claiming,
            Err(rejection) => return Ok(Self { number, person: Err(rejection) }),
        };
        let person = match check_certificate(snapshot, names, claiming.certificate_id, &claiming.raw)? {
            OwnCertificate::Usable { requires_document } => Ok(Claiming { requires_document, ..claiming }),
            OwnCertificate::Unusable(error) => Err(Rejection { raw: claiming.raw, errors: vec![error] }),
        };
        Ok(Self { number, person })
    }
}

/// The claims and people that the rows are about.
async fn load(
    commands: &Commands,
    request: &Request<'_>,
    rows: &[PlannedRow],
) -> Result<Snapshot, CommandError> {
    let mut snapshot = Snapshot::default();
    let mut wanted = Wanted::default();
    for row in rows {
        if let Ok(claiming) = &row.person {
            // A person takes claims of these, too.
            claiming.claims.ids().for_each(|claim| wanted.add::<Claim>(claim));
            if let Some(certificate_id) = claiming.certificate_id {
                wanted.add::<Certificate>(certificate_id);
            }
            wanted.add::<Attendee>(AttendeeId::of_row(request.id, row.number));
        }
    }
    commands.load_into(&mut snapshot, wanted).await?;
    let mut wanted = Wanted::default();
    for claiming in rows.iter().filter_map(|row| row.person.as_ref().ok()) {
        for holder in holders(&snapshot, commands.log().names(), &claiming.claims)? {
            wanted.add::<Attendee>(holder);
        }
    }
    commands.load_into(&mut snapshot, wanted).await?;
    Ok(snapshot)
}

/// Holders of a row's claims.
fn holders(
    snapshot: &Snapshot,
    names: &Names,
    claims: &PersonClaims,
) -> Result<Vec<AttendeeId>, CommandError> {
    let mut holders = Vec::new();
    for claim in claims.ids() {
        holders.extend(snapshot.state::<Claim>(names, claim)?.0.map(AttendeeId));
    }
    Ok(holders)
}

/// The claims that taking a row in may read or write.
fn touched(
    snapshot: &Snapshot,
    names: &Names,
    key: &[u8],
    request: &Request<'_>,
    claims: &PersonClaims,
) -> Result<Vec<String>, CommandError> {
    let mut touched: Vec<String> = claims.ids().cloned().collect();
    if request.asked.update_existing {
        for holder in holders(snapshot, names, claims)? {
            if let Some(known) = snapshot.state::<Attendee>(names, holder)?.0 {
                let held = PersonClaims::of(key, &known);
                touched.extend(held.ids().cloned());
            }
        }
    }
    Ok(touched)
}
