//! `laureate config`: values, the sources of the values, and error messages.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde_json::Value;

use super::{environment, run_in};

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new()
        .suffix(".toml")
        .tempfile()
        .expect("a temporary file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

/// Complete configuration file. The commands in these tests do not connect to a server.
const COMPLETE: &str = r#"
namespace = "from_file"
[nats]
url = "nats://u:hunter2@a.test:4222,tls://b.test:4222"
[database]
url = "postgres://u:hunter2@db.test/laureate?sslpassword=hunter2"
[storage]
url = "s3://bucket/prefix"
access_key_id = "id"
secret_access_key = "hunter2"
[mail]
host = "mail.test"
username = "u"
password = "hunter2"
from_name = "Academy"
from_address = "a@academy.test"
[secrets]
claim_key = "hunter2-hunter2-hunter2-hunter2-hunter2"
token_key = "hunter2-hunter2-hunter2-hunter2-hunter3"
"#;

#[test]
fn values_are_shown_with_their_source_and_without_secrets() {
    let (file, key) = (
        file(COMPLETE),
        file("hunter2-from-a-file-of-its-own-0123456789\n"),
    );
    let variables = BTreeMap::from(
        [
            (
                "LAUREATE_CONFIG",
                file.path().to_string_lossy().into_owned(),
            ),
            ("LAUREATE_MAIL__PORT", "2525".to_owned()),
            (
                "LAUREATE_SECRETS__TOKEN_KEY_FILE",
                key.path().to_string_lossy().into_owned(),
            ),
            ("LAUREATE_WORKERS__RENDERER", "3".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    let shown = run_in(
        &variables,
        &["config", "show", "--set", "http.listen=127.0.0.1:8080"],
    );
    assert_eq!((shown.code, shown.err.as_str()), (0, ""));
    assert!(!shown.out.contains("hunter"), "{}", shown.out);
    insta::assert_snapshot!(
        "show",
        shown.out.replace(&*file.path().to_string_lossy(), "FILE")
    );

    let json = run_in(&variables, &["config", "show", "--json"]);
    assert!(
        json.code == 0 && !json.out.contains("hunter"),
        "{}",
        json.out
    );
    let settings: Vec<Value> = serde_json::from_str(&json.out).expect("JSON");
    let find = |key: &str| {
        settings
            .iter()
            .find(|setting| setting["key"] == key)
            .expect(key)
            .clone()
    };
    assert_eq!(
        (&find("mail.port")["value"], &find("mail.port")["source"]),
        (&2525.into(), &"environment".into())
    );
    assert_eq!(
        find("secrets.token_key")["from"],
        "LAUREATE_SECRETS__TOKEN_KEY_FILE"
    );
    assert_eq!(find("namespace")["source"], "file");
    assert_eq!(find("nats.credentials")["value"], Value::Null);
}

#[test]
fn invalid_value_is_reported_with_key_and_source() {
    let good = file(COMPLETE);
    for (table, line, wrong) in [
        (
            "[http]",
            "lisen = \"127.0.0.1:1\"",
            "http.lisen: there is no such key; expected one of `listen`",
        ),
        ("[workers]", "mailer = \"many\"", "workers.mailer: "),
        ("[http]", "listen = \"nowhere\"", "http.listen: "),
        (
            "[http.passwords]",
            "memory = 1",
            "http.passwords.memory: there is no such key",
        ),
    ] {
        let bad = file(&format!("{COMPLETE}\n{table}\n{line}\n"));
        let path = bad.path().to_string_lossy().into_owned();
        let shown = run_in(&BTreeMap::new(), &["config", "show", "--config", &path]);
        assert_eq!(shown.code, 2, "{}", shown.err);
        assert!(
            shown.err.starts_with(&format!("laureate: {wrong}")),
            "{}",
            shown.err
        );
        assert!(shown.err.contains(&path), "{}", shown.err);
    }
    let path = good.path().to_string_lossy().into_owned();
    for (flag, wrong) in [
        ("foo=1", "foo: there is no such key"),
        ("log_format=xml", "log_format: "),
        ("http.prefix=api", "http.prefix: must start with /"),
        ("workers.mailer=0", "workers.mailer: must be at least 1"),
        (
            "management.stalled_after_seconds=0",
            "management.stalled_after_seconds: must be at least 1",
        ),
        ("nats.replicas=2", "nats.replicas: "),
    ] {
        let shown = run_in(
            &BTreeMap::new(),
            &["config", "show", "--config", &path, "--set", flag],
        );
        assert_eq!(shown.code, 2, "{flag}: {}", shown.out);
        assert!(
            shown.err.starts_with(&format!("laureate: {wrong}")),
            "{flag}: {}",
            shown.err
        );
        assert!(
            shown.err.trim_end().ends_with("(--set)"),
            "{flag}: {}",
            shown.err
        );
    }
    let variable = BTreeMap::from([("LAUREATE_MAIL__PORT".to_owned(), "99999".to_owned())]);
    let shown = run_in(&variable, &["config", "show", "--config", &path]);
    assert!(
        shown.err.starts_with("laureate: mail.port: ")
            && shown.err.contains("(LAUREATE_MAIL__PORT)"),
        "{}",
        shown.err
    );
}

#[test]
fn missing_value_is_reported_with_the_ways_to_set_it() {
    let shown = run_in(&BTreeMap::new(), &["config", "show"]);
    assert_eq!(shown.code, 2);
    assert_eq!(
        shown.err,
        "laureate: database.url: is missing; set it in the configuration file, by LAUREATE_DATABASE__URL or by --set\n"
    );
}

#[test]
fn invalid_toml_is_reported_by_line_and_not_quoted() {
    let bad = file("[mail]\npassword = hunter2\n");
    let path = bad.path().to_string_lossy().into_owned();
    let shown = run_in(&BTreeMap::new(), &["config", "show", "--config", &path]);
    assert_eq!(shown.code, 2);
    assert!(
        shown.err.contains(&path) && shown.err.contains("line 2"),
        "{}",
        shown.err
    );
    assert!(
        !shown.err.contains("hunter2") && shown.err.lines().count() == 1,
        "{}",
        shown.err
    );
    let shown = run_in(
        &BTreeMap::new(),
        &["config", "show", "--config", "/nonexistent/laureate.toml"],
    );
    assert!(
        shown.code == 2 && shown.err.contains("/nonexistent/laureate.toml"),
        "{}",
        shown.err
    );
}

#[test]
fn value_of_digits_stays_a_string() {
    let mut variables = environment("ns", "/tmp/objects");
    let digits = "0012345678901234567890123456789012345678";
    variables.insert("LAUREATE_SECRETS__CLAIM_KEY".to_owned(), digits.to_owned());
    variables.insert("LAUREATE_MAIL__FROM_NAME".to_owned(), "007".to_owned());
    let shown = run_in(&variables, &["config", "show"]);
    assert!(
        shown.code == 0 && shown.out.contains("from_name = \"007\""),
        "{}{}",
        shown.out,
        shown.err
    );
}

/// Returns all keys in a configuration file, including the keys in comments.
fn keys_of(example: &str) -> BTreeSet<String> {
    let mut table = String::new();
    let mut keys = BTreeSet::new();
    for line in example.lines() {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            table = format!("{name}.");
        }
        let Some((key, _)) = line.trim_start_matches("# ").split_once(" = ") else {
            continue;
        };
        if key.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            keys.insert(format!("{table}{key}"));
        }
    }
    keys
}

#[test]
fn example_contains_every_key_with_its_default() {
    let example = run_in(&BTreeMap::new(), &["config", "example"]);
    assert_eq!(example.code, 0);
    let written = file(&example.out);
    let path = written.path().to_string_lossy().into_owned();
    let settings = |arguments: &[&str], variables: &BTreeMap<String, String>| {
        let shown = run_in(variables, arguments);
        assert_eq!(shown.code, 0, "{}", shown.err);
        let settings: Vec<Value> = serde_json::from_str(&shown.out).expect("JSON");
        settings
            .into_iter()
            .map(|setting| {
                (
                    setting["key"].as_str().expect("a key").to_owned(),
                    setting["value"].clone(),
                )
            })
            .collect::<BTreeMap<_, _>>()
    };
    let in_example = settings(
        &["config", "show", "--json", "--config", &path],
        &BTreeMap::new(),
    );
    let known: BTreeSet<String> = in_example.keys().cloned().collect();
    assert_eq!(
        keys_of(&example.out),
        known,
        "laureate.example.toml has other keys than the program"
    );

    // Compare with the program's values without the file. Values without a default are excluded.
    let mut given = environment("laureate", "/tmp/objects");
    let required = [
        "__URL",
        "MAIL__HOST",
        "MAIL__FROM_NAME",
        "MAIL__FROM_ADDRESS",
        "_KEY",
    ];
    given.retain(|name, _| {
        required.iter().any(|end| name.ends_with(end)) && !name.contains("PUBLIC")
    });
    let by_default = settings(&["config", "show", "--json"], &given);
    let without_default: BTreeSet<String> = given
        .keys()
        .map(|name| {
            name.trim_start_matches("LAUREATE_")
                .to_lowercase()
                .replace("__", ".")
        })
        .chain(["workers.renderer".to_owned()])
        .collect();
    for (key, value) in by_default
        .iter()
        .filter(|(key, _)| !without_default.contains(*key))
    {
        assert_eq!(
            &in_example[key], value,
            "{key}: the example shows another default"
        );
    }
}
