//! The stages of the pipeline, each alone: the product's own code, without the queues between the
//! stages.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use futures_util::{StreamExt, TryStreamExt, stream};
use laureate::app::{App, Role};
use laureate::certificate_pdf::{Design, RenderJob, RenderedCertificate};
use laureate::commands::Loaded;
use laureate::commands::issue::{issue, prepare};
use laureate::domain::certification::import::{FileFormat, Import, ImportCommand, ImportRequested};
use laureate::domain::certification::issuance::{
    CertificateGenerated, CertificateRequested, Issuance, IssuanceCommand,
};
use laureate::domain::certification::mail::{
    EmailQueued, EmailSent, Mail, MailCommand, MailDelivery, OnUnknown,
};
use laureate::domain::certification::origin::Origin;
use laureate::domain::certification::reactions::{Issue, issuance};
use laureate::domain::{
    AttendeeId, CertificateId, ImportId, IssuanceId, MailId, SharedEmail, TimeZone,
};
use laureate::event_log::Consistency;
use laureate::mail::{Outgoing, SendOutcome};
use laureate::storage::{ObjectKey, PutPayload, certificate_key, import_key};
use laureate::workers::mailer::outgoing;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use super::api::{DESIGN, sheet};
use super::ground::{Ground, PATIENCE, Roles, wait_until_caught_up};
use super::lives::{context, define};
use super::pipeline::PEOPLE;
use super::processes::{cpu_of_tree, used};

/// All stages with the names of their figures.
pub const STAGES: [(&str, &str); 6] = [
    ("import", "stage_import"),
    ("render", "stage_render"),
    ("put", "stage_put"),
    ("commit", "stage_commit"),
    ("mail", "stage_mail"),
    ("project", "stage_project"),
];

/// Concurrency of the product's workers.
const COMMANDS_AT_ONCE: usize = 256;
const PUTS_AT_ONCE: usize = 64;
const MAILS_AT_ONCE: usize = 16;
/// Batch size of the renderer.
const BATCH: usize = 50;
/// Maximum size of a PDF that is read back, in bytes.
const MAX_PDF: u64 = 64 << 20;

/// Returns CPU seconds per certificate of every stage, including the servers.
pub async fn alone(run: u32) -> anyhow::Result<BTreeMap<&'static str, f64>> {
    let ground = Ground::start(true).await?;
    let app = ground.app().await?;
    let mut seconds = BTreeMap::new();
    let import_id = ImportId(Uuid::new_v4());
    timed(
        &mut seconds,
        "import",
        import(&app, import_id, sheet(PEOPLE, run.into())?),
    )
    .await?;
    let stages = Stages {
        app: &app,
        certificate_id: CertificateId(Uuid::new_v4()),
        import_id,
    };
    // This also loads the attendees, which counts as committing.
    let requests = timed(&mut seconds, "commit", stages.request()).await?;
    let pdfs = timed(&mut seconds, "render", stages.render(&requests)).await?;
    let keys = timed(&mut seconds, "put", stages.put(&requests, &pdfs)).await?;
    let mails = timed(
        &mut seconds,
        "commit",
        stages.commit(&requests, &keys, &pdfs),
    )
    .await?;
    timed(&mut seconds, "mail", stages.mail(&mails)).await?;
    timed(&mut seconds, "project", project(&app)).await?;
    ground.stop().await;
    Ok(seconds)
}

/// Adds the CPU time of `work` to its stage.
async fn timed<T>(
    seconds: &mut BTreeMap<&'static str, f64>,
    stage: &'static str,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let before = cpu_of_tree(std::process::id());
    let done = work.await.context(stage)?;
    let used: f64 = used(&before, &cpu_of_tree(std::process::id()))
        .values()
        .sum();
    *seconds.entry(stage).or_default() += used / PEOPLE as f64;
    Ok(done)
}

async fn import(app: &App, id: ImportId, sheet: Bytes) -> anyhow::Result<()> {
    let key = import_key(id.0);
    let size = sheet.len() as u64;
    let sha256 = HEXLOWER.encode(&Sha256::digest(&sheet));
    app.storage().put(&key, sheet).await?;
    let request = ImportRequested {
        object_key: key.to_string(),
        format: FileFormat::Csv,
        sha256,
        size,
        update_existing: false,
        certificate_id: None,
        delivery: MailDelivery::Immediate,
        reading: Default::default(),
        issue_date: None,
        requires_document: true,
        shared_email: SharedEmail::Refuse,
    };
    app.commands()
        .execute::<Import>(&context(), id, ImportCommand::Request(request))
        .await?;
    let roles = Roles::start(app, &[Role::Importer]).await?;
    let ended = async {
        while !app.commands().load::<Import>(id).await?.state.ended {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, ended).await??;
    roles.stop().await
}

async fn project(app: &App) -> anyhow::Result<()> {
    let roles = Roles::start(app, &[Role::Projector]).await?;
    wait_until_caught_up(app).await?;
    roles.stop().await
}

/// Stages that process the same people.
struct Stages<'a> {
    app: &'a App,
    certificate_id: CertificateId,
    import_id: ImportId,
}

/// Issuance whose PDF is not rendered yet.
struct Request {
    id: IssuanceId,
    issuance: Loaded<Issuance>,
    request: CertificateRequested,
}

impl Stages<'_> {
    /// Requests every certificate, which pins its content.
    async fn request(&self) -> anyhow::Result<Vec<Request>> {
        let commands = self.app.commands();
        let facts = self.app.issuing_facts();
        define(self.app, self.certificate_id).await?;
        let wanted = |row| {
            let attendee_id = AttendeeId::of_row(self.import_id, row);
            Issue {
                certificate_id: self.certificate_id,
                attendee_id,
                origins: vec![Origin::import(self.import_id)],
                delivery: MailDelivery::Immediate,
                issue_date: None,
            }
        };
        let rows = 2..=u32::try_from(PEOPLE)? + 1;
        let all: Vec<Issue> = rows.map(wanted).collect();
        let prepared = &prepare(commands, &all, &Consistency::Leader(None)).await?;
        let one = |wanted: Issue| {
            let facts = &facts;
            async move {
                let id = IssuanceId::first_of(wanted.certificate_id, wanted.attendee_id);
                issue(commands, facts, &context(), prepared, wanted).await?;
                anyhow::Ok(id)
            }
        };
        let ids: Vec<_> = stream::iter(all)
            .map(one)
            .buffered(COMMANDS_AT_ONCE)
            .try_collect()
            .await?;
        let mut requests = Vec::with_capacity(PEOPLE);
        for id in ids {
            let issuance = commands.load::<Issuance>(id).await?;
            let request = issuance
                .state
                .request
                .clone()
                .context("an issuance without a request")?;
            requests.push(Request {
                id,
                issuance,
                request,
            });
        }
        Ok(requests)
    }

    /// Renders in one blocking task, in batches like the worker.
    async fn render(&self, requests: &[Request]) -> anyhow::Result<Vec<RenderedCertificate>> {
        let jobs: Vec<RenderJob> = requests.iter().map(|wanted| job(&wanted.request)).collect();
        let renderer = self.app.renderer().clone();
        let rendered = tokio::task::spawn_blocking(move || {
            jobs.chunks(BATCH)
                .flat_map(|batch| renderer.render(batch))
                .collect::<Result<Vec<_>, _>>()
        });
        Ok(rendered.await??)
    }

    /// Stores every PDF.
    async fn put(
        &self,
        requests: &[Request],
        pdfs: &[RenderedCertificate],
    ) -> anyhow::Result<Vec<ObjectKey>> {
        let one = |(wanted, pdf): (&Request, &RenderedCertificate)| {
            let request = &wanted.request;
            let page = &wanted.request.page;
            let bytes = PutPayload::from_iter(pdf.parts.clone());
            let certificate = self.certificate_id.0;
            let year = page.issue_date.year();
            let key = certificate_key(
                &page.client,
                year,
                certificate,
                &page.certificate_name,
                &request.public_id,
            );
            async move {
                let key = key?;
                self.app.storage().put_new(&key, bytes).await?;
                anyhow::Ok(key)
            }
        };
        stream::iter(requests.iter().zip(pdfs))
            .map(one)
            .buffered(PUTS_AT_ONCE)
            .try_collect()
            .await
    }

    /// Records all events of an issuance and its mail.
    async fn commit(
        &self,
        requests: &[Request],
        keys: &[ObjectKey],
        pdfs: &[RenderedCertificate],
    ) -> anyhow::Result<Vec<EmailQueued>> {
        let commands = self.app.commands();
        let one = |n: usize| {
            let Request {
                id,
                issuance: before,
                request,
            } = &requests[n];
            let key = &keys[n];
            let pdf = &pdfs[n];
            let generated = CertificateGenerated {
                certificate_id: request.certificate_id,
                public_id: request.public_id.clone(),
                object_key: key.to_string(),
                sha256: pdf.sha256.clone(),
                size: pdf.size(),
            };
            let (mail_id, mail) = issuance::on_generated(*id, request, &generated, OnUnknown::Park);
            async move {
                let generated = IssuanceCommand::RecordGenerated(generated);
                commands
                    .execute_assuming::<Issuance>(&context(), id, before.clone(), generated)
                    .await?;
                self.commit_mail(mail_id, &mail).await?;
                anyhow::Ok(mail)
            }
        };
        stream::iter(0..requests.len())
            .map(one)
            .buffered(COMMANDS_AT_ONCE)
            .try_collect()
            .await
    }

    async fn commit_mail(&self, id: MailId, mail: &EmailQueued) -> anyhow::Result<()> {
        let queue = MailCommand::Queue(Box::new(mail.clone()));
        let claim = MailCommand::Claim {
            message_id: format!("<{id}@laureate.example>"),
        };
        let sent = MailCommand::RecordSent(EmailSent {
            attempt: 1,
            answer: "250 taken".to_owned().into(),
        });
        let mut email = Loaded::<Mail>::new();
        for command in [queue, claim, sent] {
            email = self
                .app
                .commands()
                .execute_assuming::<Mail>(&context(), id, email, command)
                .await?
                .into();
        }
        Ok(())
    }

    /// Reads every PDF back and sends it.
    async fn mail(&self, mails: &[EmailQueued]) -> anyhow::Result<()> {
        let storage = self.app.storage();
        let provider = self.app.mail_provider();
        let one = |mail: EmailQueued| async move {
            let pdf = storage
                .get(&ObjectKey::parse(&mail.object_key)?, MAX_PDF)
                .await?;
            let pdf = pdf.context("a PDF is gone")?;
            ensure!(
                HEXLOWER.encode(&Sha256::digest(&pdf)) == mail.sha256,
                "a PDF has changed"
            );
            let message_id = format!("<{}@laureate.example>", Uuid::new_v4());
            let now = OffsetDateTime::now_utc();
            let outgoing = outgoing(&mail, message_id, pdf, now, TimeZone::default());
            match provider
                .send(&Outgoing::Certificate(Box::new(outgoing)))
                .await
            {
                SendOutcome::Accepted { .. } => Ok(()),
                other => anyhow::bail!("a mail was not accepted: {other:?}"),
            }
        };
        let mails = stream::iter(mails.iter().cloned());
        mails
            .map(one)
            .buffer_unordered(MAILS_AT_ONCE)
            .try_for_each(|()| async { Ok(()) })
            .await
    }
}

fn job(request: &CertificateRequested) -> RenderJob {
    let page = &request.page;
    let sha256 = HEXLOWER.encode(&Sha256::digest(DESIGN));
    RenderJob {
        theme: page.pdf_template.theme.clone(),
        theme_version: page.pdf_template.version,
        renderer_version: page.renderer_version.clone(),
        options: BTreeMap::new(),
        locale: page.locale,
        issue_date: page.issue_date,
        public_id: request.public_id.clone(),
        verification_url: issuance::public_link(&page.public_base_url, &request.public_id),
        full_name: page.full_name.clone(),
        certificate_name: page.certificate_name.clone(),
        event_name: page.event_name.clone(),
        client: page.client.clone(),
        document_number: page.document_number.clone(),
        event_link: request.event_link.clone(),
        email: Some(request.email.clone()),
        design: Some(Design {
            bytes: Bytes::from_static(DESIGN),
            sha256,
        }),
    }
}
