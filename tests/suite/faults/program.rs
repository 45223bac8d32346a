//! One `laureate serve` process with one role.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use laureate::app::Role;
use laureate::dev_stack::supervise::bound_to_us;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{hold, laureate};

/// Longest time from SIGTERM to the end of a process.
const STOPPED_WITHIN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// Process that can be killed and started again with the same addresses.
pub struct Program {
    pub role: Role,
    /// Path of the executable.
    pub build: PathBuf,
    /// Address of the API. Other roles don't use it.
    pub listen: String,
    /// Address of the management listener.
    pub management: String,
    environment: Vec<(String, String)>,
    log: PathBuf,
    child: Option<Child>,
}

impl Program {
    /// Starts a process of `build`. Its log is in `folder`.
    pub fn start(
        role: Role,
        build: &Path,
        environment: Vec<(String, String)>,
        folder: &Path,
    ) -> Self {
        let name = build.file_name().expect("an executable").to_string_lossy();
        let log = folder.join(format!("{role:?}-{name}.log").to_lowercase());
        let mut program = Self {
            role,
            build: build.to_owned(),
            listen: free_address(),
            management: free_address(),
            environment,
            log,
            child: None,
        };
        program.start_again();
        program
    }

    /// Starts the process after it was killed or stopped.
    pub fn start_again(&mut self) {
        assert!(self.child.is_none(), "{:?} is running", self.role);
        let log = open(&self.log);
        let role = format!("{:?}", self.role).to_lowercase();
        let arguments = ["serve", "--roles", &role];
        let mut command = command(&self.build, &self.environment, &arguments);
        command
            .env("LAUREATE_HTTP__LISTEN", &self.listen)
            .env("LAUREATE_MANAGEMENT__LISTEN", &self.management)
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log);
        self.child = Some(command.spawn().expect("the program starts"));
    }

    /// Kills the process with SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it exists");
            child.wait().expect("a child");
        }
    }

    /// Sends SIGTERM and waits until the process has ended. Returns its exit code, or `None` if it
    /// had to be killed.
    pub async fn stop(&mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        let mut child = self.child.take()?;
        let start = Instant::now();
        while start.elapsed() < STOPPED_WITHIN {
            if let Some(status) = child.try_wait().expect("a child") {
                return status.code();
            }
            hold(LOOK).await;
        }
        child.kill().expect("it exists");
        child.wait().expect("a child");
        None
    }

    pub fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("running");
        let pid = Pid::from_raw(child.id().cast_signed()).expect("a process id");
        kill_process(pid, signal).expect("it exists");
    }

    /// Returns a description if the process has ended although it was not killed. Then starts it
    /// again, as a supervisor does.
    pub fn check(&mut self) -> Option<String> {
        let status = self.child.as_mut()?.try_wait().expect("a child")?;
        self.child = None;
        self.start_again();
        Some(format!("{:?} has ended by itself: {status}", self.role))
    }

    /// Returns the status and body of `/health/ready`, or `None` without an answer.
    pub async fn readiness(&self, client: &reqwest::Client) -> Option<(u16, Value)> {
        let url = format!("http://{}/health/ready", self.management);
        let request = client.get(url).timeout(Duration::from_secs(10));
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.unwrap_or_default()))
    }

    /// Copies the log of the process to `folder`.
    pub fn keep_log(&self, folder: &Path) {
        let name = self.log.file_name().expect("a file");
        std::fs::write(folder.join(name), self.logged()).expect("written");
    }

    /// Returns everything that the process has logged.
    pub fn logged(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Returns the executable of the next version, if the tests got one.
pub fn next_build() -> Option<PathBuf> {
    std::env::var_os("LAUREATE_TEST_FAULTS_NEXT").map(PathBuf::from)
}

/// Returns the command `build` with only these environment variables. On Linux, the process gets
/// SIGTERM when the test ends.
pub fn command(build: &Path, environment: &[(String, String)], arguments: &[&str]) -> Command {
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let mut command = bound_to_us(laureate(), build.as_os_str(), &arguments);
    command
        .env_clear()
        .envs(environment.iter().cloned())
        .stdin(Stdio::null());
    command
}

/// Returns an address that is free now and that no other call returns. Its port is below the range
/// from which the kernel assigns ports, so that it stays free while the process is down.
fn free_address() -> String {
    static NEXT: LazyLock<AtomicU16> =
        LazyLock::new(|| AtomicU16::new(rand::random_range(10_000..30_000)));
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return listener.local_addr().expect("bound").to_string();
        }
    }
}

fn open(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    options.open(path).expect("a log file")
}
