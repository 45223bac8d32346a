//! Automated rules for this repository: layers, sizes, names, words, and documentation that matches
//! the code.
//!
//! Each check is a function that takes a text and returns complaints. So its unit tests can apply
//! it to small bad examples. The tests in this file apply the checks to the whole repository. They
//! only read files.

mod asvs;
mod layers;
mod prose;
mod purity;
mod shape;
mod source;
mod words;

use source::SourceFile;

/// Finding of a check: the file, usually the line, and the required correction.
type Complaint = String;

#[track_caller]
fn none(complaints: Vec<Complaint>) {
    assert!(
        complaints.is_empty(),
        "{} complaint(s):\n{}\n",
        complaints.len(),
        complaints.join("\n")
    );
}

#[track_caller]
fn complains_of(complaints: &[Complaint], expected: &[&str]) {
    assert_eq!(complaints.len(), expected.len(), "{complaints:#?}");
    for (complaint, part) in complaints.iter().zip(expected) {
        assert!(
            complaint.contains(part),
            "\"{complaint}\" does not contain \"{part}\""
        );
    }
}

fn sources() -> Vec<SourceFile> {
    source::rust_files(&["src", "tests"])
}

#[test]
fn modules_use_only_modules_allowed_for_their_layer() {
    none(layers::check_table(&source::top_modules()));
    none(
        sources()
            .iter()
            .filter(|file| file.path.starts_with("src/"))
            .flat_map(layers::check)
            .collect(),
    );
}

#[test]
fn every_file_is_compiled() {
    none(source::homeless(&sources()));
}

#[test]
fn files_are_small_and_have_meaningful_names() {
    none(sources().iter().flat_map(shape::check).collect());
}

#[test]
fn code_contains_nothing_forbidden_by_the_architecture() {
    none(
        sources()
            .iter()
            .filter(|file| !file.is_test())
            .flat_map(purity::check)
            .collect(),
    );
    none(purity::check_stream(&source::read(
        "nats/streams/EVENTS.json",
    )));
}

#[test]
fn texts_contain_no_unfinished_work_and_no_machine_paths() {
    let files = source::text_files();
    assert!(
        files.len() > 100,
        "the walk misses the repository: {} files",
        files.len()
    );
    none(
        files
            .iter()
            .flat_map(|(path, text)| words::check(path, text))
            .collect(),
    );
}

#[test]
fn tests_wait_for_conditions_and_not_for_time() {
    none(sources().iter().flat_map(words::check_sleeps).collect());
}

#[test]
fn documentation_refers_only_to_existing_files_commands_and_tests() {
    let repository = prose::Repository::load();
    let pages = source::text_files()
        .into_iter()
        .filter(|(path, _)| path.ends_with(".md"));
    let pages: Vec<_> = pages.collect();
    for wanted in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        assert!(
            pages.iter().any(|(path, _)| path == wanted),
            "{wanted} is missing"
        );
    }
    none(
        pages
            .iter()
            .flat_map(|(path, text)| prose::check(&repository, path, text))
            .collect(),
    );
    // Messages and comments can also contain make targets.
    let message = source::text_files()
        .into_iter()
        .filter(|(path, _)| !path.starts_with("tests/suite/tidy"));
    none(
        message
            .flat_map(|(path, text)| prose::check_targets(&repository, &path, &text))
            .collect(),
    );
    none(prose::check_map(
        &source::read("ARCHITECTURE.md"),
        &source::top_modules(),
        &source::paths(),
    ));
}
