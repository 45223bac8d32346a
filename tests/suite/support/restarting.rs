//! Servers of one test that can be killed, frozen and started again. Their addresses for clients
//! stay the same.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use laureate::dev_stack::{Server, Stack, StackOptions};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::laureate;
use super::relay::Relay;

/// nats-server and PostgreSQL, each behind a relay.
pub struct Restarting {
    stack: Stack,
    options: StackOptions,
    nats: Relay,
    postgres: Relay,
    folder: TempDir,
}

impl Restarting {
    pub async fn start() -> Self {
        Self::start_in(TempDir::new().expect("a temporary folder")).await
    }

    /// Starts the servers with their data in `folder`.
    pub async fn start_in(folder: TempDir) -> Self {
        // PostgreSQL's user must be able to enter this folder if the tests run as root.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).expect("permitted");
        let options = StackOptions {
            supervisor: Some(laureate().to_path_buf()),
            ..StackOptions::persistent(folder.path())
        };
        let stack = Stack::start(options.clone()).await.expect("started");
        let servers = Self {
            stack,
            options,
            nats: Relay::start().await,
            postgres: Relay::start().await,
            folder,
        };
        for server in [Server::Nats, Server::Postgres] {
            servers.relay(server).forward_to(Some(servers.own(server)));
        }
        servers
    }

    /// Returns the URL of nats-server.
    pub fn nats_url(&self) -> String {
        format!("nats://{}", self.nats.address())
    }

    /// Returns the URL of the database.
    pub fn postgres_url(&self) -> String {
        let own = self.own(Server::Postgres).to_string();
        let relay = self.postgres.address().to_string();
        self.stack.postgres_url().replace(&own, &relay)
    }

    /// Returns the folder with the data and the logs of the servers.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sends a signal to a server.
    pub fn signal(&self, server: Server, signal: Signal) {
        let pids = self.stack.server_pids();
        let pid = match server {
            Server::Nats => pids.nats,
            Server::Postgres => pids.postgres,
        };
        let pid = Pid::from_raw(pid.expect("running").cast_signed()).expect("a process id");
        kill_process(pid, signal).expect("it exists");
    }

    /// Kills a server with SIGKILL. Connections fail until [`Self::start_again`].
    pub fn kill(&self, server: Server) {
        self.signal(server, Signal::KILL);
        self.relay(server).forward_to(None);
    }

    /// Starts a server with its previous data. Stops it before if it is running.
    pub async fn start_again(&mut self, server: Server) {
        self.relay(server).forward_to(None);
        self.stack
            .start_again(server, &self.options)
            .await
            .expect("started again");
        self.relay(server).forward_to(Some(self.own(server)));
    }

    fn relay(&self, server: Server) -> &Relay {
        match server {
            Server::Nats => &self.nats,
            Server::Postgres => &self.postgres,
        }
    }

    /// Returns the address on which the server itself listens.
    fn own(&self, server: Server) -> SocketAddr {
        let url = match server {
            Server::Nats => self.stack.nats_url(),
            Server::Postgres => self.stack.postgres_url(),
        };
        let authority = url.rsplit("//").next().expect("a URL");
        let address = authority.rsplit('@').next().expect("an authority");
        let address = address.split('/').next().expect("an address");
        address.parse().expect("an address with a port")
    }
}
