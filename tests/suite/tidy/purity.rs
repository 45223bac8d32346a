//! Checks that the code doesn't contain what ARCHITECTURE.md excludes.

use super::source::SourceFile;
use super::{Complaint, complains_of};

struct Absence {
    /// Prefixes of the paths to which the rule applies.
    inside: &'static [&'static str],
    /// Forbidden text. Comments are ignored.
    never: &'static [&'static str],
    why: &'static str,
}

const ABSENCES: &[Absence] = &[
    Absence {
        inside: &["src/domain/"],
        never: &[
            "now_utc",
            "now_local",
            "SystemTime",
            "Instant::now",
            "new_v4",
            "rand::",
            "getrandom",
        ],
        why: "time, ids and randomness are passed in",
    },
    Absence {
        inside: &["src/domain/"],
        never: &[
            "async fn",
            ".await",
            "tokio::",
            "std::fs",
            "std::net",
            "std::env",
            "std::process",
            "tracing::",
        ],
        why: "pure code has no side effects",
    },
    Absence {
        inside: &["src/"],
        never: &[
            ".purge(",
            "STREAM.PURGE",
            "delete_message",
            "STREAM.MSG.DELETE",
            "delete_stream",
            "STREAM.DELETE",
        ],
        why: "nothing is deleted from a stream",
    },
    Absence {
        inside: &["src/certificate_pdf/"],
        never: &[
            "now_utc",
            "Instant::now",
            "rand::",
            "new_v4",
            "std::fs",
            "reqwest",
            "tokio::",
        ],
        why: "a certificate's bytes depend only on its input",
    },
    Absence {
        inside: &[
            "src/http/",
            "src/workers/",
            "src/scheduler/",
            "src/app",
            "src/cli/",
        ],
        never: &["OwnRenderer", "Template::own", "design::prepare"],
        why: "only a child of src/sandbox/ reads and renders untrusted input",
    },
    Absence {
        inside: &["src/sandbox/child.rs"],
        never: &["std::fs", "std::net", "tokio::", "env::var"],
        why: "a child uses only its request",
    },
];

/// Returns a complaint for each forbidden text outside tests.
pub(super) fn check(file: &SourceFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for absence in ABSENCES
        .iter()
        .filter(|a| a.inside.iter().any(|inside| file.path.starts_with(inside)))
    {
        for never in absence.never {
            for (at, _) in file
                .uncommented
                .match_indices(never)
                .filter(|(at, _)| !file.in_test(*at))
            {
                complaints.push(format!(
                    "{}:{}: {never}: {}",
                    file.path,
                    file.line(at),
                    absence.why
                ));
            }
        }
    }
    complaints
}

/// Checks that the event log's stream keeps everything for ever and rejects deletion.
pub(super) fn check_stream(json: &str) -> Vec<Complaint> {
    let wanted = [
        "\"deny_purge\": true",
        "\"deny_delete\": true",
        "\"discard\": \"new\"",
        "\"max_age\": 0",
        "\"max_msgs\": -1",
        "\"max_bytes\": -1",
        "\"storage\": \"file\"",
        "\"compression\": \"none\"",
        "\"allow_atomic\": true",
    ];
    let missing = wanted.into_iter().filter(|wanted| !json.contains(wanted));
    missing
        .map(|wanted| format!("nats/streams/EVENTS.json must say {wanted}"))
        .collect()
}

#[test]
fn forbidden_text_is_found() {
    let check = |path: &str, text: &str| check(&SourceFile::new(path, text));
    complains_of(
        &check("src/domain/a.rs", "let t = OffsetDateTime::now_utc();"),
        &["a.rs:1: now_utc"],
    );
    complains_of(
        &check("src/domain/certification/reactions/a.rs", "async fn f() {}"),
        &["async fn"],
    );
    complains_of(
        &check("src/event_log/a.rs", "request(\"$JS.API.STREAM.PURGE.X\")"),
        &["nothing is deleted"],
    );
    complains_of(
        &check("src/workers/a.rs", "Template::own(1)"),
        &["untrusted input"],
    );
    complains_of(
        &check(
            "src/domain/a.rs",
            "// now_utc\n#[cfg(test)]\nmod t { fn f() { new_v4() } }",
        ),
        &[],
    );
    complains_of(&check("src/cli/a.rs", "now_utc()"), &[]);
}

#[test]
fn stream_that_can_lose_events_is_found() {
    let message = check_stream("{\"max_age\": 5}");
    assert!(
        message
            .iter()
            .any(|complaint| complaint.contains("deny_purge")),
        "{message:?}"
    );
    assert!(
        message
            .iter()
            .any(|complaint| complaint.contains("max_age")),
        "{message:?}"
    );
}
