//! Mailer: each mail is sent once, as far as SMTP allows this.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use laureate::dev_stack::mail_catcher::caught_mails;
use laureate::domain::certification::mail::{
    Mail, MailCommand, MailEvent, MailState, OnUnknown, Stage,
};
use laureate::domain::{IssuanceId, MailId, TimeZone};
use laureate::mail::{MailProvider, MailSettings, SmtpMailer};
use laureate::storage::ObjectKey;
use laureate::workers::WorkerStates;
use laureate::workers::mailer::Mailer;
use laureate::workers::sending::SendingParts;
use laureate::workers::timers::{Timers, TimersOf};
use mail_parser::{MessageParser, MimeHeaders};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::fixture::Plant;
use super::issuing::{generated, queued_mail, rendering, request, requested, run_renderer};
use crate::log::fixture::person;
use crate::support::{servers, until};

/// Returns the parts of a worker that sends through `provider`. A failed mail is sent again after
/// about 5 ms.
pub fn sending(plant: &Plant, provider: impl MailProvider + 'static) -> SendingParts {
    SendingParts {
        commands: plant.log.commands.clone(),
        provider: Arc::new(provider),
        message_id_domain: "example.org".to_owned(),
        first_retry: Duration::from_millis(5),
        shutdown: plant.shutdown.clone(),
    }
}

pub fn mailer(plant: &Plant, provider: impl MailProvider + 'static) -> Mailer {
    let parts = sending(plant, provider);
    Mailer::new(parts, rendering(plant), TimeZone::default())
}

/// Returns the settings of a mail server without encryption.
pub fn smtp_settings(address: SocketAddr) -> MailSettings {
    let settings = json!({
        "host": address.ip().to_string(), "port": address.port(), "security": "none",
        "from_name": "Acme", "from_address": "certificates@example.org",
    });
    serde_json::from_value(settings).unwrap()
}

pub fn smtp(address: SocketAddr) -> SmtpMailer {
    SmtpMailer::new(&smtp_settings(address)).unwrap()
}

/// Starts a mailer that sends to the mail catcher.
pub fn run_mailer(plant: &Plant) {
    plant.run(Arc::new(mailer(plant, smtp(servers().smtp_addr))));
}

pub fn run_timers(plant: &Plant) {
    run_timers_of(plant, TimersOf::Mails);
    run_timers_of(plant, TimersOf::Notices);
}

/// Starts one consumer of timers. Returns the state that health shows.
pub fn run_timers_of(plant: &Plant, of: TimersOf) -> WorkerStates {
    let states = WorkerStates::default();
    let timers = Timers::new(plant.log.commands.clone(), of, &states);
    let shutdown = plant.shutdown.clone();
    tokio::spawn(async move { timers.run(shutdown).await.unwrap() });
    states
}

/// Returns an address that only this test uses. `prefix` selects the reply of the mail catcher.
pub fn address(plant: &Plant, prefix: &str) -> String {
    format!("{prefix}{}@example.com", plant.log.namespace)
}

/// Returns the unchanged messages that were delivered to an address.
pub fn caught(address: &str) -> Vec<Vec<u8>> {
    let mails = caught_mails(&servers().mail_dir, 100_000).unwrap();
    let to_us = mails
        .into_iter()
        .filter(|mail| mail.to.iter().any(|to| to == address));
    to_us
        .map(|mail| std::fs::read(mail.path).unwrap())
        .collect()
}

pub async fn state(plant: &Plant, id: MailId) -> MailState {
    plant.log.commands.load::<Mail>(id).await.unwrap().state
}

pub async fn until_stage(plant: &Plant, id: MailId, stage: Stage) {
    until(&format!("the mail is {stage:?}"), async || {
        state(plant, id).await.stage == stage
    })
    .await;
}

async fn events(plant: &Plant, id: MailId) -> Vec<MailEvent> {
    let recorded = plant
        .log
        .log
        .load("mail", &id.to_string(), 0)
        .await
        .unwrap();
    recorded
        .iter()
        .map(|event| event.decode_as::<MailEvent>().unwrap())
        .collect()
}

/// Issues a certificate whose mail stays queued, because no mailer is running.
pub async fn waiting_mail(plant: &Plant, address: &str) -> (IssuanceId, MailId) {
    run_renderer(plant);
    let issuance = requested(plant, request("Ada Lovelace", address)).await;
    let id = MailId::first_of(issuance);
    until_stage(plant, id, Stage::Queued).await;
    (issuance, id)
}

#[tokio::test]
async fn mail_contains_the_issued_bytes() {
    let plant = Plant::new().await;
    let to = address(&plant, "");
    let (issuance, id) = waiting_mail(&plant, &to).await;
    run_mailer(&plant);
    until_stage(&plant, id, Stage::Sent).await;
    assert_eq!(
        plant.history("mail", id).await,
        ["EmailQueued", "SendClaimed", "EmailSent"]
    );

    let mails = caught(&to);
    assert_eq!(mails.len(), 1);
    let mail = MessageParser::default().parse(&mails[0]).unwrap();
    assert_eq!(
        mail.message_id(),
        Some(format!("{id}@example.org").as_str())
    );
    let attachment = mail.attachment(0).unwrap();
    assert!(attachment.attachment_name().unwrap().ends_with(".pdf"));
    let digest: String = Sha256::digest(attachment.contents())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(digest, generated(&plant, issuance).await.sha256);
}

#[tokio::test]
async fn permanent_failure_is_recorded_and_becomes_a_dead_letter() {
    let plant = Plant::new().await;
    let to = address(&plant, "reject-");
    let (_, id) = waiting_mail(&plant, &to).await;
    run_mailer(&plant);
    let letters = plant.until_dead_letters(1).await;
    assert_eq!(
        (letters[0].worker.as_str(), letters[0].id.clone()),
        ("mailer", id.to_string())
    );
    let MailEvent::EmailFailed(failed) = &events(&plant, id).await[1] else {
        panic!("no failure")
    };
    assert_eq!(
        (failed.attempt, failed.permanent, failed.retry_at),
        (1, true, None)
    );
    assert!(
        failed.answer.reveal_str().contains("550"),
        "the server's answer is recorded"
    );
    let raw = plant.dead_letters().await;
    assert!(
        !String::from_utf8_lossy(&raw[0]).contains("example.com"),
        "an address in a dead letter"
    );
    assert!(caught(&to).is_empty());
}

#[tokio::test]
async fn temporary_failure_is_retried_and_the_mail_arrives_once() {
    let plant = Plant::new().await;
    let to = address(&plant, "tempfail-once-");
    let (_, id) = waiting_mail(&plant, &to).await;
    run_mailer(&plant);
    run_timers(&plant);
    until_stage(&plant, id, Stage::Sent).await;
    let history = plant.history("mail", id).await;
    assert_eq!(
        history,
        [
            "EmailQueued",
            "EmailFailed",
            "EmailReleased",
            "SendClaimed",
            "EmailSent"
        ],
        "the server refuses the recipient before the mail is claimed"
    );
    let events = events(&plant, id).await;
    let (MailEvent::EmailFailed(failed), MailEvent::SendClaimed(claim)) = (&events[1], &events[3])
    else {
        panic!("{events:?}")
    };
    assert_eq!((failed.attempt, failed.permanent), (1, false));
    assert!(failed.retry_at.is_some());
    assert_eq!(claim.attempt, 2);
    assert_eq!(caught(&to).len(), 1);
    assert!(plant.dead_letters().await.is_empty());
}

#[tokio::test]
async fn missing_answer_is_an_unknown_outcome_and_not_retried() {
    let plant = Plant::new().await;
    let to = address(&plant, "hangup-");
    let (_, id) = waiting_mail(&plant, &to).await;
    run_mailer(&plant);
    until_stage(&plant, id, Stage::Unknown).await;
    plant.settled("mailer").await;
    assert_eq!(
        caught(&to).len(),
        1,
        "the catcher has stored it, and it is not sent again"
    );
}

#[tokio::test]
async fn claim_without_an_outcome_is_parked_and_not_sent() {
    let plant = Plant::new().await;
    let to = address(&plant, "");
    let (_, id) = waiting_mail(&plant, &to).await;
    // Simulates a worker that crashed after the claim, before it recorded the outcome.
    let claim = MailCommand::Claim {
        message_id: format!("<{id}@example.org>"),
    };
    plant
        .log
        .commands
        .execute::<Mail>(&person(), id, claim)
        .await
        .unwrap();
    run_mailer(&plant);
    until_stage(&plant, id, Stage::Unknown).await;
    plant.settled("mailer").await;
    assert_eq!(
        plant.history("mail", id).await,
        ["EmailQueued", "SendClaimed", "EmailOutcomeUnknown"]
    );
    assert!(caught(&to).is_empty());

    plant
        .log
        .commands
        .execute::<Mail>(&person(), id, MailCommand::Retry)
        .await
        .unwrap();
    until_stage(&plant, id, Stage::Sent).await;
    assert_eq!(caught(&to).len(), 1, "it is sent after a person's retry");
}

#[tokio::test]
async fn a_replaced_pdf_is_never_mailed() {
    let plant = Plant::new().await;
    let to = address(&plant, "");
    let (issuance, id) = waiting_mail(&plant, &to).await;
    let key = ObjectKey::parse(&generated(&plant, issuance).await.object_key).unwrap();
    plant
        .storage
        .put(&key, "%PDF-1.7 forged".into())
        .await
        .unwrap();
    run_mailer(&plant);
    let letters = plant.until_dead_letters(1).await;
    assert_eq!(letters[0].cause, "ISSUED_BYTES_DIFFER");
    assert_eq!(
        plant.history("mail", id).await,
        ["EmailQueued", "EmailFailed"]
    );
    assert_eq!(state(&plant, id).await.stage, Stage::Failed);
    assert!(caught(&to).is_empty());
}

#[tokio::test]
async fn mail_without_an_issued_certificate_fails() {
    let plant = Plant::new().await;
    let id = MailId(Uuid::new_v4());
    let queue = MailCommand::Queue(Box::new(queued_mail(&address(&plant, ""), OnUnknown::Park)));
    plant
        .log
        .commands
        .execute::<Mail>(&person(), id, queue)
        .await
        .unwrap();
    run_mailer(&plant);
    assert_eq!(plant.until_dead_letters(1).await[0].cause, "NOT_ISSUED");
    assert_eq!(state(&plant, id).await.stage, Stage::Failed);
}
