//! Tests of the command line.

mod config;
mod dead_letters;
mod doctor;
mod events;
mod help;
mod nats_login;
mod own_nats;
mod scrub;
mod template;

use std::collections::BTreeMap;
use std::process::Command;

use crate::support::{Namespace, laureate, servers};

/// Result of one run: exit code, standard output and standard error. In the texts, `NS` replaces
/// the name of the namespace.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

/// Returns environment variables that configure the program completely, for the shared servers.
fn environment(namespace: &str, storage: &str) -> BTreeMap<String, String> {
    let servers = servers();
    let smtp = servers.smtp_addr;
    let host = smtp.ip().to_string();
    let port = smtp.port().to_string();
    [
        ("NAMESPACE", namespace),
        ("NATS__URL", &servers.nats_url),
        ("DATABASE__URL", &servers.postgres_url),
        ("STORAGE__URL", storage),
        ("MAIL__HOST", &host),
        ("MAIL__PORT", &port),
        ("MAIL__SECURITY", "none"),
        ("MAIL__FROM_NAME", "Laureate"),
        ("MAIL__FROM_ADDRESS", "certificates@laureate.test"),
        (
            "SECRETS__CLAIM_KEY",
            "claim-key-of-the-tests-0123456789abcdef",
        ),
        (
            "SECRETS__TOKEN_KEY",
            "token-key-of-the-tests-0123456789abcdef",
        ),
        ("HTTP__PASSWORDS__MEMORY_KIB", "64"),
        (
            "HTTP__PUBLIC_BASE_URL",
            "https://certificates.laureate.test",
        ),
        ("LOG", "warn"),
    ]
    .map(|(key, value)| (format!("LAUREATE_{key}"), value.to_owned()))
    .into()
}

/// Runs `laureate` with only these environment variables.
fn run_in(environment: &BTreeMap<String, String>, arguments: &[&str]) -> Ran {
    let output = Command::new(laureate())
        .args(arguments)
        .env_clear()
        .envs(environment)
        .output()
        .expect("the program starts");
    let namespace = environment
        .get("LAUREATE_NAMESPACE")
        .cloned()
        .unwrap_or_else(|| "\0".to_owned());
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes)
            .expect("UTF-8")
            .replace(&namespace, "NS")
    };
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Runs `laureate` on the shared servers, in this namespace.
fn run(namespace: &Namespace, arguments: &[&str]) -> (i32, String, String) {
    let storage = std::env::temp_dir().join(namespace.name());
    let ran = run_in(
        &environment(namespace.name(), &storage.to_string_lossy()),
        arguments,
    );
    let _ = std::fs::remove_dir_all(storage);
    (ran.code, ran.out, ran.err)
}

#[test]
fn second_provisioning_changes_nothing() {
    let namespace = Namespace::new();
    let (code, out, err) = run(&namespace, &["provision"]);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!("provision", out);
    let (code, again, _) = run(&namespace, &["provision"]);
    assert_eq!(code, 0);
    assert!(
        again.lines().all(|line| line.starts_with("up to date")),
        "{again}"
    );
}

/// Changes a field of a stream's configuration, as an operator could do manually.
fn change_by_hand(stream: &str, field: &str, value: serde_json::Value) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let client = async_nats::connect(&servers().nats_url)
            .await
            .expect("nats-server answers");
        let ask = |verb: &str, body: String| {
            let subject = format!("$JS.API.STREAM.{verb}.{stream}");
            let request = client.request(subject, body.into());
            async {
                serde_json::from_slice::<serde_json::Value>(
                    &request.await.expect("answered").payload,
                )
            }
        };
        let mut config = ask("INFO", String::new()).await.expect("JSON")["config"].clone();
        config[field] = value;
        let answer = ask("UPDATE", config.to_string()).await.expect("JSON");
        assert!(answer["error"].is_null(), "{answer}");
    });
}

#[test]
fn dry_run_shows_the_changes_and_applies_none() {
    let namespace = Namespace::new();
    let dry = ["provision", "--dry-run"];
    let (code, fresh, err) = run(&namespace, &dry);
    assert_eq!((code, err.as_str()), (3, ""));
    insta::assert_snapshot!("provision_dry_run_fresh", fresh);
    assert_eq!(
        run(&namespace, &dry),
        (3, fresh, String::new()),
        "it changed something"
    );
    assert_eq!(run(&namespace, &["provision"]).0, 0);
    assert_eq!(
        run(&namespace, &dry),
        (0, "nothing to do\n".to_owned(), String::new())
    );

    change_by_hand(
        &format!("{namespace}_DEADLETTERS"),
        "duplicate_window",
        serde_json::json!(120_000_000_000_u64),
    );
    let (code, changed, _) = run(&namespace, &dry);
    assert_eq!(code, 3);
    insta::assert_snapshot!("provision_dry_run_changed", changed);
    let (code, json, _) = run(&namespace, &["provision", "--dry-run", "--json"]);
    assert_eq!(code, 3);
    let steps: Vec<serde_json::Value> = serde_json::from_str(&json).expect("JSON");
    let changes: Vec<_> = steps
        .iter()
        .filter(|step| step["action"] != "nothing")
        .collect();
    insta::assert_json_snapshot!("provision_dry_run_json", changes);
    let (code, done, _) = run(&namespace, &["provision"]);
    assert_eq!(code, 0);
    assert!(
        done.contains(
            "changed    NS_DEADLETTERS\n    duplicate_window: 120000000000 → 3600000000000\n"
        ),
        "{done}"
    );
    assert_eq!(run(&namespace, &dry).0, 0);
}

#[test]
fn impossible_number_of_replicas_is_refused_with_a_remedy() {
    let namespace = Namespace::new();
    let (code, _, err) = run(&namespace, &["provision", "--replicas", "2"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("2 replicas are not usable; give 1, or in a cluster 3 or 5"),
        "{err}"
    );
    for arguments in [
        &["provision", "--replicas", "3"][..],
        &["provision", "--set", "nats.replicas=3"],
    ] {
        let (code, out, err) = run(&namespace, arguments);
        assert_eq!((code, out.as_str()), (1, ""));
        insta::assert_snapshot!("provision_not_clustered", err);
    }
    let (code, _, err) = run(&namespace, &["provision", "--set", "nats.replicas=4"]);
    assert_eq!(code, 2);
    assert!(err.contains("nats.replicas: 4 replicas"), "{err}");
}

#[test]
fn admin_is_created_once_and_shown_in_the_log_without_personal_data() {
    let namespace = Namespace::new();
    assert_eq!(run(&namespace, &["provision"]).0, 0);
    let create = ["admin", "create", "--email", "ada@example.com"];
    let (code, out, _) = run(&namespace, &create);
    assert_eq!(code, 0);
    assert!(
        out.starts_with("created ada@example.com\npassword La1-"),
        "{out}"
    );
    let (code, _, err) = run(&namespace, &create);
    assert_eq!(code, 1);
    assert_eq!(err, "laureate: this e-mail address is already in use\n");
    let (code, list, _) = run(&namespace, &["events", "list", "--from", "1"]);
    assert_eq!(code, 0);
    let types: Vec<_> = list
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        .collect();
    assert_eq!(
        types,
        [
            "UserRegistered",
            "ClaimTaken",
            "ClaimTaken",
            "AdminAppointed"
        ]
    );
    let (code, shown, _) = run(&namespace, &["events", "show", "1"]);
    assert_eq!(code, 0);
    assert!(shown.contains("\"type\": \"UserRegistered\""), "{shown}");
    assert!(
        !list.contains("ada") && !shown.contains("ada@"),
        "{list}{shown}"
    );
    assert!(
        run(&namespace, &["events", "show", "1", "--reveal"])
            .1
            .contains("ada@example.com")
    );
}

#[test]
fn wrong_usage_and_unreachable_server_have_different_exit_codes() {
    let namespace = Namespace::new();
    let (code, _, err) = run(&namespace, &["provision", "--set", "nonsense.key=1"]);
    assert_eq!(code, 2);
    assert!(err.contains("nonsense"), "{err}");
    assert_eq!(run(&namespace, &["no-such-command"]).0, 2);
    let (code, _, err) = run(
        &namespace,
        &["provision", "--set", "nats.url=nats://127.0.0.1:1"],
    );
    assert_eq!(code, 1);
    assert!(err.contains("not available"), "{err}");
}

#[test]
fn projection_that_was_not_built_cannot_be_verified() {
    let namespace = Namespace::new();
    assert_eq!(run(&namespace, &["provision"]).0, 0);
    assert_eq!(run(&namespace, &["migrate"]).0, 0);
    let (code, _, err) = run(&namespace, &["verify", "attendees"]);
    assert_eq!(code, 1);
    assert!(err.contains("has not been built yet"), "{err}");
}
