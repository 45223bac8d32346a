//! The whole product as for its users: `laureate up` in its own process, used over HTTP.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use laureate::cli::demo::client::Client;
use laureate::domain::Secret;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::ground::{PATIENCE, data_folder};

/// Running product with no data except an administrator.
pub struct Product {
    /// Client that is logged in as the administrator.
    pub client: Client,
    /// Process id of the product. The servers are its descendants.
    pub process: u32,
    child: Child,
    _folder: TempDir,
}

impl Product {
    /// Starts the product and waits until it is ready.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = data_folder()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_laureate"));
        command
            .arg("up")
            .arg("--data-dir")
            .arg(folder.path().join("data"));
        command.args(["--listen", "127.0.0.1:0", "--set", "log=warn"]);
        // The log matters only if the product fails to start. Its last line then contains the
        // reason.
        let log = std::fs::File::create(folder.path().join("log"))?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().context("its output is not to be had")?;
        let said = BufReader::new(stdout).lines();
        let announced = tokio::time::timeout(Duration::from_secs(120), announcement(said)).await;
        let (address, email, password) = announced
            .context("laureate up did not start in time")?
            .context("laureate up did not start")?;
        let mut client = Client::new(address, "/api/v1")?;
        client.wait_until_ready(PATIENCE).await?;
        client.log_in(&email, &password).await?;
        let process = child.id().context("it has ended")?;
        Ok(Self {
            client,
            process,
            child,
            _folder: folder,
        })
    }

    /// Stops the product like Ctrl-C.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let id = i32::try_from(self.process)
            .ok()
            .and_then(Pid::from_raw)
            .context("no process id")?;
        kill_process(id, Signal::INT)?;
        let status = tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await??;
        ensure!(status.success(), "laureate up ended with {status}");
        Ok(())
    }
}

/// Returns the address, the e-mail address and the password that `laureate up` prints.
async fn announcement(
    mut said: Lines<BufReader<ChildStdout>>,
) -> anyhow::Result<(SocketAddr, String, Secret)> {
    let mut address = None;
    let mut login = None;
    while let Some(line) = said.next_line().await? {
        if let Some(rest) = line.strip_prefix("Laureate is at http://") {
            address = rest
                .split_whitespace()
                .next()
                .and_then(|address| address.parse().ok());
        } else if let Some(rest) = line.strip_prefix("log in as ") {
            login = rest.split_once(" with password ").map(|(email, rest)| {
                let password = rest.split_whitespace().next().unwrap_or_default();
                (email.to_owned(), Secret::new(password.to_owned()))
            });
        } else if line.starts_with("stop with") {
            break;
        }
    }
    let (email, password) = login.context("it did not say whom to log in as")?;
    Ok((
        address.context("it did not say where it listens")?,
        email,
        password,
    ))
}
