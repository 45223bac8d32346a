//! Tour of the API: the commands of the documents work as written.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::TestApp;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the shell commands of a document.
fn commands(document: &str) -> String {
    let text = std::fs::read_to_string(repository().join(document)).expect("a document");
    let blocks = text.split("```sh\n").skip(1);
    let commands: Vec<&str> = blocks
        .filter_map(|block| block.split("```").next())
        .collect();
    commands.join("\n")
}

/// Returns the commands from the definition of `host` on, for a server of a test. Lines that need a
/// drawn certificate are repeated until there is one.
fn script(commands: &str, app: &TestApp) -> String {
    let start = commands.find("host=").expect("the definition of host");
    let mut script = "set -eu -o pipefail\n".to_owned();
    for line in commands[start..].lines() {
        let line = match line.split_once('=') {
            Some(("host", _)) => format!("host={}", app.url("")),
            Some(("password", _)) => format!("password='{}'", app.password),
            Some(("issued", _)) => format!("until {line}; do sleep 0.2; done"),
            _ => line.replace("admin@laureate.example", &app.email),
        };
        script.push_str(&line);
        script.push('\n');
    }
    script
}

/// Runs a script in a folder that contains the samples.
async fn run(script: String, folder: &Path) -> Output {
    let samples = folder.join("samples");
    if !samples.exists() {
        std::os::unix::fs::symlink(repository().join("samples"), samples).expect("a link");
    }
    let mut bash = Command::new("bash");
    bash.args(["-c", &script])
        .current_dir(folder)
        .stdin(Stdio::null());
    tokio::task::spawn_blocking(move || bash.output())
        .await
        .expect("no panic")
        .expect("bash is there")
}

#[track_caller]
fn assert_worked(output: &Output) {
    let told = String::from_utf8_lossy(&output.stderr);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{shown}");
    assert!(!told.contains("Traceback"), "{told}");
    assert!(!shown.contains("\"success\": false"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tour_works_as_written() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let themes = commands("docs/templates.md");
    let select_theme = themes.split("\nlaureate").next().expect("the first block");
    let tour = format!("{}\n{select_theme}", commands("docs/tour.md"));
    assert_worked(&run(script(&tour, &app), folder.path()).await);
    for (file, start) in [
        ("preview.png", &b"\x89PNG"[..]),
        ("certificate.pdf", b"%PDF"),
        ("batch.zip", b"PK"),
        ("batch.pdf", b"%PDF"),
    ] {
        let content = std::fs::read(folder.path().join(file)).expect(file);
        assert!(content.starts_with(start), "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn short_tour_works_as_written() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(script(&commands("README.md"), &app), folder.path()).await;
    assert_worked(&output);
    let content = std::fs::read(folder.path().join("certificate.pdf")).expect("a PDF");
    assert!(content.starts_with(b"%PDF"));
}

#[tokio::test]
async fn field_shows_the_error_and_stops() {
    let folder = tempfile::tempdir().expect("a folder");
    for document in ["README.md", "docs/tour.md"] {
        let commands = commands(document);
        let start = commands.find("field()").expect("a definition");
        let end = start + commands[start..].find("; }\n").expect("its end") + 4;
        let field = &commands[start..end];
        for (answer, told) in [
            (
                r#"{"success": false, "error": {"code": "NOT_FOUND", "message": "no such person"}}"#,
                "no such person\n",
            ),
            (
                r#"{"success": true, "data": []}"#,
                "not there yet: try again in some seconds\n",
            ),
            ("", "no answer: is the server running?\n"),
        ] {
            let script = format!("{field}\nprintf '%s' '{answer}' | field \"data[0]['id']\"");
            let output = run(script, folder.path()).await;
            assert_eq!(String::from_utf8_lossy(&output.stderr), told, "{document}");
            assert!(!output.status.success());
        }
    }
}
