//! Provisioned log for one test, with functions that append events to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::HeaderMap;
use bytes::Bytes;
use laureate::commands::{CommandContext, Commands};
use laureate::domain::accounts::user::{Profile, Role, User, UserCommand, UserRegistered};
use laureate::domain::{CommandId, UserId};
use laureate::event_log::{Append, Commit, EventLog, Names, NewEvent, Position, RecordedEvent};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::support::{Namespace, nats_cluster, servers};

/// Servers on which a test runs; see [`on_both`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    OneServer,
    /// Three nodes. Each has a replica of every stream.
    Cluster,
}

/// Creates two tests from each function: one on a single server, one on a cluster of three nodes.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod on_one_server {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::log::fixture::On::OneServer).await;
            })+
        }
        mod on_a_cluster {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::log::fixture::On::Cluster).await;
            })+
        }
    };
}
pub(crate) use on_both;

impl On {
    pub fn namespace(self) -> Namespace {
        match self {
            Self::OneServer => Namespace::new(),
            Self::Cluster => Namespace::on_cluster(),
        }
    }

    pub fn replicas(self) -> u8 {
        match self {
            Self::OneServer => 1,
            Self::Cluster => 3,
        }
    }

    /// Opens the log as a new process does, with its own connection and its own task for commits.
    /// On a cluster, each process connects to the next node.
    pub async fn open(self, namespace: &Namespace) -> EventLog {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        match self {
            Self::OneServer => open(&servers().nats_url, namespace.name()).await,
            Self::Cluster => {
                let nodes = nats_cluster().await;
                let node = &nodes[NEXT.fetch_add(1, Ordering::Relaxed) % nodes.len()];
                open(node, namespace.name()).await
            }
        }
    }
}

/// Log in its own namespace, on the servers of the suite.
pub struct Log {
    pub namespace: Namespace,
    pub log: EventLog,
    pub commands: Commands,
    on: On,
}

impl Log {
    pub async fn provisioned() -> Self {
        Self::on(On::OneServer).await
    }

    pub async fn on(on: On) -> Self {
        let namespace = on.namespace();
        let log = on.open(&namespace).await;
        log.provision(on.replicas()).await.expect("provisioned");
        Self {
            commands: commands(&log),
            namespace,
            log,
            on,
        }
    }

    /// Returns a log that is already provisioned, on other servers.
    pub fn of(log: EventLog) -> Self {
        Self {
            commands: commands(&log),
            namespace: Namespace::new(),
            log,
            on: On::OneServer,
        }
    }

    /// Opens the same log as another process does, with its own connection and its own task for
    /// commits.
    pub async fn another_process(&self) -> EventLog {
        self.on.open(&self.namespace).await
    }

    /// Returns all events so far, in order.
    pub async fn all(&self) -> Vec<RecordedEvent> {
        read_all(&self.log).await
    }
}

pub async fn open(url: &str, namespace: &str) -> EventLog {
    open_any(&[url.to_owned()], namespace).await
}

/// Connects to the first of `urls`, or to another one if that server is down.
pub async fn open_any(urls: &[String], namespace: &str) -> EventLog {
    let servers: Vec<async_nats::ServerAddr> =
        urls.iter().map(|url| url.parse().expect("a URL")).collect();
    // Without server discovery, the client uses only the nodes in `urls`.
    let options = async_nats::ConnectOptions::new()
        .retain_servers_order()
        .ignore_discovered_servers();
    let client = options.connect(servers).await.expect("nats-server answers");
    EventLog::new(client, Names::new(namespace).expect("a good namespace"))
}

pub fn commands(log: &EventLog) -> Commands {
    Commands::new(log.clone(), Arc::new(OffsetDateTime::now_utc))
}

/// Returns all events up to the current end of the log, in order.
pub async fn read_all(log: &EventLog) -> Vec<RecordedEvent> {
    let last = log.info().await.expect("provisioned").last_position;
    let mut reader = log.read_after(0);
    let mut all = Vec::new();
    while reader.position() < last {
        all.extend(
            reader
                .next_batch(1_000, Duration::from_secs(30))
                .await
                .expect("readable"),
        );
    }
    all
}

pub fn person() -> CommandContext {
    CommandContext::of_person(CommandId(Uuid::new_v4()), "tester")
}

/// Returns an event that can belong to any aggregate. Its body contains `n`.
pub fn event(n: usize) -> NewEvent {
    event_with(Bytes::from(format!("{{\"n\":{n}}}")))
}

pub fn event_with(body: Bytes) -> NewEvent {
    NewEvent {
        event_id: Uuid::new_v4(),
        event_type: "Tested",
        schema: 1,
        time: time::macros::datetime!(2026-11-21 12:00 UTC),
        command_id: CommandId(Uuid::new_v4()),
        caused_by: None,
        correlation_id: Uuid::new_v4(),
        actor: "tester".to_owned(),
        request_id: None,
        via: None,
        data_subject: None,
        traceparent: None,
        body,
    }
}

pub fn append(id: &str, expected: Position, events: Vec<NewEvent>) -> Append {
    Append {
        aggregate: "user",
        id: id.to_owned(),
        expected,
        events,
    }
}

/// Appends events to one aggregate, and returns their positions.
pub async fn put(
    log: &EventLog,
    id: &str,
    expected: Position,
    events: Vec<NewEvent>,
) -> Vec<Position> {
    let commit = Commit::new(log.names(), vec![append(id, expected, events)]);
    log.append(commit).await.expect("appended")
}

/// Appends an event as a newer program does. `workers` is the value of its header `for`.
pub async fn put_newer(
    log: &EventLog,
    (aggregate, id): (&str, &str),
    event_type: &str,
    schema: u32,
    workers: &str,
) -> Position {
    let mut headers = HeaderMap::new();
    headers.insert("ce-id", Uuid::new_v4().to_string());
    headers.insert("ce-type", event_type);
    headers.insert("ce-time", "2026-11-30T12:00:00Z");
    let schema = format!("urn:laureate:event:{event_type}:{schema}");
    headers.insert("ce-dataschema", schema);
    headers.insert("command-id", Uuid::new_v4().to_string());
    headers.insert("correlation-id", Uuid::new_v4().to_string());
    headers.insert("actor", "a newer program");
    if !workers.is_empty() {
        headers.insert("for", workers);
    }
    let subject = log.names().aggregate(aggregate, id);
    let context = log.context();
    let sent = context.publish_with_headers(subject, headers, "{}".into());
    let stored = sent.await.expect("sent").await;
    stored.expect("stored").sequence
}

pub fn user(name: &str) -> UserRegistered {
    UserRegistered {
        profile: Profile {
            user_name: name.to_owned().into(),
            name: "Ada".to_owned().into(),
            last_name: "Lovelace".to_owned().into(),
            email: format!("{name}@example.com").into(),
        },
        role: Role::Admin,
        password_hash: "$argon2id$first".to_owned().into(),
        first_password_until: None,
    }
}

pub async fn registered(commands: &Commands) -> UserId {
    let id = UserId(Uuid::new_v4());
    commands
        .execute::<User>(&person(), id, UserCommand::Register(user("ada")))
        .await
        .expect("registered");
    id
}

pub fn change_password(n: usize) -> UserCommand {
    UserCommand::ChangePassword {
        password_hash: format!("$argon2id${n}").into(),
        keeps_api_keys: false,
    }
}
