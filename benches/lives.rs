//! Events of people and mails as in the real log, without drawing or sending anything.

use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use laureate::app::App;
use laureate::commands::issue::{issue, prepare};
use laureate::commands::{CommandContext, Loaded};
use laureate::domain::certification::attendee::{Attendee, AttendeeCommand};
use laureate::domain::certification::certificate::{
    Certificate, CertificateCommand, Definition, TemplateRef,
};
use laureate::domain::certification::issuance::{CertificateGenerated, Issuance, IssuanceCommand};
use laureate::domain::certification::mail::{
    EmailQueued, EmailSent, Mail, MailCommand, MailDelivery, OnUnknown,
};
use laureate::domain::certification::reactions::Issue;
use laureate::domain::certification::reactions::issuance::on_generated;
use laureate::domain::{AttendeeId, CertificateId, CommandId, IssuanceId, Locale, MailId, Person};
use laureate::event_log::Consistency;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Commands in progress at once: enough to fill group commits.
const AT_ONCE: usize = 1_500;
/// Tasks that execute commands concurrently.
const TASKS: usize = 6;
/// Certificate that all people earn.
const CERTIFICATE: CertificateId = CertificateId(Uuid::from_u128(1));
/// Number of events of each sent mail.
pub const EVENTS_PER_MAIL: usize = 3;
/// Number of events of each certified person: one of the attendee, two of the issuance, three of
/// the mail.
pub const EVENTS_PER_PERSON: usize = 6;

/// Returns a context with a new command id.
pub fn context() -> CommandContext {
    CommandContext::of_person(CommandId(Uuid::new_v4()), "bench")
}

/// Returns a mail to be sent.
pub fn queued(number: usize) -> EmailQueued {
    let public_id = format!("{number:032x}");
    EmailQueued {
        issuance_id: IssuanceId(Uuid::from_u128(number as u128)),
        certificate_id: CERTIFICATE,
        batch_id: None,
        previous: None,
        attendee_id: Uuid::from_u128(number as u128).into(),
        to_name: format!("Person Number {number}").into(),
        to_address: format!("person.{number}@example.com").into(),
        locale: Locale::En,
        client: "Example Academy".to_owned(),
        certificate_name: "Analytical Engines".to_owned(),
        event_name: "Autumn School".to_owned(),
        event_link: Some("https://example.org/autumn".to_owned()),
        download_link: format!("https://certificates.example.com/certificate/{public_id}/download"),
        object_key: format!("certificates/example_academy_2026/analytical_engines/{public_id}.pdf"),
        sha256: format!("{public_id}{public_id}"),
        on_unknown: OnUnknown::Park,
        delivery: MailDelivery::Immediate,
    }
}

/// Queues `mails` new mails from several tasks, like workers, each by its own command. Returns the
/// duration.
pub async fn queue_mails(app: &App, mails: usize) -> anyhow::Result<Duration> {
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for first in 0..TASKS {
        let commands = app.commands().clone();
        tasks.spawn(async move {
            let commands = &commands;
            let one = |number| async move {
                let id = MailId(Uuid::new_v4());
                let queue = MailCommand::Queue(Box::new(queued(number)));
                commands
                    .execute_assuming::<Mail>(&context(), id, Loaded::new(), queue)
                    .await
            };
            let mine = stream::iter((first..mails).step_by(TASKS)).map(one);
            mine.buffer_unordered(AT_ONCE / TASKS)
                .try_for_each(|_| async { Ok(()) })
                .await
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(begun.elapsed())
}

/// Creates `mails` mails with all events from queued to sent.
pub async fn sent_mails(app: &App, mails: usize) -> anyhow::Result<()> {
    let one = |number| sent_mail(app, queued(number));
    stream::iter(0..mails)
        .map(one)
        .buffer_unordered(AT_ONCE)
        .try_for_each(|()| async { Ok(()) })
        .await
}

/// Creates `people` people with all events from the import to the sent mail.
pub async fn certified_people(app: &App, people: usize) -> anyhow::Result<()> {
    define(app, CERTIFICATE).await?;
    let one = |number| certified_person(app, number);
    stream::iter(0..people)
        .map(one)
        .buffer_unordered(AT_ONCE)
        .try_for_each(|()| async { Ok(()) })
        .await
}

async fn sent_mail(app: &App, mail: EmailQueued) -> anyhow::Result<()> {
    let id = MailId(Uuid::new_v4());
    let queue = MailCommand::Queue(Box::new(mail));
    let claim = MailCommand::Claim {
        message_id: format!("<{id}@laureate.example>"),
    };
    let sent = MailCommand::RecordSent(EmailSent {
        attempt: 1,
        answer: "250 taken".to_owned().into(),
    });
    let mut email = Loaded::<Mail>::new();
    for command in [queue, claim, sent] {
        email = app
            .commands()
            .execute_assuming::<Mail>(&context(), id, email, command)
            .await?
            .into();
    }
    Ok(())
}

async fn certified_person(app: &App, number: usize) -> anyhow::Result<()> {
    let commands = app.commands();
    let attendee_id = AttendeeId(Uuid::new_v4());
    let import = AttendeeCommand::Import {
        person: person(number),
        source: None,
    };
    commands
        .execute_assuming::<Attendee>(&context(), attendee_id, Loaded::new(), import)
        .await?;
    let wanted = Issue {
        certificate_id: CERTIFICATE,
        attendee_id,
        origins: Vec::new(),
        delivery: MailDelivery::Immediate,
        issue_date: None,
    };
    let id = IssuanceId::first_of(wanted.certificate_id, attendee_id);
    let wanted = [wanted];
    let prepared = prepare(commands, &wanted, &Consistency::Any).await?;
    let [wanted] = wanted;
    issue(
        commands,
        &app.issuing_facts(),
        &context(),
        &prepared,
        wanted,
    )
    .await?;
    let issuance = commands.load::<Issuance>(id).await?;
    let request = issuance
        .state
        .request
        .clone()
        .context("an issuance without a request")?;
    let generated = CertificateGenerated {
        certificate_id: request.certificate_id,
        public_id: request.public_id.clone(),
        object_key: format!("certificates/bench_2026/{}.pdf", request.public_id),
        sha256: "ab".repeat(32),
        size: 200_000,
    };
    let (_, mail) = on_generated(id, &request, &generated, OnUnknown::Park);
    let record = IssuanceCommand::RecordGenerated(generated);
    commands
        .execute_assuming::<Issuance>(&context(), id, issuance, record)
        .await?;
    sent_mail(app, mail).await
}

fn person(number: usize) -> Person {
    Person {
        full_name: format!("Person Number {number}").into(),
        country: Some("Colombia".to_owned().into()),
        document_type: Some("Passport".to_owned().into()),
        document_number: Some(format!("{number:08}").into()),
        gender: None,
        email: format!("person.{number}@example.com").into(),
    }
}

/// Defines the certificate that all people earn.
pub async fn define(app: &App, id: CertificateId) -> anyhow::Result<()> {
    let define = CertificateCommand::Define(definition());
    app.commands()
        .execute::<Certificate>(&context(), id, define)
        .await?;
    Ok(())
}

/// Returns the certificate that all people earn.
fn definition() -> Definition {
    Definition {
        client: "Example Academy".to_owned(),
        name: "Foundations of Event Sourcing".to_owned(),
        event_name: "Autumn School on Reliable Systems".to_owned(),
        pdf_template: TemplateRef::new("classic", 1),
        design: None,
        event_link: Some("https://example.org/autumn-school".to_owned()),
        sendgrid_template_id: None,
        issue_date: None,
        requires_document: true,
        locale: Locale::En,
        is_active: true,
    }
}
