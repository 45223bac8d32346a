//! Checks sizes and names of files.

use super::source::SourceFile;
use super::{Complaint, complains_of};

/// Maximum number of lines of a file. The guide is 100 to 300, see CONTRIBUTING.
const MAX_FILE_LINES: usize = 700;
/// Names that don't describe their content.
const EMPTY_NAMES: &[&str] = &[
    "util", "utils", "helper", "helpers", "manager", "managers", "service", "services", "common",
    "misc",
];

/// Checks the size and name of a file.
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
    complaints
}

fn says_nothing(name: &str) -> bool {
    name.split('_').any(|part| EMPTY_NAMES.contains(&part))
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
}
