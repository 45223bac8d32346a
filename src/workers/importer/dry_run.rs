//! What a file would do, told without doing it.

use std::collections::HashMap;

use uuid::Uuid;

use super::report::{ErrorDetail, ImportReport, Outcome};
use super::undrawable_row::warning;
use super::{ImportError, ImportOptions};
use crate::commands::snapshot::Wanted;
use crate::commands::take_in_row::{PersonClaims, rejection};
use crate::commands::{CommandError, Commands, Snapshot};
use crate::domain::claim::Claim;
use crate::domain::{AttendeeId, ImportId, Secret};
use crate::process::import::{RowPlan, plan_row};
use crate::render::Renderer;
use crate::sheet::{RawRow, RowOutcome, SheetError, SheetReader, SheetRow};

/// The most rows of a rehearsal: somebody waits for it, and what the rows would claim is held in memory.
const MAX_ROWS: u32 = 100_000;

/// Reads a whole file of up to 100,000 rows and tells what importing it would do now. Nothing is written.
///
/// # Errors
/// The file can't be read to its end or has more rows, or the log can't be read.
pub async fn dry_run(
    commands: &Commands,
    claim_key: &Secret,
    renderer: &Renderer,
    reader: SheetReader,
    options: ImportOptions,
) -> Result<ImportReport, ImportError> {
    let (taken, import) = (HashMap::new(), ImportId(Uuid::nil()));
    let rehearsal = Rehearsal { commands, claim_key, renderer, options, taken, import };
    rehearsal.run(reader).await
}

/// The log as it is, and what the rows so far would have claimed.
struct Rehearsal<'c> {
    commands: &'c Commands,
    claim_key: &'c Secret,
    renderer: &'c Renderer,
    options: ImportOptions,
    taken: HashMap<String, Uuid>,
    import: ImportId,
}

impl Rehearsal<'_> {
    async fn run(mut self, reader: SheetReader) -> Result<ImportReport, ImportError> {
        let mut report = ImportReport::default();
        let (sender, mut rows) = tokio::sync::mpsc::channel(super::CHUNK);
        tokio::task::spawn_blocking(move || {
            for row in reader {
                if sender.blocking_send(row).is_err() {
                    return;
                }
            }
        });
        let mut chunk = Vec::with_capacity(super::CHUNK);
        while rows.recv_many(&mut chunk, super::CHUNK).await > 0 {
            let read: Vec<SheetRow> = chunk.drain(..).collect::<Result<_, _>>()?;
            let claims: Vec<_> = read.iter().map(|row| self.claims(row)).collect();
            let mut wanted = Wanted::default();
            for claims in claims.iter().flatten() {
                wanted.add::<Claim>(&claims.email);
                wanted.add::<Claim>(&claims.document);
            }
            let mut snapshot = Snapshot::default();
            self.commands.load_into(&mut snapshot, wanted).await?;
            for (row, claims) in read.into_iter().zip(claims) {
                self.settle(row, claims, &snapshot, &mut report)?;
            }
            if report.total_records > MAX_ROWS {
                return Err(SheetError::TooManyRows { limit: MAX_ROWS }.into());
            }
        }
        Ok(report)
    }

    fn claims(&self, row: &SheetRow) -> Option<PersonClaims> {
        match &row.outcome {
            RowOutcome::Person { person, .. } => {
                Some(PersonClaims::of(self.claim_key.reveal().as_bytes(), person))
            }
            RowOutcome::Rejected { .. } => None,
        }
    }

    fn settle(
        &mut self,
        row: SheetRow,
        claims: Option<PersonClaims>,
        snapshot: &Snapshot,
        report: &mut ImportReport,
    ) -> Result<(), CommandError> {
        match (row.outcome, claims) {
            (RowOutcome::Person { person, certificate_id, raw }, Some(claims)) => {
                let is_earning = certificate_id.or(self.options.certificate_id).is_some();
                let (known, outcome) = self.plan(row.row, claims, snapshot, &raw)?;
                let warning = warning(self.renderer, row.row, &person, &raw, is_earning);
                report.add(known && is_earning && warning.is_none(), &outcome);
                if let (Some(warning), false) = (warning, matches!(outcome, Outcome::Rejected(_))) {
                    report.warn(&warning);
                }
            }
            (RowOutcome::Rejected { raw, errors }, _) => {
                report.add(false, &Outcome::Rejected(ErrorDetail::of_row(row.row, &raw, errors)));
            }
            // proof: every person has claims.
            (RowOutcome::Person { .. }, None) => {}
        }
        Ok(())
    }

    /// Whether there is one person that the row is about, and what would become of it.
    fn plan(
        &mut self,
        row: u32,
        claims: PersonClaims,
        snapshot: &Snapshot,
        raw: &RawRow,
    ) -> Result<(bool, Outcome), CommandError> {
        let email = self.holder(&claims.email, snapshot)?;
        let document = self.holder(&claims.document, snapshot)?;
        let own = AttendeeId::of_row(self.import, row);
        let plan = plan_row(own, email, document, self.options.update_existing);
        if let RowPlan::Create(id) | RowPlan::Update(id) = plan {
            self.taken.insert(claims.email, id.0);
            self.taken.insert(claims.document, id.0);
        }
        let outcome = match (plan, rejection(plan)) {
            (_, Some((code, field))) => Outcome::Rejected(ErrorDetail::of_plan(row, raw, code, field)),
            (RowPlan::Create(_), None) => Outcome::Created,
            (_, None) => Outcome::Updated,
        };
        Ok((plan != RowPlan::TwoPeople, outcome))
    }

    fn holder(&self, claim: &str, snapshot: &Snapshot) -> Result<Option<Uuid>, CommandError> {
        match self.taken.get(claim) {
            Some(owner) => Ok(Some(*owner)),
            None => Ok(snapshot.state::<Claim>(self.commands.log().names(), claim)?.0),
        }
    }
}
