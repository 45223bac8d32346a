//! Checks sizes and names of files, and the proofs next to calls that can panic.

use super::source::SourceFile;
use super::{Complaint, complains_of};

/// Maximum number of lines of a file. The guide is 100 to 300, see CONTRIBUTING.
const MAX_FILE_LINES: usize = 700;
/// Names that don't describe their content.
const EMPTY_NAMES: &[&str] = &[
    "util", "utils", "helper", "helpers", "manager", "managers", "service", "services", "common",
    "misc",
];
/// Maximum number of lines between a proof and the call below it.
const PROOF_ABOVE: usize = 3;

/// Checks the size and name of a file and the names of its modules.
pub(super) fn check(file: &SourceFile) -> Vec<Complaint> {
    let lines = file.text.lines().count();
    let mut complaints = Vec::new();
    if lines > MAX_FILE_LINES {
        complaints.push(format!(
            "{} has {lines} lines; cut it at {MAX_FILE_LINES}",
            file.path
        ));
    }
    if let Some(part) = file
        .path
        .trim_end_matches(".rs")
        .split('/')
        .find(|part| says_nothing(part))
    {
        complaints.push(format!("{}: \"{part}\" is not descriptive", file.path));
    }
    for (at, _) in file.code.match_indices("mod ") {
        let name = word(&file.code[at + 4..]);
        if starts_word(&file.code, at) && says_nothing(name) {
            complaints.push(format!(
                "{}:{}: \"mod {name}\" is not descriptive",
                file.path,
                file.line(at)
            ));
        }
    }
    complaints
}

/// Returns a complaint for each call outside tests that can panic and has no proof.
pub(super) fn check_proofs(file: &SourceFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let lines: Vec<&str> = file.text.lines().collect();
    for call in [".unwrap()", ".expect(", "panic!(", "unreachable!("] {
        for (at, _) in file.code.match_indices(call) {
            let macro_of_another_name = !call.starts_with('.') && !starts_word(&file.code, at);
            if macro_of_another_name || file.in_test(at) {
                continue;
            }
            let line = file.line(at);
            let near = &lines[line.saturating_sub(PROOF_ABOVE + 1)..line];
            if !near.iter().any(|line| line.contains("proof:")) {
                complaints.push(format!(
                    "{}:{line}: {call} without a \"// proof: …\" before it",
                    file.path
                ));
            }
        }
    }
    complaints
}

fn says_nothing(name: &str) -> bool {
    name.split('_').any(|part| EMPTY_NAMES.contains(&part))
}

fn starts_word(code: &str, at: usize) -> bool {
    !code[..at]
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || c == '_')
}

fn word(text: &str) -> &str {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    &text[..end]
}

#[test]
fn long_files_and_meaningless_names_are_found() {
    let long = "//\n".repeat(MAX_FILE_LINES + 1);
    complains_of(
        &check(&SourceFile::new("src/a.rs", &long)),
        &["has 701 lines"],
    );
    complains_of(
        &check(&SourceFile::new("src/mail_utils.rs", "")),
        &["mail_utils"],
    );
    complains_of(&check(&SourceFile::new("src/common/a.rs", "")), &["common"]);
    complains_of(
        &check(&SourceFile::new("src/a.rs", "pub mod helpers {}")),
        &["mod helpers"],
    );
}

#[test]
fn call_that_can_panic_needs_a_proof() {
    let of = |text: &str| check_proofs(&SourceFile::new("src/a.rs", text));
    complains_of(
        &of("fn f() {\n    a.unwrap();\n}"),
        &["src/a.rs:2: .unwrap()"],
    );
    complains_of(&of("fn f() { a.expect(\"b\"); }"), &[".expect("]);
    complains_of(
        &of("// proof: too far above\n\n\n\na.unwrap();"),
        &["src/a.rs:5"],
    );
    complains_of(&of("fn f() { panic!(\"no\") }"), &["panic!"]);
    complains_of(
        &of("// proof: b holds\n#[allow(clippy::expect_used)]\na.expect(\"b\");"),
        &[],
    );
    complains_of(
        &of(
            "a.unwrap_or(1); debug_panic!(1); // b.unwrap()\n#[cfg(test)]\nmod t { fn f() { a.unwrap(); } }",
        ),
        &[],
    );
}
