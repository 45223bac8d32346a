//! Faults: each is applied, lasts for some time, and is healed.

use std::fmt;
use std::fs;
use std::time::Duration;

use laureate::app::Role;
use laureate::dev_stack::Server;
use rustix::process::Signal;
use uuid::Uuid;

use super::installation::{Disks, Installation, NAMESPACE};
use super::mail_server::Behaviour;
use super::small_disk::EmptyFolder;
use crate::log::fixture::{open_any, put_newer};
use crate::log::nodes::Nodes;
use crate::support::postgres;

/// Time for which a killed process or server is down.
pub const DOWN: Duration = Duration::from_millis(500);
/// Time between two nodes or processes of a rolling restart.
pub const ROLLING: Duration = Duration::from_secs(3);

/// Delay of the replication to a slow follower.
const REPLICATION_DELAY: Duration = Duration::from_millis(700);

/// State of the folder of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// The folder is empty and can't be written, as a mount point without its file system.
    Empty,
    /// There is a file instead of the folder, so that reads and writes fail.
    Broken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process with a role is killed with SIGKILL and started again.
    RoleKilled(Role),
    /// The projector is down while events are written. `verify` and `doctor` must report it.
    ProjectorDown(Duration),
    /// The process with a role is frozen with SIGSTOP, and resumed.
    RoleFrozen(Role, Duration),
    /// All processes are stopped with SIGTERM and started again, one after the other.
    RolesRestarted,
    /// A server is killed with SIGKILL and started again.
    ServerKilled(Server, Duration),
    /// A server is frozen with SIGSTOP, and resumed.
    ServerFrozen(Server, Duration),
    /// The disk of nats-server is full. Healing includes a restart of nats-server.
    DiskFull(Duration),
    /// All connections to PostgreSQL are terminated.
    ConnectionsTerminated,
    /// A transaction of another program locks the tables.
    TablesLocked(Duration),
    /// The disk of the objects is full.
    StorageFull(Duration),
    /// The objects are away.
    StorageAway(Storage, Duration),
    /// The mail server behaves in another way.
    Mail(Behaviour, Duration),
    /// A newer program appends events of types that this program doesn't know and doesn't want.
    NewerEvents,
    /// The node that leads the log is killed with SIGKILL and started again.
    LeaderKilled(Duration),
    /// The node that leads the log is frozen with SIGSTOP, and resumed.
    LeaderFrozen(Duration),
    /// A follower is frozen with SIGSTOP, and resumed.
    FollowerFrozen(Duration),
    /// The replication to a follower is delayed, but not the messages of its clients.
    FollowerSlowed(Duration),
    /// The nodes are stopped with SIGTERM and started again, one after the other.
    NodesRestarted,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Fault {
    /// Applies the fault, waits until it is over, and heals it.
    pub async fn happen(self, on: &mut Installation) {
        match self {
            Self::RoleKilled(role) => {
                on.program(role).kill();
                on.hold(DOWN).await;
                on.program(role).start_again();
            }
            Self::RoleFrozen(role, time) => {
                on.program(role).signal(Signal::STOP);
                on.hold(time).await;
                on.program(role).signal(Signal::CONT);
            }
            Self::ProjectorDown(time) => {
                on.program(Role::Projector).kill();
                on.hold(time).await;
                for command in ["verify", "doctor"] {
                    if on.run(&[command], "").await.0 == 0 {
                        let wrong = format!("{command} is satisfied without a projector");
                        on.incidents.push(wrong);
                    }
                }
                on.program(Role::Projector).start_again();
            }
            Self::RolesRestarted => restart_roles(on).await,
            Self::ServerKilled(server, time) => {
                on.servers.kill(server);
                on.hold(time).await;
                on.servers.start_again(server).await;
            }
            Self::ServerFrozen(server, time) => {
                on.servers.signal(server, Signal::STOP);
                on.hold(time).await;
                on.servers.signal(server, Signal::CONT);
            }
            Self::DiskFull(time) => fill_disk(on, time).await,
            Self::StorageFull(time) => {
                disks(on).objects.fill();
                on.hold(time).await;
                disks(on).objects.free();
            }
            Self::ConnectionsTerminated => terminate_connections(on).await,
            Self::TablesLocked(time) => lock_tables(on, time).await,
            Self::StorageAway(storage, time) => storage_away(on, storage, time).await,
            Self::NewerEvents => append_newer_events(on).await,
            Self::Mail(behaviour, time) => {
                on.mail.behave(behaviour);
                on.hold(time).await;
                on.mail.behave(Behaviour::Accepts);
            }
            _ => self.happen_in_cluster(on).await,
        }
    }

    async fn happen_in_cluster(self, on: &mut Installation) {
        let leader = leader(on).await;
        let follower = (leader + 1) % 3;
        match self {
            Self::LeaderKilled(time) => {
                nodes(on).kill(leader).await;
                on.hold(time).await;
                nodes(on).start_again(leader);
            }
            Self::LeaderFrozen(time) => freeze(on, leader, time).await,
            Self::FollowerFrozen(time) => freeze(on, follower, time).await,
            Self::FollowerSlowed(time) => {
                nodes(on).slow(follower, REPLICATION_DELAY);
                on.hold(time).await;
                nodes(on).slow(follower, Duration::ZERO);
            }
            Self::NodesRestarted => {
                for node in 0..3 {
                    nodes(on).signal(node, Signal::TERM);
                    nodes(on).ended(node).await;
                    on.hold(DOWN).await;
                    nodes(on).start_again(node);
                    on.hold(ROLLING).await;
                    nodes(on).ready().await;
                }
            }
            other => panic!("{other} does not happen in a cluster"),
        }
    }
}

async fn restart_roles(on: &mut Installation) {
    for n in 0..on.programs.len() {
        on.stop(n).await;
        on.programs[n].start_again();
        on.hold(ROLLING / 6).await;
    }
}

fn disks(on: &Installation) -> &Disks {
    on.disks.as_ref().expect("small disks")
}

async fn fill_disk(on: &mut Installation, time: Duration) {
    disks(on).nats.fill();
    on.hold(time).await;
    let client = on.client.clone();
    if let Some((200, _)) = on.program(Role::Api).readiness(&client).await {
        let ready = format!("the API is ready, although the log could not be written for {time:?}");
        on.incidents.push(ready);
    }
    disks(on).nats.free();
    on.servers.start_again(Server::Nats).await;
}

async fn terminate_connections(on: &Installation) {
    let client = postgres(&on.servers.postgres_url()).await;
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
    client.batch_execute(terminate).await.expect("permitted");
}

async fn lock_tables(on: &mut Installation, time: Duration) {
    let client = postgres(&on.servers.postgres_url()).await;
    let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
        WHERE starts_with(schemaname, $1) AND tablename IN ('attendees', 'jobs')";
    let tables = client.query(tables, &[&NAMESPACE]).await.expect("listed");
    let tables: Vec<String> = tables.iter().map(|row| row.get(0)).collect();
    assert!(!tables.is_empty(), "there are no tables to lock");
    let lock = format!("BEGIN; LOCK TABLE {}", tables.join(", "));
    client.batch_execute(&lock).await.expect("locked");
    on.hold(time).await;
    client.batch_execute("ROLLBACK").await.expect("unlocked");
}

async fn storage_away(on: &mut Installation, storage: Storage, time: Duration) {
    let objects = on.objects();
    let aside = objects.with_extension("aside");
    fs::rename(&objects, &aside).expect("renamed");
    match storage {
        Storage::Empty => {
            let empty = EmptyFolder::new(&objects);
            on.hold(time).await;
            empty.remove();
        }
        Storage::Broken => {
            fs::write(&objects, "").expect("a file");
            on.hold(time).await;
            fs::remove_file(&objects).expect("removed");
        }
    }
    fs::rename(&aside, &objects).expect("renamed");
}

/// Appends an event of an unknown type to a new person, and one to an aggregate of an unknown kind.
async fn append_newer_events(on: &Installation) {
    let log = open_any(&on.nats_urls(), NAMESPACE).await;
    for kind in ["attendee", "badge"] {
        let id = Uuid::new_v4().to_string();
        put_newer(&log, (kind, &id), "BadgePrinted", 1, "").await;
    }
}

async fn freeze(on: &mut Installation, node: usize, time: Duration) {
    nodes(on).signal(node, Signal::STOP);
    on.hold(time).await;
    nodes(on).signal(node, Signal::CONT);
}

fn nodes(on: &mut Installation) -> &mut Nodes {
    on.nodes.as_mut().expect("a cluster")
}

async fn leader(on: &mut Installation) -> usize {
    let log = open_any(&nodes(on).urls(), NAMESPACE).await;
    nodes(on).leader(&log).await
}
