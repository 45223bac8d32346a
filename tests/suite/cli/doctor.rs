//! `laureate doctor` on working and on faulty servers.

use std::collections::BTreeMap;
use std::process::Command;

use async_nats::jetstream;
use laureate::dev_stack::mail_catcher::caught_mails;
use serde_json::Value;
use tokio::net::TcpListener;

use super::own_nats::OwnNats;
use super::scrub::scrubbed;
use super::{Ran, environment, run_in};
use crate::support::{Namespace, TestApp, servers, until};

/// Valid configuration for the shared servers, with a namespace and a folder. Each test changes
/// single values.
struct Patient {
    namespace: Namespace,
    folder: tempfile::TempDir,
    variables: BTreeMap<String, String>,
}

impl Patient {
    fn new() -> Self {
        let namespace = Namespace::new();
        let folder = tempfile::tempdir().expect("a folder");
        let variables = environment(namespace.name(), &folder.path().to_string_lossy());
        Self {
            namespace,
            folder,
            variables,
        }
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        self.variables
            .insert(format!("LAUREATE_{key}"), value.to_owned());
        self
    }

    /// Creates streams, consumers and tables.
    fn prepared(self) -> Self {
        for command in ["provision", "migrate"] {
            let ran = run_in(&self.variables, &[command]);
            assert_eq!(ran.code, 0, "{}", ran.err);
        }
        self
    }

    fn doctor(&self, arguments: &[&str]) -> Ran {
        let ran = run_in(&self.variables, &[&["doctor"], arguments].concat());
        assert!(
            !format!("{}{}", ran.out, ran.err).contains("hunter2"),
            "{}{}",
            ran.out,
            ran.err
        );
        ran
    }
}

/// Returns the level and the text of the line about a check. The report must have exactly one such
/// line.
fn line(ran: &Ran, check: &str) -> (String, String) {
    let mut found = ran.out.lines().filter_map(|line| {
        let (level, rest) = line.split_once(' ')?;
        let (name, text) = rest.trim_start().split_once(' ')?;
        (name == check).then(|| (level.to_owned(), text.trim_start().to_owned()))
    });
    let line = found
        .next()
        .unwrap_or_else(|| panic!("no line about {check}: {}{}", ran.out, ran.err));
    assert_eq!(found.next(), None, "{check}");
    line
}

#[track_caller]
fn assert_line(ran: &Ran, check: &str, level: &str, part: &str) {
    let (found, text) = line(ran, check);
    assert!(
        found == level && text.contains(part),
        "{check}: {found} {text}"
    );
}

/// Asserts that all checks succeeded, except those in `broken`.
#[track_caller]
fn assert_other_checks_ran(ran: &Ran, broken: &[&str]) {
    for check in [
        "log.server",
        "database.server",
        "objects",
        "mail",
        "disk.temporary",
        "fonts",
    ] {
        if !broken.contains(&check) {
            assert_line(ran, check, "ok", "");
        }
    }
}

/// Removes the lines whose content depends on the machine or on other tests.
fn without_environment(report: &str) -> String {
    let others = [
        "disk.",
        "log.account",
        "database.connections",
        "sandbox",
        "ok: ",
    ];
    let lines = report
        .lines()
        .filter(|line| !others.iter().any(|part| line.contains(part)));
    lines.map(|line| format!("{line}\n")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn running_installation_has_only_expected_warnings() {
    let app = TestApp::start().await;
    let namespace = app.app.config().namespace.clone();
    let storage = app.storage().to_string_lossy().into_owned();
    let variables = environment(&namespace, &storage);
    let log = app.app.commands().log().clone();
    until("every projection is up to date", || async {
        let info = log.info().await.expect("there");
        let found = app.app.readers().status(&info).await.expect("there");
        found
            .iter()
            .all(|projection| projection.state == "live" && projection.lag == 0)
    })
    .await;
    let ran = run_in(&variables, &["doctor"]);
    assert_eq!(ran.code, 0, "warnings alone are no failure: {}", ran.out);
    for check in ["log.account", "database.connections", "disk.temporary"] {
        assert_line(&ran, check, "ok", "");
    }
    // The active protections depend on the kernel.
    assert!(
        line(&ran, "sandbox").1.contains("active: limits"),
        "{}",
        ran.out
    );
    let report = scrubbed(&without_environment(&ran.out)).replace(&storage, "STORAGE");
    insta::assert_snapshot!("well", report);
    let ran = run_in(&variables, &["doctor", "--strict", "--json"]);
    assert_eq!(ran.code, 4, "warnings count");
    let report: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(report["level"], "warning");
    let fsync = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|f| f["check"] == "database.on-disk");
    assert_eq!(fsync.expect("there")["level"], "warning");
    assert_eq!(
        std::fs::read_dir(app.storage().join("health")).map_or(0, Iterator::count),
        0,
        "the probe is gone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_preparation_is_reported_with_its_command() {
    let patient = Patient::new();
    let ran = patient.doctor(&[]);
    assert_eq!(ran.code, 4);
    assert_line(&ran, "log.streams", "failed", "missing: NS_EVENTS, ");
    assert_line(&ran, "log.streams", "failed", "laureate provision");
    assert_line(&ran, "database.migrations", "failed", "laureate migrate");
    assert_other_checks_ran(&ran, &[]);

    let patient = patient.prepared();
    let ran = patient.doctor(&[]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert_line(&ran, "log.streams", "ok", "configured correctly");
    assert_line(
        &ran,
        "tables",
        "warning",
        "not started by this version of the program: ",
    );

    let client = async_nats::connect(&servers().nats_url)
        .await
        .expect("nats-server answers");
    let context = jetstream::new(client);
    let dead_letters = format!("{}_DEADLETTERS", patient.namespace);
    let mut config = context
        .get_stream(&dead_letters)
        .await
        .expect("there")
        .cached_info()
        .config
        .clone();
    config.description = Some("changed by hand".to_owned());
    context.update_stream(config).await.expect("changed");
    let timers = format!("{}_TIMERS", patient.namespace);
    context.delete_stream(&timers).await.expect("deleted");
    let ran = patient.doctor(&[]);
    assert_eq!(ran.code, 4);
    assert_line(
        &ran,
        "log.streams",
        "failed",
        "missing: NS_TIMERS, NS_TIMERS/timers, NS_TIMERS/notice_timers, NS_TIMERS/tasks, \
         NS_TIMERS/importer_retries, NS_TIMERS/processes_retries, NS_TIMERS/renderer_retries, \
         NS_TIMERS/mailer_retries, NS_TIMERS/notifier_retries; configured differently: \
         NS_DEADLETTERS (description)",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_server_does_not_stop_other_checks() {
    for (key, value, check, part) in [
        (
            "NATS__URL",
            "nats://u:hunter2@127.0.0.1:1",
            "log.server",
            "nats://u:***@127.0.0.1:1: ",
        ),
        (
            "DATABASE__URL",
            "postgres://u:hunter2@127.0.0.1:1/x",
            "database.server",
            "postgres://u:***@127.0.0.1:1/x: ",
        ),
        ("MAIL__PORT", "1", "mail", "127.0.0.1:1: "),
        (
            "STORAGE__URL",
            "/proc/laureate",
            "objects",
            "/proc/laureate: ",
        ),
    ] {
        let ran = Patient::new().with(key, value).doctor(&[]);
        assert_eq!(ran.code, 4);
        assert_line(&ran, check, "failed", part);
        assert_other_checks_ran(&ran, &[check]);
    }
}

/// Starts a server that accepts connections but never sends anything. Returns its address.
async fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            held.push(socket);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging_servers_time_out_and_do_not_stop_other_checks() {
    let address = silent().await;
    let patient = Patient::new()
        .with("NATS__URL", &format!("nats://{address}"))
        .with(
            "DATABASE__URL",
            &format!("postgres://u:hunter2@{address}/x"),
        )
        .with("MAIL__PORT", address.rsplit(':').next().expect("a port"));
    let ran = patient.doctor(&["--timeout", "2"]);
    assert_eq!(ran.code, 4);
    assert_line(&ran, "log.server", "failed", "not available");
    assert_line(&ran, "database", "failed", "no answer within 2 s");
    assert_line(&ran, "mail", "failed", "no answer within 2 s");
    assert_other_checks_ran(&ran, &["log.server", "database.server", "mail"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_exits_although_a_file_read_never_ends() {
    let patient = Patient::new();
    // Opening a pipe without a writer blocks, as does a file in a network folder that does not
    // respond.
    let pipe = patient.folder.path().join("credentials");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("mkfifo starts")
            .success()
    );
    let patient = patient.with("NATS__CREDENTIALS", &pipe.to_string_lossy());
    let ran = patient.doctor(&["--timeout", "1"]);
    assert_eq!(ran.code, 4, "{}", ran.err);
    assert!(ran.out.contains("no answer within 1 s"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_reported_and_not_shown() {
    let (before, after) = servers()
        .postgres_url
        .rsplit_once('@')
        .expect("with a user");
    let (user, _) = before.rsplit_once(':').expect("with a password");
    let ran = Patient::new()
        .with("DATABASE__URL", &format!("{user}:hunter2@{after}"))
        .doctor(&[]);
    assert_eq!(ran.code, 4);
    assert_line(&ran, "database.server", "failed", "SQLSTATE 28P01");

    let nats = OwnNats::start(
        "authorization { user: u, password: right }\njetstream { store_dir: \"{folder}/js\" }",
    )
    .await;
    let address = nats.url.trim_start_matches("nats://");
    let ran = Patient::new()
        .with("NATS__URL", &format!("nats://u:hunter2@{address}"))
        .doctor(&[]);
    assert_eq!(ran.code, 4);
    assert_line(&ran, "log.server", "failed", "authorization");
    let ran = Patient::new()
        .with("NATS__URL", &format!("nats://u:right@{address}"))
        .doctor(&[]);
    assert_line(&ran, "log.server", "ok", "nats-server");
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_interval_of_nats_server_is_read_from_its_monitoring() {
    let lazy = OwnNats::start("jetstream { store_dir: \"{folder}/js\" }").await;
    let patient = Patient::new().with("NATS__URL", &lazy.url);
    let ran = patient.doctor(&["--nats-monitor", &lazy.monitor]);
    assert_line(
        &ran,
        "log.on-disk",
        "warning",
        "sync_interval is 2 min: a power failure may lose",
    );
    assert_line(&ran, "log.room", "ok", "used by JetStream");
    let unseen = patient.doctor(&[]);
    assert_line(
        &unseen,
        "log.on-disk",
        "warning",
        "unknown whether acknowledged events are on disk",
    );

    let careful =
        OwnNats::start("jetstream { store_dir: \"{folder}/js\", sync_interval: always }").await;
    let ran = Patient::new()
        .with("NATS__URL", &careful.url)
        .doctor(&["--nats-monitor", &careful.monitor]);
    assert_line(&ran, "log.on-disk", "ok", "sync_interval is always");
    let elsewhere = patient.doctor(&["--nats-monitor", "http://127.0.0.1:1"]);
    assert_eq!(elsewhere.code, 4);
    assert_line(
        &elsewhere,
        "log.on-disk",
        "failed",
        "monitoring does not answer",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn server_without_jetstream_or_with_a_full_account_fails() {
    let plain = OwnNats::start("").await;
    let ran = Patient::new().with("NATS__URL", &plain.url).doctor(&[]);
    assert_eq!(ran.code, 4);
    assert!(ran.out.contains("JetStream is off"), "{}", ran.out);
    assert_other_checks_ran(&ran, &[]);

    let accounts = "accounts { A { users: [{user: u, password: p}]
        jetstream { max_streams: 5, max_file: 1GB } } }
        jetstream { store_dir: \"{folder}/js\" }";
    let full = OwnNats::start(accounts).await;
    let url = format!("nats://u:p@{}", full.url.trim_start_matches("nats://"));
    let patient = Patient::new().with("NATS__URL", &url).prepared();
    let ran = patient.doctor(&[]);
    assert_line(
        &ran,
        "log.account",
        "failed",
        "of 1.00 GiB on disk, 5 of 5 streams",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bucket_is_checked_like_a_folder() {
    let namespace = Namespace::new();
    let bucket = format!("doctor-{namespace}");
    servers().make_s3_bucket(&bucket).await;
    let patient = |url: &str| {
        Patient::new()
            .with("STORAGE__URL", url)
            .with("STORAGE__ENDPOINT", servers().s3_url())
            .with("STORAGE__ALLOW_HTTP", "true")
            .with("STORAGE__ACCESS_KEY_ID", "test")
            .with("STORAGE__SECRET_ACCESS_KEY", "hunter2")
    };
    let ran = patient(&format!("s3://{bucket}/some/prefix")).doctor(&[]);
    assert_line(
        &ran,
        "objects",
        "ok",
        "an object was written, read back and deleted",
    );
    assert_line(&ran, "objects.clock", "ok", "");
    let ran = patient(&format!("s3://{bucket}-of-nobody")).doctor(&[]);
    assert_eq!(ran.code, 4);
    assert_line(&ran, "objects", "failed", "writing: ");
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_sent_only_to_the_requested_address() {
    let patient = Patient::new().prepared();
    let address = format!("operator@{}.example.org", patient.namespace);
    let arrived = || {
        let mails = caught_mails(&servers().mail_dir, 100_000).expect("the catcher's folder");
        mails
            .iter()
            .filter(|mail| mail.to.contains(&address))
            .count()
    };
    let ran = patient.doctor(&[]);
    assert_line(&ran, "mail", "ok", "not encrypted, without log-in");
    assert_eq!(arrived(), 0);
    let ran = patient.doctor(&["--send-to", &address]);
    assert_line(&ran, "mail.test", "ok", "the server accepted it: 250");
    assert_eq!(arrived(), 1);
    let ran = patient.doctor(&["--send-to", "nobody"]);
    assert_eq!(ran.code, 4);
    assert_line(&ran, "mail.test", "failed", "not a valid e-mail address");
    assert!(patient.folder.path().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_configuration_is_reported_before_any_check() {
    let ran = Patient::new().with("MAIL__PORT", "none").doctor(&[]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(
        ran.err.contains("mail.port") && ran.err.contains("LAUREATE_MAIL__PORT"),
        "{}",
        ran.err
    );
}
