//! Checks that every test in `docs/asvs.md` exists, and that every row without a test has a reason.

use super::source;
use super::{Complaint, complains_of};

/// Number of requirements at levels 1 and 2 of ASVS 5.0.0.
const REQUIREMENTS: usize = 253;
/// Texts with which the reason in a row without a test can start.
const REASONS: [&str; 5] = [
    "does not apply",
    "**not met**",
    "in part",
    "the language's",
    "not tested:",
];

/// Returns the complaints about the page. `read` returns the text of a file, or `None` if the file
/// does not exist.
pub(super) fn check(page: &str, read: impl Fn(&str) -> Option<String>) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut before: Vec<u32> = Vec::new();
    for row in page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| id "))
    {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, level, here, shown] = cells[..] else {
            complaints.push(format!("docs/asvs.md: not four cells: {row}"));
            continue;
        };
        let number: Vec<u32> = id.split('.').filter_map(|part| part.parse().ok()).collect();
        if number.len() != 3 || number <= before || !["L1", "L2"].contains(&level) {
            complaints.push(format!(
                "docs/asvs.md: {id} {level} is not a number of the standard, or out of order"
            ));
        }
        before = number;
        let tests: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        if tests.is_empty() && !REASONS.iter().any(|reason| here.starts_with(reason)) {
            complaints.push(format!("docs/asvs.md: {id} names no test and no reason"));
        }
        let is_there = |test: &str| {
            let (path, name) = test.split_once("::")?;
            let text = read(path)?;
            let (before, _) = text.split_once(&format!("fn {name}("))?;
            // A function is accepted if a test attribute is anywhere before it, because macros can
            // generate tests.
            before
                .contains("#[test]")
                .then_some(())
                .or(before.contains("tokio::test").then_some(()))
        };
        for test in tests.into_iter().filter(|test| is_there(test).is_none()) {
            complaints.push(format!(
                "docs/asvs.md: {id} names {test}, which does not exist"
            ));
        }
    }
    complaints
}

#[test]
fn every_test_named_in_the_asvs_page_exists() {
    let page = source::read("docs/asvs.md");
    let rows = page
        .lines()
        .filter(|line| line.starts_with('|') && line.contains(" | L"));
    assert_eq!(
        rows.count(),
        REQUIREMENTS,
        "the page has each requirement once"
    );
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    super::none(check(&page, |path| {
        std::fs::read_to_string(root.join(path)).ok()
    }));
}

#[test]
fn row_without_a_valid_test_or_reason_is_found() {
    let read =
        |path: &str| (path == "a.rs").then(|| "#[test]\nfn good() {}\nfn other()".to_owned());
    let page = "| id | level | here | shown by |\n|---|---|---|---|\n\
                | 1.1.1 | L1 | fine | `a.rs::good` |\n\
                | 1.1.2 | L2 | gone | `a.rs::gone` |\n\
                | 1.1.3 | L2 | elsewhere | `b.rs::good` |\n\
                | 1.2.1 | L2 | without |  |\n\
                | 1.2.2 | L2 | does not apply: no such thing |  |\n\
                | 1.2.2 | L3 | **not met**: later |  |\n";
    complains_of(
        &check(page, read),
        &[
            "names a.rs::gone",
            "names b.rs::good",
            "1.2.1 names no test",
            "out of order",
        ],
    );
}
