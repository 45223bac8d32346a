//! What a file would do, told without doing it.

use std::collections::HashMap;

use uuid::Uuid;

use super::report::{ErrorDetail, ImportReport, Outcome};
use super::{ImportError, ImportOptions};
use crate::commands::take_in_row::{PersonClaims, rejection};
use crate::commands::{CommandError, Commands};
use crate::domain::claim::Claim;
use crate::domain::{AttendeeId, ImportId, Person, Secret};
use crate::process::import::{RowPlan, plan_row};
use crate::sheet::{RawRow, RowOutcome, SheetReader};

/// Reads a whole file and tells what importing it would do now. Nothing is written.
///
/// # Errors
/// The file can't be read to its end, or the log can't be read.
pub async fn dry_run(
    commands: &Commands,
    claim_key: &Secret,
    reader: SheetReader,
    options: ImportOptions,
) -> Result<ImportReport, ImportError> {
    let rehearsal =
        Rehearsal { commands, claim_key, options, taken: HashMap::new(), import: ImportId(Uuid::nil()) };
    rehearsal.run(reader).await
}

/// The log as it is, and what the rows so far would have claimed.
struct Rehearsal<'c> {
    commands: &'c Commands,
    claim_key: &'c Secret,
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
        while let Some(row) = rows.recv().await {
            let row = row?;
            match row.outcome {
                RowOutcome::Rejected { raw, errors } => {
                    report.add(false, Outcome::Rejected(ErrorDetail::of_row(row.row, &raw, errors)));
                }
                RowOutcome::Person { person, certificate_id, raw } => {
                    let certificate = certificate_id.or(self.options.certificate_id);
                    let (known, outcome) = self.settle(row.row, &person, &raw).await?;
                    report.add(known && certificate.is_some(), outcome);
                }
            }
        }
        Ok(report)
    }

    /// Whether there is one person that the row is about, and what would become of it.
    async fn settle(
        &mut self,
        row: u32,
        person: &Person,
        raw: &RawRow,
    ) -> Result<(bool, Outcome), CommandError> {
        let claims = PersonClaims::of(self.claim_key.reveal().as_bytes(), person);
        let email = self.holder(&claims.email).await?;
        let document = self.holder(&claims.document).await?;
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

    async fn holder(&self, claim: &str) -> Result<Option<Uuid>, CommandError> {
        match self.taken.get(claim) {
            Some(owner) => Ok(Some(*owner)),
            None => Ok(self.commands.load::<Claim>(claim).await?.state.0),
        }
    }
}
