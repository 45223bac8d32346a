//! Embedded local stack for `up`, `demo` and tests: nats-server, PostgreSQL and a mail catcher, on
//! free ports of 127.0.0.1. All data is in one folder.
//!
//! No server outlives this process, even if the process is killed ([`supervise`] explains the
//! mechanism). After a killed run, the data folder can be used again without manual steps.

mod data_dir;
mod error;
pub mod mail_catcher;
mod nats;
mod nats_cluster;
mod postgres;
mod postgres_cluster;
mod postgres_install;
mod programs;
mod s3;
mod server_process;
mod server_user;
pub mod supervise;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_dir::DataDir;
use mail_catcher::{MailCatcher, MailCatcherOptions};
use nats::Nats;
use postgres::Postgres;
use s3::S3;
use server_user::ServerUser;

pub use error::StackError;
pub use nats_cluster::NatsCluster;
pub use programs::{NATS_VARIABLE, POSTGRES_VARIABLE, nats_server};

/// Options of a stack.
#[derive(Clone, Default)]
pub struct StackOptions {
    /// Permanent data folder. `None` means a temporary folder, which is removed at the end.
    /// PostgreSQL then runs without protection against power failures.
    pub data_dir: Option<PathBuf>,
    /// Path of the nats-server binary. `None` means that the program searches for it.
    pub nats_server: Option<PathBuf>,
    /// Folder with `initdb` and `postgres`. `None` means that the program searches for it.
    pub postgres_bin: Option<PathBuf>,
    /// True if JetStream syncs data to disk before it acknowledges a message.
    pub sync_always: bool,
    /// Options of the mail catcher.
    pub mail: MailCatcherOptions,
    /// True to start an S3 server too, if `make test` has installed one.
    pub s3: bool,
    /// Path of the `laureate` binary, which supervises the servers. `None` means the current
    /// program. It must then be `laureate`, or call [`supervise::intercept`] first.
    pub supervisor: Option<PathBuf>,
}

impl StackOptions {
    /// Returns options for permanent data in `data_dir`. JetStream syncs data to disk before it
    /// acknowledges a message.
    pub fn persistent(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: Some(data_dir.into()),
            sync_always: true,
            ..Self::default()
        }
    }

    /// Returns options for tests: temporary data, a mail server that can simulate failures
    /// ([`mail_catcher::rehearsal`]), and an S3 server if one is installed.
    pub fn for_tests() -> Self {
        Self {
            mail: MailCatcherOptions {
                reply: mail_catcher::rehearsal(),
                ..MailCatcherOptions::default()
            },
            s3: true,
            ..Self::default()
        }
    }
}

/// Running servers. Dropping this value stops them and blocks until they have ended.
#[derive(Debug)]
pub struct Stack {
    nats: Nats,
    postgres: Postgres,
    s3: Option<S3>,
    mail: MailCatcher,
    // Dropped last: it is removed, or unlocked, after all its users have ended.
    data: DataDir,
}

/// Server of a stack that can be started again; see [`Stack::start_again`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// nats-server.
    Nats,
    /// PostgreSQL.
    Postgres,
}

/// Process ids of the servers themselves, without their supervisors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerPids {
    /// nats-server.
    pub nats: Option<u32>,
    /// Main process of PostgreSQL.
    pub postgres: Option<u32>,
}

impl Stack {
    /// Starts all servers and waits until they respond. This takes a few seconds for a new folder.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        let supervisor = supervisor(options.supervisor.clone())?;
        let data = match &options.data_dir {
            Some(path) => DataDir::open(path)?,
            None => DataDir::temporary(ServerUser::unless_ordinary()?)?,
        };
        let mail =
            MailCatcher::start(&data.folder("mail")?, options.mail.clone()).map_err(|source| {
                StackError::Io {
                    what: "cannot start the mail catcher".to_owned(),
                    source,
                }
            })?;
        let s3 = async {
            if options.s3 {
                s3::start(&data, &supervisor).await
            } else {
                Ok(None)
            }
        };
        // All are awaited even if one fails, so that the others are stopped in order.
        let (nats, postgres, s3) = tokio::join!(
            nats::start(&options, &data, &supervisor),
            postgres::start(&options, &data, &supervisor),
            s3
        );
        Ok(Self {
            nats: nats?,
            postgres: postgres?,
            s3: s3?,
            mail,
            data,
        })
    }

    /// Stops a server unless it has ended, and starts it with its previous data. Its URL changes,
    /// because the new process gets another port. `options` are those of [`Self::start`].
    ///
    /// # Errors
    /// Fails if the server can't be started.
    pub async fn start_again(
        &mut self,
        server: Server,
        options: &StackOptions,
    ) -> Result<(), StackError> {
        let supervisor = supervisor(options.supervisor.clone())?;
        match server {
            Server::Nats => self.nats = nats::start(options, &self.data, &supervisor).await?,
            Server::Postgres => {
                self.postgres = postgres::start(options, &self.data, &supervisor).await?;
            }
        }
        Ok(())
    }

    /// Returns the URL of nats-server, which has no user and no password.
    pub fn nats_url(&self) -> &str {
        &self.nats.url
    }

    /// Returns the URL of the database `laureate`. It is a secret, because it contains the
    /// password.
    pub fn postgres_url(&self) -> &str {
        &self.postgres.url
    }

    /// Returns the address of the mail catcher, which has no TLS and no login.
    pub fn smtp_addr(&self) -> SocketAddr {
        self.mail.address()
    }

    /// Returns the folder of caught messages. [`mail_catcher::caught_mails`] reads it.
    pub fn mail_dir(&self) -> &Path {
        self.mail.folder()
    }

    /// Returns the mail catcher.
    pub fn mail(&self) -> &MailCatcher {
        &self.mail
    }

    /// Returns the URL of the S3 server, if it was requested and is installed. The server accepts
    /// any credentials.
    pub fn s3_url(&self) -> Option<&str> {
        self.s3.as_ref().map(|s3| s3.url.as_str())
    }

    /// Returns the data folder.
    pub fn data_dir(&self) -> &Path {
        self.data.root()
    }

    /// Returns the process ids from the pid files of the servers.
    pub fn server_pids(&self) -> ServerPids {
        ServerPids {
            nats: pid_in(&self.nats.pid_file),
            postgres: pid_in(&self.postgres.pid_file),
        }
    }

    /// Returns the process ids of the supervisors. The server is the only child of its supervisor.
    pub fn supervisor_pids(&self) -> Vec<u32> {
        let s3 = self.s3.as_ref().map(|s3| &s3.process);
        [Some(&self.nats.process), Some(&self.postgres.process), s3]
            .into_iter()
            .flatten()
            .map(|process| process.supervisor_pid())
            .collect()
    }

    /// Waits until a server ends unexpectedly. Returns an error with the end of its log.
    pub async fn failed(&mut self) -> StackError {
        let mut ticks = tokio::time::interval(Duration::from_millis(250));
        loop {
            ticks.tick().await;
            let s3 = self.s3.as_mut().map(|s3| &mut s3.process);
            let processes = [
                Some(&mut self.nats.process),
                Some(&mut self.postgres.process),
                s3,
            ];
            for process in processes.into_iter().flatten() {
                if process.ended().is_some() {
                    return process.ended_error();
                }
            }
        }
    }

    /// Stops all servers in order, so that they can write their data to disk.
    pub async fn stop(self) {
        let Self {
            nats,
            postgres,
            s3,
            mail,
            data,
        } = self;
        let s3 = async {
            if let Some(s3) = s3 {
                s3.process.stop().await;
            }
        };
        tokio::join!(nats.process.stop(), postgres.process.stop(), s3);
        drop(mail);
        drop(data);
    }
}

/// Returns the path of the `laureate` binary: `named`, or the current program.
fn supervisor(named: Option<PathBuf>) -> Result<PathBuf, StackError> {
    named
        .map_or_else(std::env::current_exe, Ok)
        .map_err(|source| StackError::Io {
            what: "cannot find the path of this program".to_owned(),
            source,
        })
}

fn pid_in(file: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().next()?.trim().parse().ok()
}
