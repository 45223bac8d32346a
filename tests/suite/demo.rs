//! `laureate demo` with its own servers, from a spreadsheet to mails.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::laureate;

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(laureate());
    // Password hashes are cheap here, because other tests share the machine.
    command
        .arg("demo")
        .args(arguments)
        .env("LAUREATE_HTTP__PASSWORDS__MEMORY_KIB", "64");
    command
}

/// Runs the demo until it ends. Returns its output and its JSON report.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> (Output, Value) {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let arguments = [arguments, &["--exit", "--json", json.to_str().unwrap()]].concat();
    let output = demo(&arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let report = std::fs::read(&json).unwrap();
    let report = serde_json::from_slice(&report)
        .unwrap_or_else(|_| panic!("no report; {}", message(&output)));
    (output, report)
}

fn message(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{}\n{}\n{}",
        output.status,
        text(&output.stderr),
        text(&output.stdout)
    )
}

/// Returns the report without measured values, because they differ between runs.
fn counts(report: &Value) -> Value {
    let mut counts = report.clone();
    for measured in ["seconds", "certificatesPerSecond", "renderOnlyPerSecond"] {
        counts.as_object_mut().unwrap().remove(measured);
    }
    counts
}

/// Returns the data folder that the demo has printed.
fn data_folder(stderr: &str) -> PathBuf {
    let after = stderr
        .split("data is in ")
        .nth(1)
        .expect("the folder is named");
    after.split(", the log").next().unwrap().into()
}

#[test]
fn sample_is_imported_issued_and_mailed() {
    let (output, report) = run(&[], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", message(&output));
    let expected = json!({
        "people": 69, "rejected": 3, "certificates": 69, "pdfs": 69, "mailsAccepted": 69, "rebuildEqual": true,
    });
    assert_eq!(counts(&report), expected);
    let positive = |value: &Value| value.as_f64().is_some_and(|number| number > 0.0);
    for stage in ["setup", "import", "generate", "mail", "verify", "total"] {
        assert!(positive(&report["seconds"][stage]), "{stage}: {report}");
    }
    assert!(report["seconds"]["project"].is_number());
    assert!(
        positive(&report["certificatesPerSecond"]) && positive(&report["renderOnlyPerSecond"]),
        "{report}"
    );
    let message = message(&output);
    for rejected in [
        "row 64  INVALID_EMAIL",
        "row 66  REQUIRED",
        "row 68  DUPLICATE",
    ] {
        assert!(message.contains(rejected), "{message}");
    }
    assert!(
        !data_folder(&message).exists(),
        "the temporary folder is still there"
    );
}

#[test]
fn data_folder_can_be_reused_for_other_people() {
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let data = folder.path().to_str().unwrap();
    let (first, report) = run(&["--data-dir", data, "--people", "5", "--seed", "1"], &[]);
    assert_eq!(first.status.code(), Some(0), "{}", message(&first));
    assert_eq!(
        (&report["people"], &report["rejected"]),
        (&json!(5), &json!(0))
    );
    // The same people are in the database already. They get the certificate of this demo too.
    let (second, report) = run(&["--data-dir", data, "--people", "7", "--seed", "1"], &[]);
    assert_eq!(second.status.code(), Some(0), "{}", message(&second));
    let people = &report["people"];
    let rejected = &report["rejected"];
    let mails = &report["mailsAccepted"];
    assert_eq!((people, rejected, mails), (&json!(7), &json!(0), &json!(7)));
    assert!(folder.path().join("demo.log").exists());
}

#[test]
fn demo_fails_if_the_mail_server_is_unreachable() {
    // No server listens on port 1.
    let (output, report) = run(
        &["--people", "3", "--patience", "10"],
        &[("LAUREATE_MAIL__PORT", "1")],
    );
    assert_eq!(output.status.code(), Some(3), "{}", message(&output));
    let expected = json!({
        "people": 3, "rejected": 0, "certificates": 3, "pdfs": 3, "mailsAccepted": 0, "rebuildEqual": true,
    });
    assert_eq!(counts(&report), expected);
    assert!(
        message(&output).contains("0 of 3 mails were accepted"),
        "{}",
        message(&output)
    );
    let log = message(&output)
        .split("the log is kept in ")
        .nth(1)
        .map(|rest| rest.lines().next().unwrap().to_owned());
    let log = PathBuf::from(log.expect("the log is kept"));
    assert!(log.exists());
    std::fs::remove_file(log).unwrap();
}

#[test]
fn demo_serves_until_the_stop_signal_and_removes_its_folder() {
    let mut child = demo(&["--people", "2"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("serving until Ctrl-C") {
        let read = stderr.read_line(&mut said).unwrap();
        assert!(read > 0, "it ended without a stop signal: {said}");
    }
    let folder = data_folder(&said);
    assert!(folder.exists());
    kill_process(
        Pid::from_raw(child.id().cast_signed()).unwrap(),
        Signal::INT,
    )
    .unwrap();
    stderr.read_to_string(&mut said).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let summary = String::from_utf8(output.stdout).unwrap();
    assert!(
        summary.contains("log in as      admin@laureate.example with the password"),
        "{summary}"
    );
    assert!(!folder.exists());
}

#[test]
fn unwritable_report_path_is_refused_at_start() {
    let output = demo(&["--json", "/nonexistent/report.json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = message(&output);
    assert!(
        said.contains("cannot write /nonexistent/report.json") && !said.contains("starting"),
        "{said}"
    );
}

/// Makes the folder traversable for other users. If the tests run as root, PostgreSQL runs as
/// another user.
fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711)).unwrap();
}
