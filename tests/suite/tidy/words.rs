//! Checks for words that must not be committed, and for tests that wait for a fixed time.

use super::source::SourceFile;
use super::{Complaint, complains_of};

/// The words are split, so that this file passes its own check.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("#[ig", "nore"),
];
const MACHINE_PATHS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
];

/// Returns a complaint for each sign of unfinished work and each path on a developer's machine in
/// `text`, which can be code or prose.
pub(super) fn check(path: &str, text: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (n, line) in text.lines().enumerate() {
        for word in UNFINISHED.iter().filter(|word| line.contains(**word)) {
            complaints.push(format!(
                "{path}:{}: {word} — finish it or leave it out",
                n + 1
            ));
        }
        for part in MACHINE_PATHS
            .iter()
            .filter(|part| names_a_machine(line, part))
        {
            complaints.push(format!("{path}:{}: {part} is a path of one machine", n + 1));
        }
    }
    complaints
}

/// Returns true if `part` is at the start of a path. A `part` inside an address or a longer path is
/// ignored.
fn names_a_machine(line: &str, part: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || "_-.}".contains(c);
    line.match_indices(part)
        .any(|(at, _)| !line[..at].chars().next_back().is_some_and(inside))
}

/// Returns a complaint for each sleep in test code. Only `tests/suite/support/` may poll.
pub(super) fn check_sleeps(file: &SourceFile) -> Vec<Complaint> {
    if file.path.starts_with("tests/suite/support") {
        return Vec::new();
    }
    let sleeps = file
        .code
        .match_indices("sleep(")
        .filter(|(at, _)| file.in_test(*at));
    sleeps
        .map(|(at, _)| {
            format!(
                "{}:{}: wait for a condition with support::until, not for time",
                file.path,
                file.line(at)
            )
        })
        .collect()
}

#[test]
fn unfinished_work_and_machine_paths_are_found() {
    for word in UNFINISHED {
        complains_of(&check("a.rs", &format!("fine\n    {word}")), &["a.rs:2"]);
    }
    for part in MACHINE_PATHS {
        complains_of(&check("a.md", &format!("see {part}x")), &["one machine"]);
        complains_of(
            &check(
                "a.md",
                &format!("see https://example.org{part}x and src{part}"),
            ),
            &[],
        );
    }
}

#[test]
fn sleeps_are_found_in_tests_only() {
    let check = |path: &str, text: &str| check_sleeps(&SourceFile::new(path, text));
    complains_of(
        &check("tests/suite/a.rs", "tokio::time::sleep(x).await;"),
        &["tests/suite/a.rs:1"],
    );
    complains_of(
        &check(
            "src/a.rs",
            "sleep(x);\n#[cfg(test)]\nmod t { fn f() { sleep(x) } }",
        ),
        &["src/a.rs:3"],
    );
    complains_of(&check("tests/suite/support/mod.rs", "sleep(x)"), &[]);
}
