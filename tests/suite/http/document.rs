//! Comparison of the OpenAPI document with the server. Every operation is called, and every
//! response must match the document.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use laureate::app::Role;
use laureate::http::openapi_json;

use super::{Api, file};
use crate::support::TestApp;

/// Default duration of the run, in seconds. `LAUREATE_FUZZ_SECONDS` overrides it.
const SECONDS: &str = "60";
/// Checks of every response. `positive_data_acceptance` is not among them, because a well-formed id
/// that does not exist matches the schema but must be rejected.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,response_headers_conformance,missing_required_header,\
                      unsupported_method,ignored_auth,use_after_free";

/// Returns a command that starts the Python interpreter installed by `make setup-test`.
fn python() -> Command {
    let home = tool();
    let interpreter = std::fs::read_to_string(home.join("interpreter"))
        .expect("schemathesis is installed: run `make setup-test`");
    let mut command = Command::new(interpreter.trim());
    command
        .env("PYTHONPATH", &home)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null());
    command
}

fn tool() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/schemathesis")
}

fn message(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[test]
fn every_example_matches_its_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    let document = folder.path().join("openapi.json");
    std::fs::write(&document, openapi_json()).expect("written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/check_examples.py");
    let output = python()
        .arg(script)
        .arg(&document)
        .output()
        .expect("started");
    assert!(output.status.success(), "{}", message(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_no_undocumented_response() {
    let settings = ["http.tokens.access_seconds=86400"];
    let api = Api::of(TestApp::with_roles(&Role::ALL, &settings).await).await;
    let id = api.certificate().await;
    let people = "Name,Email,Document number\nAda Lovelace,ada@example.com,1\n";
    api.upload(
        "/attendees/bulk-upload",
        file("p.csv", people).text("certificateId", id),
    )
    .await
    .expect(200);

    let seconds = std::env::var("LAUREATE_FUZZ_SECONDS").unwrap_or_else(|_| SECONDS.to_owned());
    let is_long = seconds != SECONDS;
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = python();
    command
        .current_dir(folder.path())
        .arg(tool().join("bin/schemathesis"))
        .args([
            "run",
            &api.app.url("/api/openapi.json"),
            "--checks",
            CHECKS,
            "--max-time",
            &seconds,
        ])
        .args(["--header", &format!("Authorization: Bearer {}", api.token)])
        .args([
            "--phases",
            if is_long {
                "examples,coverage,fuzzing,stateful"
            } else {
                "examples,coverage,fuzzing"
            },
        ])
        // One worker, because Python 3.11 can fail if two threads parse code at the same time
        // (cpython#106905).
        .args([
            "--workers",
            "1",
            "--request-timeout",
            "60",
            "--continue-on-failure",
            "--no-shrink",
        ])
        .args([
            "--generation-database",
            "none",
            "--warnings",
            "off",
            "--max-redirects",
            "0",
        ])
        // A log-out would end the session of the token that the run uses.
        .args(["--exclude-path-regex", "/auth/logout"]);
    if !is_long {
        command.args(["--seed", "1"]);
    }
    let asking = tokio::task::spawn_blocking(move || command.output());
    let output = asking.await.expect("joined").expect("started");
    assert!(output.status.success(), "{}", message(&output));
}
