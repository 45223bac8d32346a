//! Namespace on a real event log, with the program's projections and with the program as a separate
//! process.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use deadpool_postgres::{Client, Pool};
use laureate::database;
use laureate::event_log::{Append, AppendError, Commit, EventLog, Names, NewEvent, Position};
use laureate::projection::{
    Maintenance, Projection, ProjectionSet, Projector, Readers, projections,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::given_log::Happened;
use super::world::newest_attendees;
use crate::log::fixture::event_with;
use crate::support::{Namespace, laureate, servers};

pub struct Real {
    pub namespace: Namespace,
    pub log: EventLog,
    pub pool: Pool,
}

/// One version of the program, in the namespace.
pub struct Version {
    pub set: Arc<ProjectionSet>,
    pub readers: Readers,
    pool: Pool,
    log: EventLog,
}

/// State of the projections that a reader gets: the number of people, and the position of the first
/// event of the newest person.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    pub counted: i64,
    pub newest: i64,
}

impl Shown {
    /// Returns true if `self` contains at least the state of `other`.
    pub fn is_no_less_than(self, other: Self) -> bool {
        self.counted >= other.counted && self.newest >= other.newest
    }
}

impl Real {
    pub async fn new() -> Self {
        let namespace = Namespace::new();
        let client = async_nats::connect(&servers().nats_url)
            .await
            .expect("nats-server answers");
        let log = EventLog::new(
            client,
            Names::new(namespace.name()).expect("a good namespace"),
        );
        log.provision(1).await.expect("provisioned");
        let pool = database::connect(&servers().postgres_url, None, 12).expect("a good URL");
        database::migrate(&pool, namespace.name())
            .await
            .expect("migrated");
        Self {
            namespace,
            log,
            pool,
        }
    }

    /// Returns a version of the program that has these projections.
    pub fn version(&self, projections: Vec<Projection>) -> Version {
        let set = Arc::new(
            ProjectionSet::of(self.namespace.name(), projections).expect("good projections"),
        );
        let readers = Readers::new(self.pool.clone(), set.clone());
        Version {
            set,
            readers,
            pool: self.pool.clone(),
            log: self.log.clone(),
        }
    }

    /// Returns the version of the program that is running.
    pub fn present(&self) -> Version {
        self.version(projections().expect("good projections"))
    }

    /// Appends events of new aggregates, 500 per commit. Returns the end of the log. All events of
    /// an aggregate must be in the same commit.
    pub async fn append(&self, story: &[Happened]) -> Position {
        for part in story.chunks(500) {
            // A commit may contain an aggregate only once, so all events of an aggregate are
            // collected first.
            let mut appends: Vec<Append> = Vec::new();
            for happened in part {
                let event = new_event(happened);
                let id = happened.id.to_string();
                let is_same = |append: &&mut Append| {
                    append.aggregate == happened.aggregate && append.id == id
                };
                match appends.iter_mut().find(is_same) {
                    Some(append) => append.events.push(event),
                    None => {
                        let aggregate = happened.aggregate;
                        appends.push(Append {
                            aggregate,
                            id,
                            expected: 0,
                            events: vec![event],
                        });
                    }
                }
            }
            match self
                .log
                .append(Commit::new(self.log.names(), appends.clone()))
                .await
            {
                Ok(_) => {}
                Err(AppendError::Conflict) => panic!("an aggregate's events are in two parts"),
                Err(error) => panic!("{error}"),
            }
        }
        self.last_position().await
    }

    pub async fn last_position(&self) -> Position {
        self.log.info().await.expect("provisioned").last_position
    }

    /// Returns the command `laureate` with `arguments`, in this namespace.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let servers = servers();
        let mut command = Command::new(laureate());
        command
            .args(arguments)
            .env_clear()
            .env("LAUREATE_NAMESPACE", self.namespace.name())
            .env("LAUREATE_NATS__URL", &servers.nats_url)
            .env("LAUREATE_DATABASE__URL", &servers.postgres_url)
            .env(
                "LAUREATE_STORAGE__URL",
                std::env::temp_dir().join(self.namespace.name()),
            )
            .env("LAUREATE_MAIL__HOST", "127.0.0.1")
            .env("LAUREATE_MAIL__FROM_NAME", "Laureate")
            .env(
                "LAUREATE_MAIL__FROM_ADDRESS",
                "certificates@laureate.example",
            )
            .env(
                "LAUREATE_SECRETS__CLAIM_KEY",
                "claim-key-of-the-tests-0123456789abcdef",
            )
            .env(
                "LAUREATE_SECRETS__TOKEN_KEY",
                "token-key-of-the-tests-0123456789abcdef",
            )
            .env("LAUREATE_LOG", "warn")
            .stdin(Stdio::null());
        command
    }

    /// Runs `laureate` until it ends. Returns its exit code, standard output and standard error.
    pub async fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = tokio::process::Command::from(self.command(arguments));
        let output = command
            .kill_on_drop(true)
            .output()
            .await
            .expect("the program starts");
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes)
                .expect("UTF-8")
                .replace(self.namespace.name(), "NS")
        };
        (
            output.status.code().unwrap_or(-1),
            text(output.stdout),
            text(output.stderr),
        )
    }

    /// Starts `laureate` as a process that the test will kill.
    pub fn start(&self, arguments: &[&str]) -> Killed {
        let mut command = self.command(arguments);
        Killed(
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the program starts"),
        )
    }

    /// Returns the number that a query returns. Returns `None` if the query fails, for example
    /// because a table does not exist.
    pub async fn number(&self, sql: &str) -> Option<i64> {
        let client = self.pool.get().await.expect("a connection");
        client.query_one(sql, &[]).await.ok()?.get(0)
    }

    /// Returns the schemas of this namespace whose names end with `ending`.
    pub async fn schemas(&self, ending: &str) -> Vec<String> {
        let client = self.pool.get().await.expect("a connection");
        let sql = "SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname, $1)";
        let rows = client
            .query(sql, &[&self.namespace.name()])
            .await
            .expect("the schemas");
        let names = rows.iter().map(|row| row.get::<_, String>(0));
        names.filter(|name| name.ends_with(ending)).collect()
    }
}

/// Process that is killed with SIGKILL, at the latest when this value is dropped.
pub struct Killed(Child);

impl Killed {
    pub fn is_running(&mut self) -> bool {
        self.0.try_wait().expect("a child").is_none()
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Version {
    pub fn maintenance(&self) -> Maintenance {
        Maintenance::new(
            self.pool.clone(),
            Arc::new(self.log.clone()),
            self.set.clone(),
        )
    }

    /// Starts a projector that runs until `shutdown` is cancelled.
    pub fn start(&self, shutdown: &CancellationToken) -> JoinHandle<()> {
        let projector = Projector::new(
            self.pool.clone(),
            Arc::new(self.log.clone()),
            self.readers.clone(),
        );
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            projector
                .run(shutdown)
                .await
                .expect("the projector does not fail")
        })
    }

    pub async fn is_ready(&self) -> bool {
        let log = self.log.info().await.expect("provisioned");
        self.readers
            .status(&log)
            .await
            .expect("the database answers")
            .iter()
            .all(|health| health.ready)
    }

    /// Returns a connection that has the search path of this version.
    pub async fn reader(&self) -> Client {
        let pool = database::connect(&servers().postgres_url, Some(&self.set.search_path()), 1);
        pool.expect("a good URL").get().await.expect("a connection")
    }
}

/// Returns the state that a connection reads, or `None` if the tables do not exist.
pub async fn shown(client: &Client) -> Option<Shown> {
    let list = newest_attendees(client, 1).await.ok()?;
    let sql = "SELECT count FROM overview_counts WHERE name = 'attendees'";
    let counted = client.query_opt(sql, &[]).await.ok()?;
    let newest = list.first().map_or(0, |item| item.created_position);
    Some(Shown {
        counted: counted.map_or(0, |row| row.get(0)),
        newest,
    })
}

pub fn new_event(happened: &Happened) -> NewEvent {
    NewEvent {
        event_type: Box::leak(happened.event_type.clone().into_boxed_str()),
        ..event_with(Bytes::clone(&happened.body))
    }
}

/// Returns a random number that is at least 0 and less than `below`.
pub fn any_of(below: u32) -> u32 {
    rand::random_range(0..below)
}
