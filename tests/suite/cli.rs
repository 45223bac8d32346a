//! The command line as a user sees it.

use std::process::Command;

use crate::support::{Namespace, laureate, servers};

/// Runs `laureate` against the suite's servers in a namespace.
fn run(namespace: &Namespace, arguments: &[&str]) -> (i32, String, String) {
    let servers = servers();
    let storage = std::env::temp_dir().join(namespace.name());
    let output = Command::new(laureate())
        .args(arguments)
        .env_clear()
        .env("LAUREATE_NAMESPACE", namespace.name())
        .env("LAUREATE_NATS__URL", &servers.nats_url)
        .env("LAUREATE_DATABASE__URL", &servers.postgres_url)
        .env("LAUREATE_STORAGE__URL", &storage)
        .env("LAUREATE_MAIL__HOST", "127.0.0.1")
        .env("LAUREATE_MAIL__FROM_NAME", "Laureate")
        .env("LAUREATE_MAIL__FROM_ADDRESS", "certificates@laureate.example")
        .env("LAUREATE_SECRETS__CLAIM_KEY", "claim-key-of-the-tests-0123456789abcdef")
        .env("LAUREATE_SECRETS__TOKEN_KEY", "token-key-of-the-tests-0123456789abcdef")
        .env("LAUREATE_HTTP__PASSWORDS__MEMORY_KIB", "64")
        .env("LAUREATE_LOG", "warn")
        .output()
        .expect("the program starts");
    let _ = std::fs::remove_dir_all(storage);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8").replace(namespace.name(), "NS");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[test]
fn help_names_every_subcommand() {
    let namespace = Namespace::new();
    let (code, out, _) = run(&namespace, &["--help"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("help", out);
}

#[test]
fn provisioning_twice_changes_nothing_the_second_time() {
    let namespace = Namespace::new();
    let (code, out, err) = run(&namespace, &["provision"]);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!("provision", out);
    let (code, again, _) = run(&namespace, &["provision"]);
    assert_eq!(code, 0);
    assert!(again.lines().all(|line| line.starts_with("up to date")), "{again}");
}

#[test]
fn an_admin_is_made_once_and_shows_in_the_log_without_personal_data() {
    let namespace = Namespace::new();
    assert_eq!(run(&namespace, &["provision"]).0, 0);
    let create = ["admin", "create", "--email", "ada@example.com"];
    let (code, out, _) = run(&namespace, &create);
    assert_eq!(code, 0);
    assert!(out.starts_with("created ada@example.com\npassword La1-"), "{out}");
    let (code, _, err) = run(&namespace, &create);
    assert_eq!(code, 1);
    assert_eq!(err, "laureate: this e-mail address is already in use\n");
    let (code, tail, _) = run(&namespace, &["events", "tail", "--after", "0", "--no-follow"]);
    assert_eq!(code, 0);
    let types: Vec<_> = tail.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    assert_eq!(types, ["UserRegistered", "ClaimTaken", "ClaimTaken"]);
    assert!(!tail.contains("ada"), "{tail}");
    let (code, shown, _) = run(&namespace, &["events", "show", "1"]);
    assert_eq!(code, 0);
    assert!(shown.contains("\"type\": \"UserRegistered\""), "{shown}");
}

#[test]
fn wrong_usage_and_wrong_configuration_have_their_own_exit_code() {
    let namespace = Namespace::new();
    let (code, _, err) = run(&namespace, &["provision", "--set", "nonsense.key=1"]);
    assert_eq!(code, 2);
    assert!(err.contains("nonsense"), "{err}");
    assert_eq!(run(&namespace, &["no-such-command"]).0, 2);
    let (code, _, err) = run(&namespace, &["provision", "--set", "nats.url=nats://127.0.0.1:1"]);
    assert_eq!(code, 1);
    assert!(err.contains("not available"), "{err}");
}

#[test]
fn what_was_never_built_cannot_be_verified() {
    let namespace = Namespace::new();
    assert_eq!(run(&namespace, &["provision"]).0, 0);
    assert_eq!(run(&namespace, &["migrate"]).0, 0);
    let (code, _, err) = run(&namespace, &["verify", "attendees"]);
    assert_eq!(code, 1);
    assert!(err.contains("has not been built yet"), "{err}");
}
