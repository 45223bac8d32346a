//! A provisioned log of a test's own, and small things to put into it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use laureate::commands::{CommandContext, Commands};
use laureate::domain::user::{Profile, Role, User, UserCommand, UserRegistered};
use laureate::domain::{CommandId, UserId};
use laureate::event_log::{Append, Commit, EventLog, Names, NewEvent, Position, RecordedEvent};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::support::{Namespace, servers};

/// A log in a namespace of its own, on the suite's server.
pub struct Log {
    pub namespace: Namespace,
    pub log: EventLog,
    pub commands: Commands,
}

impl Log {
    pub async fn provisioned() -> Self {
        let namespace = Namespace::new();
        let log = open(&servers().nats_url, namespace.name()).await;
        log.provision(1).await.expect("provisioned");
        Self { commands: commands(&log), namespace, log }
    }

    /// Another process on the same log: a connection and a committing task of its own.
    pub async fn another_process(&self) -> EventLog {
        open(&servers().nats_url, self.namespace.name()).await
    }

    /// Every event so far, in order.
    pub async fn all(&self) -> Vec<RecordedEvent> {
        read_all(&self.log).await
    }
}

pub async fn open(url: &str, namespace: &str) -> EventLog {
    let client = async_nats::connect(url).await.expect("nats-server answers");
    EventLog::new(client, Names::new(namespace).expect("a good namespace"))
}

pub fn commands(log: &EventLog) -> Commands {
    Commands::new(log.clone(), Arc::new(OffsetDateTime::now_utc))
}

/// Every event up to what the log holds now, in order.
pub async fn read_all(log: &EventLog) -> Vec<RecordedEvent> {
    let last = log.info().await.expect("provisioned").last_position;
    let mut reader = log.read_after(0);
    let mut all = Vec::new();
    while reader.position() < last {
        all.extend(reader.next_batch(1_000, Duration::from_secs(30)).await.expect("readable"));
    }
    all
}

pub fn person() -> CommandContext {
    CommandContext::of_person(CommandId(Uuid::new_v4()), "tester")
}

/// An event that fits no aggregate in particular; its body says `n`.
pub fn event(n: usize) -> NewEvent {
    event_with(Bytes::from(format!("{{\"n\":{n}}}")))
}

pub fn event_with(body: Bytes) -> NewEvent {
    NewEvent {
        event_id: Uuid::new_v4(),
        event_type: "Tested",
        time: time::macros::datetime!(2026-11-21 12:00 UTC),
        command_id: CommandId(Uuid::new_v4()),
        correlation_id: Uuid::new_v4(),
        actor: "tester".to_owned(),
        traceparent: None,
        body,
    }
}

pub fn append(id: &str, expected: Position, events: Vec<NewEvent>) -> Append {
    Append { aggregate: "user", id: id.to_owned(), expected, events }
}

/// Appends events to one aggregate; answers with their positions.
pub async fn put(log: &EventLog, id: &str, expected: Position, events: Vec<NewEvent>) -> Vec<Position> {
    let commit = Commit::new(log.names(), &[append(id, expected, events)]);
    log.append(commit).await.expect("appended")
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
    }
}

pub async fn registered(commands: &Commands) -> UserId {
    let id = UserId(Uuid::new_v4());
    commands.execute::<User>(&person(), id, UserCommand::Register(user("ada"))).await.expect("registered");
    id
}

pub fn change_password(n: usize) -> UserCommand {
    UserCommand::ChangePassword { password_hash: format!("$argon2id${n}").into() }
}
