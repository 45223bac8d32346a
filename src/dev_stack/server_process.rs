//! One server process: started by a supervisor, monitored and stopped. If the server fails, the
//! error quotes its log.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::StackError;
use super::server_user::ServerUser;
use super::supervise::{Order, StopSignal};

/// Maximum number of bytes of a log that an error quotes.
const TAIL_BYTES: u64 = 4096;
const TAIL_LINES: usize = 25;
const POLL: Duration = Duration::from_millis(20);

/// Parameters for starting one server.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    /// Name of the server in messages for users.
    pub name: &'static str,
    pub command: Vec<OsString>,
    pub env: Vec<(&'static str, OsString)>,
    /// Log file. The output of the server is appended to it.
    pub log: PathBuf,
    pub stop_signal: StopSignal,
    /// Maximum time for the server to stop. After that, it is killed.
    pub grace: Duration,
    pub user: Option<ServerUser>,
    /// Path of the `laureate` binary, which runs as the supervisor.
    pub supervisor: &'a Path,
}

/// Server and its supervisor. Dropping this value stops the server and blocks until it has ended.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    name: &'static str,
    supervisor: Child,
    /// Pipe to the supervisor. When it closes, the supervisor stops the server.
    lifeline: Option<ChildStdin>,
    log: PathBuf,
    /// Offset in the log where the output of this run begins.
    log_start: u64,
    grace: Duration,
}

impl Launch<'_> {
    pub fn start(self) -> Result<ServerProcess, StackError> {
        let name = self.name;
        let failed = |source| StackError::Io {
            what: format!("cannot start {name}"),
            source,
        };
        let log = open_log(&self.log).map_err(failed)?;
        let log_start = log.metadata().map_err(failed)?.len();
        let order = Order {
            parent: std::process::id(),
            stop_signal: self.stop_signal,
            grace_seconds: self.grace.as_secs(),
            user: self.user,
            command: self.command,
        };
        let mut command = order.supervisor(self.supervisor);
        command
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            // Settings of the caller (PGPORT, LC_*, …) must not change the behaviour of a server.
            .env_clear()
            .envs(self.env)
            .env("LC_ALL", "C");
        for kept in ["PATH", "LD_LIBRARY_PATH", "TMPDIR"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        let mut supervisor = command.spawn().map_err(failed)?;
        Ok(ServerProcess {
            name,
            lifeline: supervisor.stdin.take(),
            supervisor,
            log: self.log,
            log_start,
            grace: self.grace,
        })
    }
}

fn open_log(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

impl ServerProcess {
    /// Returns the process id of the supervisor.
    pub fn supervisor_pid(&self) -> u32 {
        self.supervisor.id()
    }

    /// Returns the exit status if the server has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        // An error means that the child no longer exists.
        self.supervisor
            .try_wait()
            .unwrap_or_else(|_| Some(ExitStatus::default()))
    }

    /// Waits at most `limit` for a process that ends without a stop signal.
    pub async fn finish(mut self, limit: Duration) -> Result<(), StackError> {
        let start = Instant::now();
        loop {
            match self.ended() {
                Some(status) if status.success() => return Ok(()),
                Some(_) => return Err(self.ended_error()),
                None if start.elapsed() > limit => return Err(self.not_ready_error(limit)),
                None => tokio::time::sleep(POLL).await,
            }
        }
    }

    /// Stops the server and waits until it has ended.
    pub async fn stop(mut self) {
        self.lifeline = None;
        let start = Instant::now();
        while self.ended().is_none() && start.elapsed() < self.patience() {
            tokio::time::sleep(POLL).await;
        }
    }

    /// Returns the maximum time to wait for the supervisor. It is longer than `grace`, because the
    /// supervisor kills the server only after `grace`.
    fn patience(&self) -> Duration {
        self.grace + Duration::from_secs(5)
    }

    /// Returns the end of the log of this run.
    pub fn log_tail(&self) -> String {
        tail(&self.log, self.log_start).unwrap_or_default()
    }

    /// Waits a moment for a server that is not ready yet.
    ///
    /// # Errors
    /// Fails if the server has ended, or if more than `limit` has passed since `start`.
    pub async fn starting(&mut self, start: Instant, limit: Duration) -> Result<(), StackError> {
        if self.ended().is_some() {
            return Err(self.ended_error());
        }
        if start.elapsed() > limit {
            return Err(self.not_ready_error(limit));
        }
        tokio::time::sleep(POLL).await;
        Ok(())
    }

    pub fn ended_error(&self) -> StackError {
        StackError::Ended {
            server: self.name,
            log: self.log_tail(),
        }
    }

    pub fn not_ready_error(&self, limit: Duration) -> StackError {
        StackError::NotReady {
            server: self.name,
            seconds: limit.as_secs(),
            log: self.log_tail(),
        }
    }
}

impl Drop for ServerProcess {
    /// Blocks until the server has ended. After that, its files can be removed and its port can be
    /// reused.
    fn drop(&mut self) {
        self.lifeline = None;
        let start = Instant::now();
        while self.ended().is_none() {
            if start.elapsed() > self.patience() {
                let _ = self.supervisor.kill();
                let _ = self.supervisor.wait();
                return;
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "`drop` can't wait in another way"
            )]
            std::thread::sleep(POLL);
        }
    }
}

fn tail(log: &Path, from: u64) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(from.max(length.saturating_sub(TAIL_BYTES))))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n"))
}

/// Stops a server of an earlier run, if `pid_file` contains its process id. Another program may
/// have that process id now. So the process is stopped only if its command line contains `marker`
/// (the data folder). The caller must have locked the data folder, so no other stack uses that
/// server.
pub(crate) async fn stop_leftover(pid_file: &Path, marker: &Path, stop_signal: Signal) {
    let pid = fs::read_to_string(pid_file)
        .ok()
        .and_then(|text| text.lines().next()?.trim().parse().ok())
        .and_then(Pid::from_raw);
    if let Some(pid) = pid.filter(|pid| runs_with(*pid, marker)) {
        tracing::warn!(
            pid = pid.as_raw_nonzero().get(),
            "stopping a server of an earlier run"
        );
        let _ = kill_process(pid, stop_signal);
        if !gone_within(pid, Duration::from_secs(10)).await {
            let _ = kill_process(pid, Signal::KILL);
            gone_within(pid, Duration::from_secs(5)).await;
        }
    }
    let _ = fs::remove_file(pid_file);
}

async fn gone_within(pid: Pid, limit: Duration) -> bool {
    let start = Instant::now();
    while test_kill_process(pid).is_ok() && !is_zombie(pid) {
        if start.elapsed() > limit {
            return false;
        }
        tokio::time::sleep(POLL).await;
    }
    true
}

#[cfg(target_os = "linux")]
fn runs_with(pid: Pid, marker: &Path) -> bool {
    let marker = marker.as_os_str().as_encoded_bytes();
    fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero()))
        .is_ok_and(|line| line.windows(marker.len()).any(|part| part == marker))
}

#[cfg(target_os = "linux")]
fn is_zombie(pid: Pid) -> bool {
    // "pid (name) state …": the name may contain any character, so this reads after the last
    // parenthesis.
    fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))
        .is_ok_and(|stat| stat.rsplit(')').next().unwrap_or("").starts_with(" Z"))
}

#[cfg(not(target_os = "linux"))]
fn runs_with(pid: Pid, marker: &Path) -> bool {
    ps(pid, "command=").contains(&*marker.to_string_lossy())
}

#[cfg(not(target_os = "linux"))]
fn is_zombie(pid: Pid) -> bool {
    ps(pid, "state=").starts_with('Z')
}

#[cfg(not(target_os = "linux"))]
fn ps(pid: Pid, column: &str) -> String {
    std::process::Command::new("ps")
        .args(["-ww", "-o", column, "-p"])
        .arg(pid.as_raw_nonzero().to_string())
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_tail_contains_only_the_last_lines_of_this_run() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        fs::write(&log, "old\nnew 1\nnew 2\n").unwrap();
        assert_eq!(tail(&log, 4).unwrap(), "new 1\nnew 2");
        let long: String = (0..2000).map(|n| format!("line {n}\n")).collect();
        fs::write(&log, long).unwrap();
        let text = tail(&log, 0).unwrap();
        assert_eq!(text.lines().count(), TAIL_LINES);
        assert!(text.ends_with("line 1999"));
    }

    #[tokio::test]
    async fn process_of_another_program_with_the_recorded_pid_is_not_killed() {
        let folder = tempfile::tempdir().unwrap();
        let pid_file = folder.path().join("pid");
        fs::write(&pid_file, format!("{}\n", std::process::id())).unwrap();
        let marker = folder.path().join("no-such-data");
        stop_leftover(&pid_file, &marker, Signal::KILL).await;
        assert!(!pid_file.exists());
    }
}
