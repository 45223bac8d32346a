//! Compares the state diagram of mails in ARCHITECTURE.md with `src/domain/kernel/sending.rs`.

use std::collections::{BTreeSet, HashSet};

use laureate::domain::certification::mail::{
    EmailFailed, EmailOutcomeUnknown, EmailQueued, EmailSent, Mail, MailCommand, MailDelivery,
    MailEvent, OnUnknown, Stage,
};
use laureate::domain::{Decider, DomainEvent, Locale};
use time::OffsetDateTime;
use uuid::Uuid;

/// Arrow of the diagram: start state, end state, and event type.
type Arrow = (String, String, String);

fn mail(on_unknown: OnUnknown, delivery: MailDelivery) -> EmailQueued {
    EmailQueued {
        issuance_id: Uuid::from_u128(1).into(),
        certificate_id: Uuid::from_u128(1).into(),
        batch_id: None,
        previous: None,
        attendee_id: Uuid::from_u128(1).into(),
        to_name: "Ada".to_owned().into(),
        to_address: "ada@example.com".to_owned().into(),
        locale: Locale::En,
        client: "Example Academy".to_owned(),
        certificate_name: "Speaker".to_owned(),
        event_name: "Summit 2026".to_owned(),
        event_link: None,
        download_link: "https://example.org/certificate/00/download".to_owned(),
        object_key: "certificates/a.pdf".to_owned(),
        sha256: "aa".to_owned(),
        on_unknown,
        delivery,
    }
}

/// Returns all commands that a mail can receive. `attempt` is the number of its last attempt.
fn commands(on_unknown: OnUnknown, attempt: u32) -> Vec<MailCommand> {
    let failed = |attempt, permanent| {
        let answer = "answer".to_owned().into();
        EmailFailed {
            attempt,
            permanent,
            retry_at: Some(OffsetDateTime::UNIX_EPOCH),
            unanswered: false,
            answer,
        }
    };
    let scheduled = MailDelivery::At(OffsetDateTime::UNIX_EPOCH);
    let each = [MailDelivery::Immediate, MailDelivery::Held, scheduled];
    let queued = each.map(|delivery| MailCommand::Queue(Box::new(mail(on_unknown, delivery))));
    let rescheduled = each.map(MailCommand::Reschedule);
    let others = [
        MailCommand::Claim {
            message_id: "<1@example.com>".to_owned(),
        },
        MailCommand::RecordSent(EmailSent {
            attempt,
            answer: "250 ok".to_owned().into(),
        }),
        MailCommand::RecordFailure(failed(attempt, true)),
        MailCommand::RecordFailure(failed(attempt, false)),
        MailCommand::RecordUnclaimedFailure(failed(attempt + 1, true)),
        MailCommand::RecordUnclaimedFailure(failed(attempt + 1, false)),
        MailCommand::RecordUnknown(EmailOutcomeUnknown {
            attempt,
            retry_at: Some(OffsetDateTime::UNIX_EPOCH),
            detail: "no answer".to_owned().into(),
        }),
        MailCommand::Abandon {
            why: "why".to_owned(),
        },
        MailCommand::Retry,
        MailCommand::Release,
        MailCommand::ReleaseDue,
        MailCommand::Cancel {
            reason: "why".to_owned().into(),
        },
    ];
    queued
        .into_iter()
        .chain(rescheduled)
        .chain(others)
        .collect()
}

fn name(stage: Stage) -> String {
    if stage == Stage::Absent {
        "[*]".to_owned()
    } else {
        format!("{stage:?}")
    }
}

/// Returns all transitions that commands can cause. They are explored with three histories per stage:
/// without an attempt, with one, and with one of unknown outcome.
fn decided() -> BTreeSet<Arrow> {
    let mut arrows = BTreeSet::new();
    for on_unknown in [OnUnknown::Park, OnUnknown::Retry] {
        let mut known: HashSet<(String, bool, bool)> = HashSet::new();
        let mut open: Vec<Vec<MailEvent>> = vec![Vec::new()];
        while let Some(history) = open.pop() {
            let state = Mail::fold(&history);
            if !known.insert((
                name(state.stage),
                state.attempt > 0,
                state.unknown_attempt > 0,
            )) {
                continue;
            }
            for command in commands(on_unknown, state.attempt) {
                let mut next = history.clone();
                for event in Mail::decide(&state, &command).unwrap_or_default() {
                    let from = name(Mail::fold(&next).stage);
                    next.push(event.clone());
                    let to = name(Mail::fold(&next).stage);
                    arrows.insert((from, to, event.event_type().to_owned()));
                }
                open.push(next);
            }
        }
    }
    arrows
}

/// Returns the arrows of the state diagram in a page. The remark in brackets after an event is
/// ignored.
fn drawn(page: &str) -> BTreeSet<Arrow> {
    let diagram = page
        .split_once("stateDiagram-v2")
        .and_then(|(_, rest)| rest.split_once("```"));
    let arrow = |line: &str| {
        let (from, rest) = line.trim().split_once(" --> ")?;
        let (to, event) = rest.split_once(": ")?;
        Some((
            from.to_owned(),
            to.to_owned(),
            event.split(' ').next()?.to_owned(),
        ))
    };
    diagram
        .map_or("", |(diagram, _)| diagram)
        .lines()
        .filter_map(arrow)
        .collect()
}

#[test]
fn diagram_of_job_states_matches_the_decider() {
    let page = include_str!("../../ARCHITECTURE.md");
    assert_eq!(drawn(page), decided());
}

#[test]
fn wrong_diagram_is_found() {
    let page = include_str!("../../ARCHITECTURE.md");
    let lacking = page.replace("    Claimed --> Sent: EmailSent\n", "");
    assert_ne!(drawn(&lacking), decided());
    let wrong = page.replace(
        "Failed --> Queued: EmailRetryRequested",
        "Sent --> Queued: EmailRetryRequested",
    );
    assert_ne!(drawn(&wrong), decided());
}
