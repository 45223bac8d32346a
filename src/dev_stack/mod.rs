//! Embedded local stack for `up`, `demo` and tests: nats-server, PostgreSQL and a mail catcher, on
//! free ports of 127.0.0.1, with their data in one folder.
//!
//! No server outlives this process, however it ends ([`supervise`] explains the mechanism). If the
//! last user of a folder was killed, the folder can be used again without manual steps.

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
    /// Permanent data folder. `None`: a temporary folder that is removed at the end. PostgreSQL
    /// then runs without protection against a power failure.
    pub data_dir: Option<PathBuf>,
    /// The nats-server binary. `None`: it is searched for.
    pub nats_server: Option<PathBuf>,
    /// Folder with `initdb` and `postgres`. `None`: it is searched for.
    pub postgres_bin: Option<PathBuf>,
    /// True if JetStream syncs data to disk before it acknowledges.
    pub sync_always: bool,
    /// Options of the mail catcher.
    pub mail: MailCatcherOptions,
    /// True if an S3 server is started, too, provided that `make test` has installed one.
    pub s3: bool,
    /// The `laureate` binary, which supervises the servers. `None`: this program, which then must
    /// be `laureate` or call [`supervise::intercept`] first.
    pub supervisor: Option<PathBuf>,
}

impl StackOptions {
    /// Returns options for permanent data in `data_dir`. JetStream syncs to disk before it
    /// acknowledges.
    pub fn persistent(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: Some(data_dir.into()),
            sync_always: true,
            ..Self::default()
        }
    }

    /// Returns options for tests: temporary data, a mail server whose failures can be rehearsed
    /// ([`mail_catcher::rehearsal`]), and an S3 server if it is installed.
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

/// Running servers. Dropping it stops them and blocks until they have ended.
#[derive(Debug)]
pub struct Stack {
    nats: Nats,
    postgres: Postgres,
    s3: Option<S3>,
    mail: MailCatcher,
    // Dropped last: it is removed, or unlocked, after all its users have ended.
    data: DataDir,
}

/// Process ids of the servers, not of their supervisors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerPids {
    /// nats-server.
    pub nats: Option<u32>,
    /// First process of PostgreSQL.
    pub postgres: Option<u32>,
}

impl Stack {
    /// Starts all servers, and returns when they respond. Takes a few seconds with a new folder.
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

    /// Returns the address of nats-server. It has no user or password.
    pub fn nats_url(&self) -> &str {
        &self.nats.url
    }

    /// Returns the URL of the database `laureate`. It contains user and password and is a secret.
    pub fn postgres_url(&self) -> &str {
        &self.postgres.url
    }

    /// Returns the address of the mail catcher. It uses no TLS and no login.
    pub fn smtp_addr(&self) -> SocketAddr {
        self.mail.address()
    }

    /// Returns the folder of caught messages; see [`mail_catcher::caught_mails`].
    pub fn mail_dir(&self) -> &Path {
        self.mail.folder()
    }

    /// Returns the mail catcher.
    pub fn mail(&self) -> &MailCatcher {
        &self.mail
    }

    /// Returns the URL of the S3 server, if it was requested and is installed. It accepts any
    /// credentials.
    pub fn s3_url(&self) -> Option<&str> {
        self.s3.as_ref().map(|s3| s3.url.as_str())
    }

    /// Returns the data folder.
    pub fn data_dir(&self) -> &Path {
        self.data.root()
    }

    /// Returns the process ids that the servers have written to their pid files.
    pub fn server_pids(&self) -> ServerPids {
        ServerPids {
            nats: pid_in(&self.nats.pid_file),
            postgres: pid_in(&self.postgres.pid_file),
        }
    }

    /// Returns the process ids of the supervisors. Each has one server as its child.
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

    /// Stops all servers in order, so that they write their data to disk.
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

/// Returns the path of the `laureate` binary: `named`, or this program.
fn supervisor(named: Option<PathBuf>) -> Result<PathBuf, StackError> {
    named
        .map_or_else(std::env::current_exe, Ok)
        .map_err(|source| StackError::Io {
            what: "cannot tell where this program is".to_owned(),
            source,
        })
}

fn pid_in(file: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().next()?.trim().parse().ok()
}
