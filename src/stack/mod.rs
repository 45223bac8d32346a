//! The embedded local stack for `up`, `demo` and tests: nats-server, PostgreSQL and a mail catcher,
//! on free ports of 127.0.0.1, with their data in one folder.
//!
//! None of them outlives this process, however it ends ([`supervise`] says how), and a folder whose
//! last user was killed is taken over without questions.

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
pub use programs::{NATS_VARIABLE, POSTGRES_VARIABLE};

/// What a stack shall be like.
#[derive(Clone, Default)]
pub struct StackOptions {
    /// Kept over runs. `None`: a temporary folder, removed at the end, whose PostgreSQL takes no care
    /// to survive a power failure.
    pub data_dir: Option<PathBuf>,
    /// The nats-server binary; searched for if `None`.
    pub nats_server: Option<PathBuf>,
    /// The folder with `initdb` and `postgres`; searched for if `None`.
    pub postgres_bin: Option<PathBuf>,
    /// Whether JetStream acknowledges only what is on disk.
    pub sync_always: bool,
    /// What the mail catcher accepts.
    pub mail: MailCatcherOptions,
    /// Whether to start an S3 server too, if `make test` has installed one.
    pub s3: bool,
    /// The `laureate` binary, which supervises the servers. `None`: this program, which then must be
    /// `laureate` or call [`supervise::intercept`] first.
    pub supervisor: Option<PathBuf>,
}

impl StackOptions {
    /// Data that stay in `data_dir`; what JetStream acknowledges is on disk.
    pub fn persistent(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: Some(data_dir.into()), sync_always: true, ..Self::default() }
    }

    /// For tests: nothing stays, failures of the mail server can be rehearsed
    /// ([`mail_catcher::rehearsal`]), and there is an S3 server if it is installed.
    pub fn for_tests() -> Self {
        Self {
            mail: MailCatcherOptions { reply: mail_catcher::rehearsal(), ..MailCatcherOptions::default() },
            s3: true,
            ..Self::default()
        }
    }
}

/// Running servers. Dropping it stops them and blocks until they are gone.
#[derive(Debug)]
pub struct Stack {
    nats: Nats,
    postgres: Postgres,
    s3: Option<S3>,
    mail: MailCatcher,
    // The last to be dropped: it is removed, or unlocked, when nobody uses it any more.
    data: DataDir,
}

/// Process ids of the servers themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerPids {
    /// nats-server.
    pub nats: Option<u32>,
    /// PostgreSQL's first process.
    pub postgres: Option<u32>,
}

impl Stack {
    /// Starts all servers and returns when they answer. Takes a few seconds on a new folder.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        let supervisor = supervisor(options.supervisor.clone())?;
        let data = match &options.data_dir {
            Some(path) => DataDir::open(path)?,
            None => DataDir::temporary(ServerUser::unless_ordinary()?)?,
        };
        let mail = MailCatcher::start(&data.folder("mail")?, options.mail.clone())
            .map_err(|source| StackError::Io { what: "cannot start the mail catcher".to_owned(), source })?;
        let s3 = async { if options.s3 { s3::start(&data, &supervisor).await } else { Ok(None) } };
        // All are awaited even if one fails, so that the others are stopped in an orderly way.
        let (nats, postgres, s3) = tokio::join!(
            nats::start(&options, &data, &supervisor),
            postgres::start(&options, &data, &supervisor),
            s3
        );
        Ok(Self { nats: nats?, postgres: postgres?, s3: s3?, mail, data })
    }

    /// Without user or password.
    pub fn nats_url(&self) -> &str {
        &self.nats.url
    }

    /// The database `laureate`, with user and password: a secret.
    pub fn postgres_url(&self) -> &str {
        &self.postgres.url
    }

    /// Where the mail catcher listens, without TLS or login.
    pub fn smtp_addr(&self) -> SocketAddr {
        self.mail.address()
    }

    /// Where caught messages are, see [`mail_catcher::caught_mails`].
    pub fn mail_dir(&self) -> &Path {
        self.mail.folder()
    }

    /// The mail catcher itself.
    pub fn mail(&self) -> &MailCatcher {
        &self.mail
    }

    /// The S3 server, if one was asked for and is installed. It takes any credentials.
    pub fn s3_url(&self) -> Option<&str> {
        self.s3.as_ref().map(|s3| s3.url.as_str())
    }

    /// Where everything is kept.
    pub fn data_dir(&self) -> &Path {
        self.data.root()
    }

    /// As the servers have written them down.
    pub fn server_pids(&self) -> ServerPids {
        ServerPids { nats: pid_in(&self.nats.pid_file), postgres: pid_in(&self.postgres.pid_file) }
    }

    /// The supervisors' process ids; each has one server as its child.
    pub fn supervisor_pids(&self) -> Vec<u32> {
        let s3 = self.s3.as_ref().map(|s3| &s3.process);
        [Some(&self.nats.process), Some(&self.postgres.process), s3]
            .into_iter()
            .flatten()
            .map(|process| process.supervisor_pid())
            .collect()
    }

    /// Resolves when a server has ended that nobody stopped, with the end of its log.
    pub async fn failed(&mut self) -> StackError {
        let mut ticks = tokio::time::interval(Duration::from_millis(250));
        loop {
            ticks.tick().await;
            let s3 = self.s3.as_mut().map(|s3| &mut s3.process);
            let processes = [Some(&mut self.nats.process), Some(&mut self.postgres.process), s3];
            for process in processes.into_iter().flatten() {
                if process.ended().is_some() {
                    return process.ended_error();
                }
            }
        }
    }

    /// Stops all servers in order: they write out what they hold.
    pub async fn stop(self) {
        let Self { nats, postgres, s3, mail, data } = self;
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

/// The `laureate` binary: the one named, or this program.
fn supervisor(named: Option<PathBuf>) -> Result<PathBuf, StackError> {
    named
        .map_or_else(std::env::current_exe, Ok)
        .map_err(|source| StackError::Io { what: "cannot tell where this program is".to_owned(), source })
}

fn pid_in(file: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().next()?.trim().parse().ok()
}
