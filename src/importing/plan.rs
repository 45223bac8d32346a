//! Order in which the rows of a chunk are imported, and which rows are imported concurrently.

use std::collections::HashSet;
use std::sync::Arc;

use uuid::Uuid;

use super::Request;
use super::missing_fields::with_missing_fields;
use super::row_certificate::{OwnCertificate, check_certificate};
use crate::commands::person_claims::PersonClaims;
use crate::commands::{Aggregates, CommandError, Commands, Wanted};
use crate::domain::certification::attendee::Attendee;
use crate::domain::certification::certificate::Certificate;
use crate::domain::kernel::claim::Claim;
use crate::domain::{AttendeeId, PersonEntry, Secret};
use crate::event_log::{Consistency, Names};
use crate::spreadsheet::{RawRow, RowError, RowOutcome, SheetRow};

/// Plan of a chunk. The outcome is the same as if all rows were imported one by one, in the order
/// of the file.
///
/// A row reads and writes the claims of its person. If it updates a known person, it also reads and
/// writes the claims that this person holds. Rows that share no claim with an earlier row are
/// independent and are imported concurrently. The other rows follow one by one, in the order of the
/// file. Such a row is imported after later independent rows, but these don't touch its claims.
pub(super) struct Plan {
    /// Claims, certificates and people of the rows before the chunk.
    pub loaded: Arc<Aggregates>,
    /// Rows that can be imported concurrently, based on `loaded`.
    pub apart: Vec<PlannedRow>,
    /// Rows that must be imported one by one after the rows in `apart`, based on the log at that
    /// time.
    pub in_turn: Vec<PlannedRow>,
}

/// Row with its person and claims, or with its errors.
pub(super) struct PlannedRow {
    pub number: u32,
    pub person: Result<Claiming, Rejection>,
}

/// Person of a row that can be imported.
pub(super) struct Claiming {
    pub entry: PersonEntry,
    pub claims: PersonClaims,
    pub certificate_id: Option<Uuid>,
    /// True if the row's own certificate requires a document number.
    pub requires_document: bool,
    pub raw: RawRow,
}

/// Row that contains no valid person.
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
        at: &Consistency,
    ) -> Result<Self, CommandError> {
        let key = claim_key.reveal().as_bytes();
        let requires_document = request.asked.requires_document;
        let rows: Vec<PlannedRow> = rows
            .into_iter()
            .map(|row| PlannedRow::of(row, key, requires_document))
            .collect();
        let loaded = load(commands, request, &rows, at).await?;
        let names = commands.log().names();
        let checked = rows
            .into_iter()
            .map(|row| row.with_certificate(&loaded, names));
        let rows = checked.collect::<Result<Vec<_>, _>>()?;
        let mut apart = Vec::with_capacity(rows.len());
        let mut in_turn = Vec::new();
        let mut taken = HashSet::new();
        for row in rows {
            let touched = match &row.person {
                Ok(claiming) => touched(&loaded, names, key, request, &claiming.claims)?,
                Err(_) => Vec::new(),
            };
            let is_apart = !touched.iter().any(|claim| taken.contains(claim));
            taken.extend(touched);
            if is_apart { &mut apart } else { &mut in_turn }.push(row);
        }
        Ok(Self {
            loaded: Arc::new(loaded),
            apart,
            in_turn,
        })
    }
}

impl PlannedRow {
    fn of(row: SheetRow, key: &[u8], requires_document: bool) -> Self {
        let person = match row.outcome {
            RowOutcome::Rejected { raw, errors } => {
                let errors = with_missing_fields(&raw, errors, requires_document);
                Err(Rejection { raw, errors })
            }
            RowOutcome::Person {
                person,
                certificate_id,
                raw,
            } => {
                let claims = PersonClaims::of_entry(key, &person);
                Ok(Claiming {
                    entry: person,
                    claims,
                    certificate_id,
                    requires_document: false,
                    raw,
                })
            }
        };
        Self {
            number: row.row,
            person,
        }
    }

    /// Adds the rules of the certificate that the row names. Rejects the row if that certificate
    /// can't be issued.
    fn with_certificate(self, loaded: &Aggregates, names: &Names) -> Result<Self, CommandError> {
        let Self { number, person } = self;
        let claiming = match person {
            Ok(claiming) => claiming,
            Err(rejection) => {
                return Ok(Self {
                    number,
                    person: Err(rejection),
                });
            }
        };
        let person = match check_certificate(loaded, names, claiming.certificate_id, &claiming.raw)?
        {
            OwnCertificate::Usable { requires_document } => Ok(Claiming {
                requires_document,
                ..claiming
            }),
            OwnCertificate::Unusable(error) => Err(Rejection {
                raw: claiming.raw,
                errors: vec![error],
            }),
        };
        Ok(Self { number, person })
    }
}

/// Loads the claims, certificates and people of the rows from the log.
async fn load(
    commands: &Commands,
    request: &Request<'_>,
    rows: &[PlannedRow],
    at: &Consistency,
) -> Result<Aggregates, CommandError> {
    let mut loaded = Aggregates::default();
    let mut wanted = Wanted::default();
    for row in rows {
        if let Ok(claiming) = &row.person {
            // This includes the claims that a new person would take.
            claiming
                .claims
                .ids()
                .for_each(|claim| wanted.add::<Claim>(claim));
            if let Some(certificate_id) = claiming.certificate_id {
                wanted.add::<Certificate>(certificate_id);
            }
            wanted.add::<Attendee>(AttendeeId::of_row(request.id, row.number));
        }
    }
    commands.load_together(&mut loaded, wanted, at).await?;
    let mut wanted = Wanted::default();
    for claiming in rows.iter().filter_map(|row| row.person.as_ref().ok()) {
        for holder in holders(&loaded, commands.log().names(), &claiming.claims)? {
            wanted.add::<Attendee>(holder);
        }
    }
    commands.load_together(&mut loaded, wanted, at).await?;
    Ok(loaded)
}

/// Returns the people that hold a row's claims.
fn holders(
    loaded: &Aggregates,
    names: &Names,
    claims: &PersonClaims,
) -> Result<Vec<AttendeeId>, CommandError> {
    let mut holders = Vec::new();
    for claim in claims.ids() {
        holders.extend(loaded.state::<Claim>(names, claim)?.0.map(AttendeeId));
    }
    Ok(holders)
}

/// Returns the claims that the import of a row may read or write.
fn touched(
    loaded: &Aggregates,
    names: &Names,
    key: &[u8],
    request: &Request<'_>,
    claims: &PersonClaims,
) -> Result<Vec<String>, CommandError> {
    let mut touched: Vec<String> = claims.ids().cloned().collect();
    if request.asked.update_existing {
        for holder in holders(loaded, names, claims)? {
            if let Some(known) = loaded.state::<Attendee>(names, holder)?.0 {
                let held = PersonClaims::of(key, &known);
                touched.extend(held.ids().cloned());
            }
        }
    }
    Ok(touched)
}
