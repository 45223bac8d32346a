//! PostgreSQL on a free port of 127.0.0.1, with a generated password and without Unix sockets.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio_postgres::NoTls;

use super::data_dir::DataDir;
use super::postgres_cluster::{Cluster, DATABASE, ROLE};
use super::server_process::{Launch, ServerProcess, stop_leftover};
use super::supervise::StopSignal;
use super::{StackError, StackOptions};

/// Crash recovery replays the write-ahead log before the server responds.
const READY_WITHIN: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);
/// Another program may take the free port between the search and the start of the server.
const PORT_ATTEMPTS: u32 = 5;

/// Running PostgreSQL.
#[derive(Debug)]
pub(crate) struct Postgres {
    pub process: ServerProcess,
    pub url: String,
    pub pid_file: PathBuf,
}

pub(crate) async fn start(
    options: &StackOptions,
    data: &DataDir,
    supervisor: &Path,
) -> Result<Postgres, StackError> {
    let cluster = Cluster::open(options, data, supervisor).await?;
    let pid_file = cluster.data.join("postmaster.pid");
    stop_leftover(&pid_file, &cluster.data, Signal::INT).await;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let port = free_port()?;
        let mut process = launch(&cluster, data, supervisor, port).start()?;
        match ready(&mut process, &cluster, port).await {
            Ok(url) => {
                return Ok(Postgres {
                    process,
                    url,
                    pid_file,
                });
            }
            Err(error) if attempt < PORT_ATTEMPTS && worth_retrying(&error) => {
                tracing::debug!(attempt, "PostgreSQL could not start yet, trying again");
                drop(process);
                tokio::time::sleep(POLL * 10 * attempt).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Returns true if the port was taken, or if processes of a killed server still hold its shared
/// memory.
fn worth_retrying(error: &StackError) -> bool {
    matches!(error, StackError::Ended { log, .. }
        if log.contains("Address already in use") || log.contains("is still in use"))
}

/// Returns a port that is free at this moment.
pub(crate) fn free_port() -> Result<u16, StackError> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| StackError::Io {
            what: "cannot find a free port on 127.0.0.1".to_owned(),
            source,
        })
}

fn launch<'a>(cluster: &Cluster, data: &DataDir, supervisor: &'a Path, port: u16) -> Launch<'a> {
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        "max_connections=200".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
        // Statements and error details may contain personal data, which the log must not.
        "log_min_error_statement=panic".to_owned(),
        "log_error_verbosity=terse".to_owned(),
    ];
    if data.is_temporary() {
        settings.extend(
            [
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
            ]
            .map(str::to_owned),
        );
    }
    let mut command = vec![
        cluster.programs.bin.join("postgres").into(),
        "-D".into(),
        cluster.data.clone().into(),
    ];
    for setting in settings {
        command.extend(["-c".into(), setting.into()]);
    }
    Launch {
        name: "PostgreSQL",
        command,
        env: Vec::new(),
        log: data.root().join("postgres.log"),
        stop_signal: if data.is_temporary() {
            StopSignal::Quit
        } else {
            StopSignal::Interrupt
        },
        grace: Duration::from_secs(30),
        user: cluster.user,
        supervisor,
    }
}

/// Waits until the server responds, creates our database and returns its URL.
async fn ready(
    process: &mut ServerProcess,
    cluster: &Cluster,
    port: u16,
) -> Result<String, StackError> {
    let base = format!("postgres://{ROLE}:{}@127.0.0.1:{port}", cluster.password);
    let start = Instant::now();
    loop {
        // Before the server has written its port, another program could respond on it.
        if port_in(&cluster.data) == Some(port)
            && create_database(&format!("{base}/postgres")).await.is_ok()
        {
            return Ok(format!("{base}/{DATABASE}"));
        }
        process.starting(start, READY_WITHIN).await?;
    }
}

/// Returns the port from the fourth line of `postmaster.pid`. The file is readable: we own it, or
/// we are root.
fn port_in(data: &Path) -> Option<u16> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    text.lines().nth(3)?.trim().parse().ok()
}

async fn create_database(url: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let work = async move {
        let found = client
            .query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&DATABASE])
            .await?;
        if found.is_none() {
            client
                .batch_execute(&format!("CREATE DATABASE {DATABASE}"))
                .await?;
        }
        Ok(())
    };
    tokio::select! {
        done = work => done,
        ended = connection => ended,
    }
}
