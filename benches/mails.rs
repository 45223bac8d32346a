//! Mails as the log has them, without anything being sent: the most frequent events of all.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use laureate::app::App;
use laureate::commands::{CommandContext, Loaded};
use laureate::domain::email::{Email, EmailCommand, EmailQueued, EmailSent, OnUnknown};
use laureate::domain::{CommandId, EmailId, IssuanceId, Locale};
use uuid::Uuid;

/// Commands under way at once: enough that group commits become full.
const AT_ONCE: usize = 1_500;
/// Events that each sent mail has.
pub const EVENTS_PER_MAIL: usize = 3;

/// Who executes the commands.
pub fn context() -> CommandContext {
    CommandContext::of_person(CommandId(Uuid::new_v4()), "bench")
}

/// A mail that is to be sent.
pub fn queued(number: usize) -> EmailQueued {
    let public_id = format!("{number:032x}");
    EmailQueued {
        issuance_id: IssuanceId(Uuid::from_u128(number as u128)),
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
    }
}

/// Queues so many new mails, each by a command of its own.
pub async fn queue(app: &App, mails: usize) -> anyhow::Result<Duration> {
    let commands = app.commands();
    let begun = Instant::now();
    stream::iter(0..mails)
        .map(|number| async move {
            let (id, queue) = (EmailId(Uuid::new_v4()), EmailCommand::Queue(Box::new(queued(number))));
            commands.execute_assuming::<Email>(&context(), id, Loaded::new(), queue).await
        })
        .buffer_unordered(AT_ONCE)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    Ok(begun.elapsed())
}

/// Takes so many mails from being queued to being sent.
pub async fn send(app: &App, mails: usize) -> anyhow::Result<()> {
    let commands = app.commands();
    let one = |number| async move {
        let (id, queue) = (EmailId(Uuid::new_v4()), EmailCommand::Queue(Box::new(queued(number))));
        let claim = EmailCommand::Claim { message_id: format!("<{id}@laureate.example>") };
        let sent = EmailCommand::RecordSent(EmailSent { attempt: 1, answer: "250 taken".to_owned().into() });
        let mut email = Loaded::<Email>::new();
        for command in [queue, claim, sent] {
            email = commands.execute_assuming::<Email>(&context(), id, email, command).await?.into();
        }
        Ok::<_, anyhow::Error>(())
    };
    stream::iter(0..mails).map(one).buffer_unordered(AT_ONCE).try_for_each(|()| async { Ok(()) }).await
}
