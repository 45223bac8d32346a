//! Dry run of an import: returns the report of the import but writes nothing.

use std::collections::HashMap;

use uuid::Uuid;

use super::missing_fields::with_missing_fields;
use super::report::{ErrorDetail, ImportReport, MAX_SHOWN, Outcome};
use super::row_certificate::{OwnCertificate, check_certificate, explained, rules_with};
use super::row_warnings::{ByTemplate, RowToCheck, warning};
use super::settled::{Decided, Settled};
use super::undrawable_row::known_person;
use super::{ImportError, ImportOptions};
use crate::certificate_pdf::Renderer;
use crate::commands::import_person::PersonImport;
use crate::commands::person_claims::PersonClaims;
use crate::commands::{Aggregates, CommandError, Commands, Wanted};
use crate::domain::certification::attendee::Attendee;
use crate::domain::certification::certificate::Certificate;
use crate::domain::certification::reactions::import::{
    Known, Matches, RowPlan, RowRules, Seen, plan_by_claims, plan_row,
};
use crate::domain::kernel::claim::Claim;
use crate::domain::{AttendeeId, CertificateId, ImportId, Person, PersonEntry, Secret};
use crate::event_log::Consistency;
use crate::rendering::long_names::LongNames;
use crate::spreadsheet::{RowOutcome, SheetError, SheetReader, SheetRow};

/// Maximum number of rows of a dry run. A dry run must end within one request and keeps the people
/// of its rows in memory.
const MAX_ROWS: u32 = 100_000;

/// Result of a dry run.
#[derive(Debug, Default)]
pub struct Rehearsed {
    /// Report that the import would have.
    pub report: ImportReport,
    /// Names whose width must be checked, each with its certificate and the warning to add if the
    /// name is too long.
    pub long_names: LongNames<(CertificateId, ErrorDetail)>,
    /// Warnings about e-mail addresses that no font can draw, for certificates that show them; at
    /// most 1,000.
    pub undrawable_emails: Vec<(CertificateId, ErrorDetail)>,
}

/// Reads a whole file of up to 100,000 rows and returns the report that an import would have now.
/// Writes nothing.
///
/// # Errors
/// The file can't be read completely or has more rows, or the log can't be read.
pub async fn dry_run(
    commands: &Commands,
    claim_key: &Secret,
    renderer: &Renderer,
    reader: SheetReader,
    options: ImportOptions,
) -> Result<Rehearsed, ImportError> {
    let import = ImportId(Uuid::nil());
    let rehearsal = Rehearsal {
        commands,
        claim_key,
        renderer,
        options,
        import,
        claims: HashMap::new(),
        people: HashMap::new(),
        seen: Seen::default(),
    };
    rehearsal.run(reader).await
}

/// State of a dry run: the changes that an import of the rows so far would make to the log.
struct Rehearsal<'c> {
    commands: &'c Commands,
    claim_key: &'c Secret,
    renderer: &'c Renderer,
    options: ImportOptions,
    import: ImportId,
    /// Holders of the claims that an import would take or release; `None` for a released claim.
    claims: HashMap<String, Option<AttendeeId>>,
    /// People that an import would create or change.
    people: HashMap<AttendeeId, Person>,
    seen: Seen,
}

impl Rehearsal<'_> {
    async fn run(mut self, reader: SheetReader) -> Result<Rehearsed, ImportError> {
        let mut rehearsed = Rehearsed::default();
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
            let loaded = self.load(&read).await?;
            for row in read {
                let (decided, drawn) = self.decide(row, &loaded)?;
                rehearsed.add(&decided.settled(&mut self.seen), drawn);
            }
            if rehearsed.report.total_records > MAX_ROWS {
                return Err(SheetError::TooManyRows { limit: MAX_ROWS }.into());
            }
        }
        Ok(rehearsed)
    }

    fn key(&self) -> &[u8] {
        self.claim_key.reveal().as_bytes()
    }

    /// Loads the claims, certificates and people of the rows from the log.
    async fn load(&self, rows: &[SheetRow]) -> Result<Aggregates, CommandError> {
        let at = Consistency::Leader(None);
        let mut loaded = Aggregates::default();
        let mut wanted = Wanted::default();
        let mut claims = Vec::with_capacity(rows.len());
        for row in rows {
            let RowOutcome::Person {
                person,
                certificate_id,
                ..
            } = &row.outcome
            else {
                continue;
            };
            let looked_up = PersonClaims::of_entry(self.key(), person);
            looked_up.ids().for_each(|claim| wanted.add::<Claim>(claim));
            claims.push(looked_up);
            if let Some(certificate_id) = certificate_id {
                wanted.add::<Certificate>(certificate_id);
            }
        }
        self.commands
            .load_together(&mut loaded, wanted, &at)
            .await?;
        let mut wanted = Wanted::default();
        for claim in claims.iter().flat_map(PersonClaims::ids) {
            if let Some(holder) = loaded.state::<Claim>(self.commands.log().names(), claim)?.0 {
                wanted.add::<Attendee>(holder);
            }
        }
        self.commands
            .load_together(&mut loaded, wanted, &at)
            .await?;
        Ok(loaded)
    }

    /// Decides the outcome of a row. Also returns the warnings that depend on the certificate's
    /// template.
    fn decide(
        &mut self,
        row: SheetRow,
        loaded: &Aggregates,
    ) -> Result<(Decided, ByTemplate), CommandError> {
        let number = row.row;
        let (entry, certificate_id, raw) = match row.outcome {
            RowOutcome::Person {
                person,
                certificate_id,
                raw,
            } => (person, certificate_id, raw),
            RowOutcome::Rejected { raw, errors } => {
                let errors = with_missing_fields(&raw, errors, self.options.requires_document);
                let detail = ErrorDetail::of_row(number, &raw, errors);
                return Ok((Decided::Rejected(number, detail), ByTemplate::default()));
            }
        };
        let names = self.commands.log().names();
        let requires_document = match check_certificate(loaded, names, certificate_id, &raw)? {
            OwnCertificate::Usable { requires_document } => requires_document,
            OwnCertificate::Unusable(error) => {
                let detail = ErrorDetail::of_row(number, &raw, vec![error]);
                return Ok((Decided::Rejected(number, detail), ByTemplate::default()));
            }
        };
        let rules = rules_with(self.options.rules(), requires_document);
        let imported = self.rehearse_row(number, &entry, rules, loaded)?;
        let imported = explained(imported, self.options.rules(), requires_document);
        let stored = match known_person(&imported) {
            Some(id) => self.person(id, loaded)?,
            None => None,
        };
        let certificate_id = certificate_id
            .or(self.options.certificate_id)
            .map(Into::into);
        let row = RowToCheck {
            number,
            entry: &entry,
            imported: &imported,
            stored: stored.as_ref(),
            raw: &raw,
            is_earning: certificate_id.is_some(),
        };
        let warning = warning(self.renderer, row);
        let by_template = row.by_template(self.renderer);
        Ok((
            Decided::of(number, imported, entry, raw, certificate_id, warning),
            by_template,
        ))
    }

    fn rehearse_row(
        &mut self,
        number: u32,
        entry: &PersonEntry,
        rules: RowRules,
        loaded: &Aggregates,
    ) -> Result<PersonImport, CommandError> {
        Ok(match self.plan(entry, rules, loaded)? {
            RowPlan::Create(person) => {
                let id = AttendeeId::of_row(self.import, number);
                self.keep(id, None, *person, loaded)?;
                PersonImport::Created(id)
            }
            RowPlan::Update(id, person) => {
                let before = self.person(id, loaded)?;
                self.keep(id, before, *person, loaded)?;
                PersonImport::Updated(id)
            }
            RowPlan::Existing(id) => PersonImport::Existing(id),
            RowPlan::Reject(mismatch) => PersonImport::Rejected(mismatch),
        })
    }

    fn plan(
        &self,
        entry: &PersonEntry,
        rules: RowRules,
        loaded: &Aggregates,
    ) -> Result<RowPlan, CommandError> {
        let claims = PersonClaims::of_entry(self.key(), entry);
        let looked_up: Vec<&String> = claims.looked_up(rules.shared_email).collect();
        let name = claims
            .name_at_email
            .as_ref()
            .filter(|name| looked_up.contains(name));
        let email = self.holder(claims.email.as_ref(), loaded)?;
        let document = self.holder(claims.document.as_ref(), loaded)?;
        if let Some(plan) = plan_by_claims(entry, email, document, rules, &self.seen) {
            return Ok(plan);
        }
        let name_at_email = self.holder(name, loaded)?;
        let mut people = Vec::with_capacity(3);
        for id in [email, name_at_email, document] {
            people.push(match id {
                Some(id) => self.person(id, loaded)?.map(|person| (id, person)),
                None => None,
            });
        }
        let known = |place: usize| {
            people[place]
                .as_ref()
                .map(|(id, person)| Known { id: *id, person })
        };
        let matches = Matches {
            email: known(0),
            name_at_email: known(1),
            document: known(2),
        };
        Ok(plan_row(entry, matches, rules, &self.seen))
    }

    /// Remembers a person that an import would create or change, and the person's claims. As in an
    /// import, claims of other people are neither released nor taken over.
    fn keep(
        &mut self,
        id: AttendeeId,
        before: Option<Person>,
        person: Person,
        loaded: &Aggregates,
    ) -> Result<(), CommandError> {
        let shared = self.options.shared_email;
        let now = PersonClaims::of(self.key(), &person);
        let before = before
            .map(|before| PersonClaims::of(self.key(), &before))
            .unwrap_or_default();
        for claim in before
            .ids()
            .filter(|claim| !now.ids().any(|kept| kept == *claim))
        {
            let holder = self.holder(Some(claim), loaded)?;
            if holder.is_none_or(|holder| holder == id) {
                self.claims.insert(claim.clone(), None);
            }
        }
        for needed in now.needed(shared) {
            let claim = needed.id.to_owned();
            if before.ids().any(|held| *held == claim) {
                continue;
            }
            if needed.is_exclusive || self.holder(Some(&claim), loaded)?.is_none() {
                self.claims.insert(claim, Some(id));
            }
        }
        self.people.insert(id, person);
        Ok(())
    }

    fn holder(
        &self,
        claim: Option<&String>,
        loaded: &Aggregates,
    ) -> Result<Option<AttendeeId>, CommandError> {
        let Some(claim) = claim else { return Ok(None) };
        match self.claims.get(claim) {
            Some(owner) => Ok(*owner),
            None => Ok(loaded
                .state::<Claim>(self.commands.log().names(), claim)?
                .0
                .map(AttendeeId)),
        }
    }

    fn person(&self, id: AttendeeId, loaded: &Aggregates) -> Result<Option<Person>, CommandError> {
        match self.people.get(&id) {
            Some(person) => Ok(Some(person.clone())),
            None => Ok(loaded.state::<Attendee>(self.commands.log().names(), id)?.0),
        }
    }
}

impl Rehearsed {
    fn add(&mut self, settled: &Settled, by_template: ByTemplate) {
        self.report.add(settled.earned.is_some(), &settled.outcome);
        if let (Some(warning), false) = (
            &settled.warning,
            matches!(settled.outcome, Outcome::Rejected(_)),
        ) {
            self.report.warn(warning);
        }
        let Some(earned) = settled.earned else { return };
        if let Some((name, warning)) = by_template.long_name {
            self.long_names
                .add(name.reveal_str(), || (earned.certificate_id, warning));
        }
        if let Some(warning) = by_template.undrawable_email
            && self.undrawable_emails.len() < MAX_SHOWN
        {
            self.undrawable_emails
                .push((earned.certificate_id, warning));
        }
    }
}
