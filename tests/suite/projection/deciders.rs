//! Property test: for any commands, the rows contain the state that the deciders compute from the
//! events.

use std::collections::BTreeMap;

use laureate::domain::certification::certificate::{Certificate, CertificateCommand};
use laureate::domain::certification::issuance::{
    Issuance, IssuanceCommand, IssuanceEvent, IssuanceState,
};
use laureate::domain::certification::mail::{
    EmailFailed, EmailOutcomeUnknown, EmailSent, Mail, MailCommand, MailDelivery, Stage,
};
use laureate::domain::{Decider, DomainEvent};
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::given_log::{Happened, happened};
use super::story;
use super::world::World;

/// Decodes the payload of an event.
fn event<D: Decider>(happened: &Happened) -> D::Event {
    D::Event::decode(&happened.event_type, 1, &happened.body).expect("the story is right")
}

/// Makes a decision on a command. Appends the events to `log`, and applies them to `state`.
fn decide<D: Decider>(
    log: &mut Vec<Happened>,
    state: &mut D::State,
    id: u128,
    command: &D::Command,
) {
    for event in D::decide(state, command).unwrap_or_default() {
        *state = D::evolve(state.clone(), &event);
        log.push(happened::<D>(id, event));
    }
}

/// Returns the mail command that has the number `kind`.
fn mail_command(kind: usize, attempt: u32) -> MailCommand {
    let text = || "answer".to_owned().into();
    match kind {
        0 | 1 => MailCommand::Claim {
            message_id: "<1@example.com>".to_owned(),
        },
        2 => MailCommand::RecordSent(EmailSent {
            attempt,
            answer: text(),
        }),
        3 => MailCommand::RecordFailure(EmailFailed {
            attempt,
            permanent: false,
            retry_at: Some(OffsetDateTime::UNIX_EPOCH),
            unanswered: false,
            answer: text(),
        }),
        4 => MailCommand::RecordFailure(EmailFailed {
            attempt,
            permanent: true,
            retry_at: None,
            unanswered: false,
            answer: text(),
        }),
        5 => MailCommand::RecordUnknown(EmailOutcomeUnknown {
            attempt,
            retry_at: None,
            detail: text(),
        }),
        6 => MailCommand::Retry,
        11 => MailCommand::Release,
        12 => MailCommand::ReleaseDue,
        13 => MailCommand::Reschedule(MailDelivery::Held),
        14 => MailCommand::Reschedule(MailDelivery::At(OffsetDateTime::UNIX_EPOCH)),
        _ => MailCommand::Cancel { reason: text() },
    }
}

const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Absent => "absent",
        Stage::Queued => "queued",
        Stage::Claimed => "claimed",
        Stage::Retrying => "retrying",
        Stage::Sent => "sent",
        Stage::Failed => "failed",
        Stage::Unknown => "unknown",
        Stage::Held => "held",
        Stage::Scheduled => "scheduled",
        Stage::Cancelled => "cancelled",
    }
}

const fn state(issuance: &IssuanceState) -> &'static str {
    match (&issuance.revoked, &issuance.generated, &issuance.failure) {
        (Some(_), ..) => "revoked",
        (None, Some(_), _) => "generated",
        (None, None, Some(_)) => "failed",
        (None, None, None) => "requested",
    }
}

/// Returns one column of a table, by the id of the row.
fn column(rows: &Value, table: &str, column: &str) -> BTreeMap<String, Value> {
    let rows = rows[table].as_array().expect("rows");
    rows.iter()
        .map(|row| {
            (
                row["id"].as_str().expect("an id").to_owned(),
                row[column].clone(),
            )
        })
        .collect()
}

#[derive(Default)]
struct Expected {
    stages: BTreeMap<String, Value>,
    states: BTreeMap<String, Value>,
    active: BTreeMap<String, Value>,
}

const fn mail_id(n: usize) -> u128 {
    0x20 + n as u128
}

const fn issuance_id(n: usize) -> u128 {
    0x10 + n as u128
}

const fn certificate_id(n: usize) -> u128 {
    0xC0 + n as u128
}

fn issuance_command(kind: usize, id: u128) -> IssuanceCommand {
    let story = match kind {
        7 => story::generated(id),
        8 => story::generation_failed(id),
        _ => story::revoked(id),
    };
    match event::<Issuance>(&story) {
        IssuanceEvent::CertificateGenerated(e) => IssuanceCommand::RecordGenerated(e),
        IssuanceEvent::CertificateGenerationFailed(e) => IssuanceCommand::RecordFailure(e),
        IssuanceEvent::CertificateRequested(e) => IssuanceCommand::Request(Box::new(e)),
        IssuanceEvent::CertificateRevoked(e) => IssuanceCommand::Revoke(e),
    }
}

/// Returns the events that the deciders produce for `commands`, and the states that must result.
fn decided(commands: &[(usize, usize)]) -> (Vec<Happened>, Expected) {
    let mut log = Vec::new();
    let mut expected = Expected::default();
    let mut mails = Vec::new();
    let mut issuances = Vec::new();
    let mut certificates = Vec::new();
    for n in 0..3 {
        let queued = match n {
            0 => story::queued(mail_id(n), issuance_id(n)),
            1 => story::queued_for(mail_id(n), issuance_id(n), MailDelivery::Held),
            _ => story::queued_for(
                mail_id(n),
                issuance_id(n),
                MailDelivery::At(OffsetDateTime::UNIX_EPOCH),
            ),
        };
        let requested = story::requested(issuance_id(n), 0xA1);
        let defined = story::defined(certificate_id(n));
        mails.push(Mail::fold(&[event::<Mail>(&queued)]));
        issuances.push(Issuance::fold(&[event::<Issuance>(&requested)]));
        certificates.push(Certificate::fold(&[event::<Certificate>(&defined)]));
        log.extend([queued, requested, defined]);
    }
    for (kind, n) in commands.iter().copied() {
        match kind {
            0..=6 | 11..=15 => {
                let command = mail_command(kind, mails[n].attempt);
                decide::<Mail>(&mut log, &mut mails[n], mail_id(n), &command);
            }
            7 | 8 | 16 => {
                let command = issuance_command(kind, issuance_id(n));
                decide::<Issuance>(&mut log, &mut issuances[n], issuance_id(n), &command);
            }
            _ => {
                let command = if kind == 9 {
                    CertificateCommand::Deactivate
                } else {
                    CertificateCommand::Activate
                };
                decide::<Certificate>(&mut log, &mut certificates[n], certificate_id(n), &command);
            }
        }
    }
    let text = |id| Uuid::from_u128(id).to_string();
    for n in 0..3 {
        expected
            .stages
            .insert(text(mail_id(n)), stage(mails[n].stage).into());
        expected
            .states
            .insert(text(issuance_id(n)), state(&issuances[n]).into());
        let is_active = certificates[n]
            .0
            .as_ref()
            .is_some_and(|definition| definition.is_active);
        expected
            .active
            .insert(text(certificate_id(n)), is_active.into());
    }
    (log, expected)
}

proptest! {
    #![proptest_config(Config { cases: 12, ..Config::default() })]

    #[test]
    fn rows_have_the_same_state_as_the_deciders(commands in prop::collection::vec((0..17_usize, 0..3_usize), 0..80)) {
        let (log, expected) = decided(&commands);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (jobs, issuances, certificates, overview) = runtime.block_on(async {
            let world = World::new().await;
            world.log.append(log);
            world.project().await;
            let rows = (world.rows("jobs").await, world.rows("issuances").await, world.rows("certificates").await);
            (rows.0, rows.1, rows.2, world.rows("overview").await)
        });
        // The overview counts mails and PDFs whose stage or state is an error.
        let trouble = |value: &&Value| ["failed", "unknown"].contains(&value.as_str().unwrap_or_default());
        let mails = expected.stages.values().filter(trouble).count();
        let pdfs = expected.states.values().filter(trouble).count();
        let counted = |kind: &str| {
            let troubles = overview["overview_troubles"].as_array().expect("rows");
            troubles.iter().filter(|row| row["kind"].as_str().expect("a kind").starts_with(kind)).count()
        };
        prop_assert_eq!((counted("mail"), counted("issuance")), (mails, pdfs));
        prop_assert_eq!(column(&jobs, "jobs", "stage"), expected.stages);
        prop_assert_eq!(column(&issuances, "issuances", "state"), expected.states);
        prop_assert_eq!(column(&certificates, "certificates", "is_active"), expected.active);
    }
}
