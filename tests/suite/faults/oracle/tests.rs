//! Tests of the checks on histories that violate an invariant.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;

use super::checks;
use super::history::{Event, History};
use crate::faults::load::{Recorded, Written};
use crate::faults::mail_server::Accepted;

/// Creates the history of events: kind, id, name and data of each.
fn history(events: &[(&str, &str, &str, Value)]) -> History {
    let mut history = History::default();
    for (n, (kind, id, name, data)) in events.iter().enumerate() {
        history.apply(Event {
            position: n as u64 + 1,
            kind: (*kind).to_owned(),
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            time: OffsetDateTime::UNIX_EPOCH + Duration::from_secs(10 * n as u64),
            data: data.clone(),
        });
    }
    history
}

fn requested(id: &'static str) -> (&'static str, &'static str, &'static str, Value) {
    let data = json!({ "certificateId": "c", "attendeeId": "a" });
    ("issuance", id, "CertificateRequested", data)
}

fn queued(id: &'static str) -> (&'static str, &'static str, &'static str, Value) {
    let data = json!({ "issuanceId": "i", "toAddress": "ada@example.com" });
    ("mail", id, "EmailQueued", data)
}

fn accepted(id: &str) -> Accepted {
    Accepted {
        message_id: format!("<{id}@laureate.example>"),
        to: "ada@example.com".to_owned(),
        at: Instant::now(),
    }
}

#[track_caller]
fn finds(found: &[String], expected: &str) {
    assert!(
        found.iter().any(|text| text.contains(expected)),
        "{found:?}"
    );
}

#[test]
fn two_certificates_of_one_person_are_found() {
    let folder = TempDir::new().unwrap();
    let recorded = Recorded::default();
    let twice = history(&[requested("i"), requested("j")]);
    let found = checks::issuances(&twice, folder.path(), &recorded);
    finds(&found, "a has c 2 times");
    let revoked = ("issuance", "i", "CertificateRevoked", json!({}));
    let once = history(&[requested("i"), revoked, requested("j")]);
    assert_eq!(checks::issuances(&once, folder.path(), &recorded), [""; 0]);
}

#[test]
fn missing_and_modified_objects_are_found() {
    let folder = TempDir::new().unwrap();
    let pdf = json!({ "objectKey": "p.pdf", "sha256": "00" });
    let events = [
        requested("i"),
        ("issuance", "i", "CertificateGenerated", pdf),
    ];
    let history = history(&events);
    let recorded = Recorded::default();
    let check = || checks::issuances(&history, folder.path(), &recorded);
    finds(&check(), "No such file");
    std::fs::write(folder.path().join("p.pdf"), "another").unwrap();
    finds(&check(), "another hash");
}

#[test]
fn certificate_that_nobody_got_is_found() {
    let folder = TempDir::new().unwrap();
    let mut recorded = Recorded::default();
    let earned = ("c".to_owned(), "ada@example.com".to_owned());
    recorded.earned.insert(earned);
    let without_mail = history(&[requested("i")]);
    let found = checks::issuances(&without_mail, folder.path(), &recorded);
    finds(&found, "1 acknowledged certificates have no mail");
    let earned = recorded.earned.clone();
    recorded.revoked = earned;
    assert_eq!(
        checks::issuances(&without_mail, folder.path(), &recorded),
        [""; 0]
    );
    recorded.revoked.clear();
    let with_mail = history(&[requested("i"), queued("m")]);
    assert_eq!(
        checks::issuances(&with_mail, folder.path(), &recorded),
        [""; 0]
    );
}

#[test]
fn mails_that_differ_from_the_log_are_found() {
    let sent = ("mail", "m", "EmailSent", json!({}));
    let log = history(&[queued("m"), sent]);
    finds(&checks::mails(&log, &[]), "was not accepted");
    let twice = [accepted("m"), accepted("m")];
    finds(&checks::mails(&log, &twice), "accepted 2 times");
    finds(&checks::mails(&log, &[accepted("n")]), "not in the log");
    assert_eq!(checks::mails(&log, &[accepted("m")]), [""; 0]);
    let failed = ("mail", "m", "EmailFailed", json!({}));
    let log = history(&[queued("m"), failed]);
    finds(&checks::mails(&log, &[accepted("m")]), "is failed");
    let log = history(&[queued("m"), queued("n")]);
    finds(&checks::mails(&log, &[]), "issuance i has 2 mails");
}

#[test]
fn batch_that_is_not_undone_is_found() {
    let folder = TempDir::new().unwrap();
    let recorded = Recorded::default();
    let data = json!({ "certificateId": "c", "attendeeId": "a", "origins": [{ "id": "b" }] });
    let issued = ("issuance", "i", "CertificateRequested", data);
    let generated = ("issuance", "i", "CertificateGenerated", json!({}));
    let batch = |name| ("batch", "b", name, json!({}));
    let begun = [
        batch("BatchRequested"),
        issued,
        generated,
        batch("BatchDispatched"),
        batch("BatchUndoRequested"),
    ];
    finds(&checks::unfinished(&history(&begun)), "not stopped");
    let ended = [&begun[..], &[batch("BatchUndone")]].concat();
    let found = checks::issuances(&history(&ended), folder.path(), &recorded);
    finds(&found, "its batch b is undone");
}

#[test]
fn mail_that_is_claimed_after_a_revocation_is_found() {
    let revoked = ("issuance", "i", "CertificateRevoked", json!({}));
    let claimed = ("mail", "m", "SendClaimed", json!({}));
    let sent = ("mail", "m", "EmailSent", json!({}));
    let events = [requested("i"), queued("m"), claimed, sent, revoked];
    let mails = [accepted("m")];
    assert_eq!(checks::mails(&history(&events), &mails), [""; 0]);
    let [requested, queued, claimed, sent, revoked] = events;
    let late = history(&[requested, queued, revoked, claimed, sent]);
    finds(&checks::mails(&late, &mails), "after the revocation");
}

#[test]
fn notices_are_checked_like_mails() {
    let queued = ("notice", "n", "NoticeQueued", json!({}));
    let claimed = ("notice", "n", "NoticeClaimed", json!({}));
    let again = json!({ "retryAt": "2026-11-21T12:00:00Z" });
    let unknown = ("notice", "n", "NoticeOutcomeUnknown", again);
    let sent = ("notice", "n", "NoticeSent", json!({}));
    let log = history(&[queued.clone(), claimed.clone()]);
    finds(&checks::unfinished(&log), "1 claimed notices");
    let log = history(&[queued.clone(), claimed.clone(), sent.clone()]);
    finds(&checks::mails(&log, &[]), "was not accepted");
    let twice = [accepted("n"), accepted("n")];
    finds(&checks::mails(&log, &twice), "accepted 2 times");
    for again in [unknown, claimed.clone()] {
        let log = history(&[queued.clone(), claimed.clone(), again, sent.clone()]);
        assert_eq!(checks::mails(&log, &twice), [""; 0]);
    }
}

#[test]
fn unfinished_and_failed_work_is_found() {
    let failed = json!({ "code": "WORKER_STOPPED" });
    let log = history(&[
        requested("i"),
        queued("m"),
        ("import", "n", "ImportRequested", json!({})),
        ("batch", "b", "BatchRequested", json!({})),
        requested("j"),
        ("issuance", "j", "CertificateGenerationFailed", failed),
    ]);
    let found = checks::unfinished(&log);
    for expected in [
        "without a PDF",
        "queued mails",
        "ImportRequested",
        "not dispatched",
    ] {
        finds(&found, expected);
    }
    finds(&checks::failed_work(&log, false), "WORKER_STOPPED");
}

#[test]
fn acknowledged_request_that_is_not_in_the_log_is_found() {
    let log = history(&[requested("i")]);
    let written = |id: &str, position| Recorded {
        written: Vec::from([Written {
            request: "batch",
            id: id.to_owned(),
            position: Some(position),
        }]),
        ..Recorded::default()
    };
    assert_eq!(checks::acknowledged(&log, &written("i", 1)), [""; 0]);
    finds(
        &checks::acknowledged(&log, &written("i", 2)),
        "not in the log",
    );
    finds(
        &checks::acknowledged(&log, &written("j", 1)),
        "not in the log",
    );
}
