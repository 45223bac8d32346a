//! `laureate events`: filters, output, and hidden personal data.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use laureate::domain::CommandId;
use laureate::event_log::{Append, Commit, EventLog, Names, NewEvent, RecordedEvent};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::scrub::scrubbed;
use super::{Ran, environment, run_in};
use crate::support::{Namespace, TestApp, laureate, servers, until};

/// Log with 700 events of 350 users. With this number, the command has to read more than one window
/// to find the last events.
struct Log {
    namespace: Namespace,
    log: EventLog,
    events: Vec<RecordedEvent>,
}

const USERS: usize = 350;

impl Log {
    async fn filled() -> Self {
        let namespace = Namespace::new();
        let client = async_nats::connect(&servers().nats_url)
            .await
            .expect("nats-server answers");
        let log = EventLog::new(
            client,
            Names::new(namespace.name()).expect("a good namespace"),
        );
        log.provision(1).await.expect("provisioned");
        for n in 0..USERS {
            let events = vec![
                event("UserRegistered", profile(n)),
                event("UserPasswordChanged", hash()),
            ];
            let append = Append {
                aggregate: "user",
                id: id(n),
                expected: 0,
                events,
            };
            log.append(Commit::new(log.names(), vec![append]))
                .await
                .expect("appended");
        }
        let mut reader = log.read_after(0);
        let mut events = Vec::new();
        while events.len() < 2 * USERS {
            events.extend(
                reader
                    .next_batch(1_000, Duration::from_secs(10))
                    .await
                    .expect("readable"),
            );
        }
        Self {
            namespace,
            log,
            events,
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run_in(
            &environment(self.namespace.name(), "/tmp/unused"),
            &[&["events"], arguments].concat(),
        )
    }

    /// Returns the positions that `events list` shows.
    fn listed(&self, arguments: &[&str]) -> Vec<u64> {
        let ran = self.run(&[&["list", "--json"], arguments].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        ran.out
            .lines()
            .map(|line| position(&serde_json::from_str(line).expect("JSON")))
            .collect()
    }

    /// Returns the positions of all events for which `wanted` is true.
    fn expected(&self, wanted: impl Fn(&RecordedEvent) -> bool) -> Vec<u64> {
        self.events
            .iter()
            .filter(|event| wanted(event))
            .map(|event| event.position)
            .collect()
    }
}

fn position(event: &Value) -> u64 {
    event["position"].as_u64().expect("a position")
}

fn id(n: usize) -> String {
    Uuid::from_u128(n as u128 + 1).to_string()
}

fn profile(n: usize) -> Value {
    json!({ "userName": format!("secret{n}"), "name": "Secret", "lastName": "Person",
            "email": format!("secret{n}@example.com"), "role": "viewer", "passwordHash": "$secret" })
}

fn hash() -> Value {
    json!({ "passwordHash": "$secret" })
}

fn event(event_type: &'static str, body: Value) -> NewEvent {
    NewEvent {
        event_id: Uuid::new_v4(),
        event_type,
        schema: 1,
        time: OffsetDateTime::now_utc(),
        command_id: CommandId(Uuid::new_v4()),
        caused_by: None,
        correlation_id: Uuid::new_v4(),
        actor: "tester".to_owned(),
        request_id: None,
        via: None,
        data_subject: None,
        traceparent: None,
        body: Bytes::from(body.to_string()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_return_the_same_events_as_a_naive_search() {
    let log = Log::filled().await;
    let end = log.events.last().expect("filled").position;
    let last = |mut all: Vec<u64>, n: usize| all.split_off(all.len().saturating_sub(n));
    assert_eq!(log.listed(&[]), last(log.expected(|_| true), 20));
    assert_eq!(log.listed(&["--from", "1"]), log.expected(|_| true));
    assert_eq!(
        log.listed(&["--from", "601", "--to", "650", "--limit", "7"]),
        (601..=607).collect::<Vec<_>>()
    );
    assert_eq!(
        log.listed(&["--limit", "5"]),
        last(log.expected(|_| true), 5)
    );
    assert_eq!(
        log.listed(&["--limit", "5", "--to", "650"]),
        (646..=650).collect::<Vec<_>>()
    );
    assert_eq!(
        log.listed(&["--limit", "100"]),
        last(log.expected(|_| true), 20)
    );
    assert_eq!(
        log.listed(&["--last", "7", "--limit", "2", "--to", "650"]),
        [644, 645]
    );
    assert_eq!(log.listed(&["--limit", "0"]), [0_u64; 0]);
    assert_eq!(log.listed(&["--to", "5"]), [1, 2, 3, 4, 5]);
    assert_eq!(log.listed(&["--from", "9999"]), [0_u64; 0]);

    let changed = |event: &RecordedEvent| event.event_type == "UserPasswordChanged";
    assert_eq!(
        log.listed(&["--type", "UserPasswordChanged", "--from", "1"]),
        log.expected(changed)
    );
    assert_eq!(
        log.listed(&["-t", "userpasswordchanged", "-n", "300"]),
        last(log.expected(changed), 300)
    );
    assert_eq!(
        log.listed(&["-t", "UserRegistered,UserPasswordChanged", "-n", "3"]),
        [end - 2, end - 1, end]
    );
    assert_eq!(
        log.listed(&["-t", "EmailSent"]),
        [0_u64; 0],
        "an aggregate without events"
    );

    let first = format!("user/{}", id(0));
    let tenth = format!("user/{}", id(9));
    assert_eq!(log.listed(&["-a", &first]), [1, 2], "far from the end");
    assert_eq!(
        log.listed(&["-a", &first, "-a", &tenth, "-t", "UserRegistered"]),
        [1, 19]
    );
    assert_eq!(
        log.listed(&["-a", &first, "-a", "users", "--last", "1"]),
        [end],
        "all users include this one"
    );
    assert_eq!(log.listed(&["-a", "import"]), [0_u64; 0]);

    let time = |n: usize| log.events[n].time.format(&Rfc3339).expect("shown");
    let since = log.events[100].time;
    let until = log.events[400].time;
    assert_eq!(
        log.listed(&["--since", &time(100), "--until", &time(400)]),
        log.expected(|event| event.time >= since && event.time <= until)
    );
    assert_eq!(
        log.listed(&["--until", &time(400), "-n", "5"]),
        last(log.expected(|e| e.time <= until), 5)
    );
    assert_eq!(log.listed(&["--since", "1h"]).len(), 2 * USERS);
    assert_eq!(log.listed(&["--until", "1h"]), [0_u64; 0]);
    assert_eq!(log.listed(&["--since", "2999-01-01T00:00:00Z"]), [0_u64; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn position_is_found_by_time_and_remaining_events_are_counted() {
    let log = Log::filled().await;
    let now = OffsetDateTime::now_utc();
    assert_eq!(
        log.log
            .position_at(now - time::Duration::HOUR)
            .await
            .expect("answered"),
        Some(1)
    );
    assert_eq!(
        log.log
            .position_at(now + time::Duration::HOUR)
            .await
            .expect("answered"),
        None
    );
    let mut reader = log
        .log
        .read_some_after(0, vec![log.log.names().all_of("user")]);
    assert_eq!(
        reader.remaining().await.expect("answered"),
        2 * USERS as u64
    );
    let batch = reader
        .next_batch(10, Duration::from_secs(10))
        .await
        .expect("readable");
    assert_eq!(
        reader.remaining().await.expect("answered"),
        (2 * USERS - batch.len()) as u64
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_data_is_shown_only_with_reveal() {
    let log = Log::filled().await;
    let user = id(3);
    for arguments in [
        vec!["list", "--from", "1"],
        vec!["list", "--from", "1", "--json"],
        vec!["show", "7"],
        vec!["history", "user", &user],
        vec!["history", "user", &user, "--json"],
    ] {
        let hidden = log.run(&arguments);
        assert_eq!(hidden.code, 0, "{}", hidden.err);
        assert!(
            hidden.out.contains("***") && !hidden.out.to_lowercase().contains("secret"),
            "{}",
            hidden.out
        );
        let open = log.run(&[arguments, vec!["--reveal"]].concat());
        assert!(open.out.contains("secret3"), "{}", open.out);
    }
}

/// Running process of `laureate events`. It is killed when this value is dropped.
struct Following(Child);

impl Following {
    fn start(log: &Log, arguments: &[&str]) -> Self {
        let child = Command::new(laureate())
            .arg("events")
            .args(arguments)
            .env_clear()
            .envs(environment(log.namespace.name(), "/tmp/unused"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        Self(child)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_shows_last_and_new_events_until_the_pipe_is_closed() {
    let log = Log::filled().await;
    let arguments = ["tail", "--last", "2", "--json", "--type", "UserRegistered"];
    let mut tail = Following::start(&log, &arguments);
    let mut lines = BufReader::new(tail.0.stdout.take().expect("piped")).lines();
    let mut next = || {
        position(
            &serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON"),
        )
    };
    let end = log.events.last().expect("filled").position;
    assert_eq!((next(), next()), (end - 3, end - 1));
    let put = async |n: usize| {
        let events = vec![
            event("UserRegistered", profile(n)),
            event("UserPasswordChanged", hash()),
        ];
        let append = Append {
            aggregate: "user",
            id: id(n),
            expected: 0,
            events,
        };
        log.log
            .append(Commit::new(log.log.names(), vec![append]))
            .await
            .expect("appended");
    };
    put(1_000).await;
    assert_eq!(next(), end + 1);
    drop(lines);
    // The program notices the closed pipe when it writes the next event.
    put(1_001).await;
    until("it has ended", || {
        let ended = tail.0.try_wait().expect("asked");
        async move { ended.is_some() }
    })
    .await;
    assert_eq!(
        tail.0.wait().expect("ended").code(),
        Some(0),
        "a closed pipe is not an error"
    );
    let mut err = String::new();
    tail.0
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut err)
        .expect("text");
    assert_eq!(err, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_also_ends_a_followed_list() {
    let log = Log::filled().await;
    let ran = log.run(&["list", "--follow", "--from", "1", "--limit", "3", "--json"]);
    assert_eq!((ran.code, ran.out.lines().count()), (0, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_arguments_are_refused() {
    let log = Log::filled().await;
    let unknown = id(USERS + 1);
    for (arguments, code, part) in [
        (
            vec!["history", "user", &unknown],
            5,
            "the log has no user 00000000-",
        ),
        (vec!["history", "wizard", &unknown], 2, "give one of admins"),
        (vec!["history", "user", "a.b"], 2, "an id is a UUID"),
        (
            vec!["show", "9999"],
            5,
            "there is no event at position 9999",
        ),
        (vec!["list", "--type", "EmailEaten"], 2, "EmailSent"),
        (vec!["list", "--aggregate", "job/>"], 2, "an id is a UUID"),
        (
            vec!["list", "--since", "yesterday"],
            2,
            "2026-11-21T12:00:00Z",
        ),
        (
            vec!["list", "-a", "job", "-t", "UserRegistered"],
            1,
            "which --aggregate leaves out",
        ),
        (
            vec!["list", "--last", "3", "--from", "1"],
            2,
            "cannot be used with",
        ),
        (vec!["tail", "--to", "3"], 2, "unexpected argument '--to'"),
        (
            vec!["list", "--follow", "--to", "3"],
            2,
            "cannot be used with",
        ),
    ] {
        let ran = log.run(&arguments);
        assert!(
            ran.code == code && ran.err.contains(part),
            "{arguments:?}: {} {}",
            ran.code,
            ran.err
        );
    }
    let nowhere = run_in(
        &environment(Namespace::new().name(), "/tmp/unused"),
        &["events", "history", "user", &unknown],
    );
    assert!(
        nowhere.code == 1 && nowhere.err.contains("laureate provision"),
        "{}",
        nowhere.err
    );
}

const PEOPLE: &str = "Nombre completo,Correo electrónico,Número documento\nGrace Hopper,grace@example.com,1020304050\n";

/// Imports a person and sends a certificate to the person by mail. Returns all events.
async fn a_story(app: &TestApp) -> Vec<RecordedEvent> {
    let token = app.token().await;
    let body =
        json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit 2026", "locale": "en" });
    let post = |path: &str| {
        app.client
            .post(app.url(&format!("/api/v1{path}")))
            .bearer_auth(&token)
    };
    let made = post("/certificates")
        .json(&body)
        .send()
        .await
        .expect("answered");
    let made: Value = made.json().await.expect("JSON");
    let certificate = made["data"]["id"].as_str().expect("an id").to_owned();
    let file = reqwest::multipart::Part::bytes(PEOPLE.as_bytes()).file_name("people.csv");
    let form = reqwest::multipart::Form::new()
        .part("file", file)
        .text("certificateId", certificate);
    let taken = post("/attendees/bulk-upload")
        .multipart(form)
        .send()
        .await
        .expect("answered");
    assert_eq!(taken.status().as_u16(), 200);
    let log = app.app.commands().log();
    let all = async || {
        let end = log.info().await.expect("there").last_position;
        let mut reader = log.read_after(0);
        let mut events = Vec::new();
        while reader.position() < end {
            events.extend(
                reader
                    .next_batch(1_000, Duration::from_secs(10))
                    .await
                    .expect("readable"),
            );
        }
        events
    };
    until("the mail is sent", || async {
        all()
            .await
            .iter()
            .any(|event| event.event_type == "EmailSent")
    })
    .await;
    all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn history_of_a_certificate_is_printed_with_causes() {
    let app = TestApp::start().await;
    let events = a_story(&app).await;
    let variables = environment(&app.app.config().namespace, "/tmp/unused");
    let history = |kind: &str, of: &str, reveal: bool| {
        let event = events
            .iter()
            .find(|event| event.event_type == of)
            .expect(of);
        let mut arguments = vec!["events", "history", kind, &event.id];
        arguments.extend(reveal.then_some("--reveal"));
        let ran = run_in(&variables, &arguments);
        assert_eq!(ran.code, 0, "{}", ran.err);
        scrubbed(&ran.out)
    };
    let message = [
        history("import", "ImportRequested", false),
        history("attendees", "AttendeeImported", false),
        history("generated-certificate", "CertificateRequested", false),
        history("job", "EmailQueued", true),
    ];
    insta::assert_snapshot!("history", message.join("\n────\n"));
}
