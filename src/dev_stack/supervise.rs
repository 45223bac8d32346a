//! Supervisor: a small process between this program and each server. No server outlives this
//! program.
//!
//! `laureate supervise …` is an internal command. It starts one server and stops it when the
//! supervisor's standard input closes. The kernel closes that pipe when the parent process ends,
//! even after `kill -9`. The supervisor also checks regularly that its parent still exists. If the
//! supervisor itself is killed on Linux, the server gets its stop signal (parent death signal).
//! That setting is lost when a process changes its user, and it depends on the *thread* that
//! started the process. So there is a second command, `supervise-exec`, which the supervisor starts
//! from its only thread. It changes the user, sets the death signal and then executes the server.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::str::FromStr;
use std::time::Duration;

use rustix::process::{Pid, Signal, getppid, kill_process};
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};

use super::server_user::ServerUser;

const SUPERVISE: &str = "supervise";
const EXEC: &str = "supervise-exec";
/// Interval at which the supervisor checks that its parent is still the same process.
const PARENT_CHECK: Duration = Duration::from_secs(1);

/// Signal that asks a server to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// Fast shutdown of PostgreSQL: sessions end, and data is written to disk.
    Interrupt,
    /// Immediate shutdown of PostgreSQL, for data that will be deleted.
    Quit,
    /// Stop signal of most other servers.
    Terminate,
}

impl StopSignal {
    fn signal(self) -> Signal {
        match self {
            Self::Interrupt => Signal::INT,
            Self::Quit => Signal::QUIT,
            Self::Terminate => Signal::TERM,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "INT",
            Self::Quit => "QUIT",
            Self::Terminate => "TERM",
        }
    }
}

impl FromStr for StopSignal {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Interrupt, Self::Quit, Self::Terminate]
            .into_iter()
            .find(|signal| signal.name() == text)
            .ok_or(())
    }
}

/// Order to a supervisor. It is passed on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// Process id of the parent. The server is stopped when the parent ends.
    pub parent: u32,
    pub stop_signal: StopSignal,
    /// Seconds between the stop signal and SIGKILL.
    pub grace_seconds: u64,
    /// User that the server runs as. `None` means the current user.
    pub user: Option<ServerUser>,
    /// Program and arguments.
    pub command: Vec<OsString>,
}

impl Order {
    fn args(&self, step: &str) -> Vec<OsString> {
        let user = self
            .user
            .map_or_else(|| "-".to_owned(), |user| user.to_string());
        let mut args: Vec<OsString> = [
            step.to_owned(),
            self.parent.to_string(),
            self.stop_signal.name().to_owned(),
            self.grace_seconds.to_string(),
            user,
        ]
        .into_iter()
        .map(OsString::from)
        .collect();
        args.extend(self.command.iter().cloned());
        args
    }

    fn parse(mut args: impl Iterator<Item = OsString>) -> Option<Self> {
        let parent = text(args.next())?.parse().ok()?;
        let stop_signal = text(args.next())?.parse().ok()?;
        let grace_seconds = text(args.next())?.parse().ok()?;
        let user = match text(args.next())?.as_str() {
            "-" => None,
            user => Some(user.parse().ok()?),
        };
        let command: Vec<OsString> = args.collect();
        (!command.is_empty()).then_some(Self {
            parent,
            stop_signal,
            grace_seconds,
            user,
            command,
        })
    }

    /// Returns the command that starts a supervisor with this order. Its standard input is a pipe,
    /// which the caller must keep open while the server is needed.
    pub fn supervisor(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(self.args(SUPERVISE)).stdin(Stdio::piped());
        // Its own process group: Ctrl-C must reach only us, so that we can finish before the
        // servers end.
        command.process_group(0);
        command
    }
}

/// Returns a command that runs `program`. On Linux, the program gets SIGTERM when the calling
/// thread ends. On other systems, it is not bound to the thread. `supervisor` is the path of the
/// `laureate` binary.
pub fn bound_to_us(supervisor: &Path, program: &OsStr, args: &[OsString]) -> Command {
    let mut order = Order {
        parent: std::process::id(),
        stop_signal: StopSignal::Terminate,
        grace_seconds: 0,
        user: None,
        command: vec![program.to_owned()],
    };
    order.command.extend(args.iter().cloned());
    let mut command = Command::new(supervisor);
    command.args(order.args(EXEC));
    command
}

/// Runs a supervisor if this process was started as one. `main` must call this before it creates
/// other threads, because a change of user applies to one thread only.
pub fn intercept() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    let step = args.next()?;
    if step != SUPERVISE && step != EXEC {
        return None;
    }
    let outcome = match Order::parse(args) {
        None => Err(io::Error::other("this command is internal to laureate")),
        Some(order) if step == EXEC => Err(become_server(&order)),
        Some(order) => watch_over(order),
    };
    Some(outcome.unwrap_or_else(|error| {
        report(&error);
        ExitCode::from(126)
    }))
}

#[expect(
    clippy::print_stderr,
    reason = "standard error is the server's log file here; its end is shown if a start fails"
)]
fn report(error: &io::Error) {
    eprintln!("laureate supervise: {error}");
}

fn text(arg: Option<OsString>) -> Option<String> {
    arg?.into_string().ok()
}

fn is_child_of(parent: u32) -> bool {
    getppid().is_some_and(|pid| pid.as_raw_nonzero().get().unsigned_abs() == parent)
}

/// Changes the user, sets the death signal and executes the server. Returns only if that fails.
fn become_server(order: &Order) -> io::Error {
    let program = &order.command[0]; // proof: `Order::parse` refuses an empty command
    let mut server = Command::new(program);
    server.args(&order.command[1..]);
    if let Err(error) = prepare(order, &mut server) {
        return error;
    }
    if !is_child_of(order.parent) {
        return io::Error::other("the parent process is gone");
    }
    let error = server.exec();
    io::Error::new(
        error.kind(),
        format!("cannot run {}: {error}", program.display()),
    )
}

/// Changes the user first, because that clears the death signal.
#[cfg(target_os = "linux")]
fn prepare(order: &Order, _: &mut Command) -> io::Result<()> {
    if let Some(user) = order.user {
        user.assume().map_err(|error| {
            io::Error::new(error.kind(), format!("cannot run as user {user}: {error}"))
        })?;
    }
    rustix::process::set_parent_process_death_signal(Some(order.stop_signal.signal()))?;
    Ok(())
}

/// Changes the user. This system has no death signal, so only the checks of the supervisor protect
/// against leftover servers.
#[cfg(not(target_os = "linux"))]
fn prepare(order: &Order, server: &mut Command) -> io::Result<()> {
    if let Some(user) = order.user {
        server.uid(user.uid).gid(user.gid);
    }
    Ok(())
}

fn watch_over(order: Order) -> io::Result<ExitCode> {
    // A single thread, so that the thread that starts the server lives as long as this process.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stdin = std::io::stdin().as_fd().try_clone_to_owned()?;
        let parent_pipe = pipe::Receiver::from_owned_fd(stdin)?;
        let mut signals = [
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ];
        let inner = Order {
            parent: std::process::id(),
            ..order.clone()
        };
        let mut server = tokio::process::Command::new(std::env::current_exe()?)
            .args(inner.args(EXEC))
            .stdin(Stdio::null())
            .current_dir("/")
            .kill_on_drop(true)
            .spawn()?;
        let [interrupt, terminate, hangup] = &mut signals;
        tokio::select! {
            status = server.wait() => return Ok(exit_code(status?)),
            () = closed(&parent_pipe) => {}
            () = orphaned(order.parent) => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        stop(&order, &mut server).await
    })
}

async fn stop(order: &Order, server: &mut tokio::process::Child) -> io::Result<ExitCode> {
    let pid = server.id().and_then(|id| Pid::from_raw(id as i32));
    if let Some(pid) = pid {
        // The server may have ended at this moment. Then there is nothing to stop.
        let _ = kill_process(pid, order.stop_signal.signal());
    }
    let grace = Duration::from_secs(order.grace_seconds);
    if let Ok(status) = tokio::time::timeout(grace, server.wait()).await {
        return Ok(exit_code(status?));
    }
    server.kill().await?;
    Ok(ExitCode::from(137))
}

/// Waits until the other end of `pipe` is closed. Ignores all data from it.
async fn closed(pipe: &pipe::Receiver) {
    let mut buffer = [0; 64];
    loop {
        if pipe.readable().await.is_err() {
            return;
        }
        match pipe.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

async fn orphaned(parent: u32) {
    let mut ticks = tokio::time::interval(PARENT_CHECK);
    while is_child_of(parent) {
        ticks.tick().await;
    }
}

/// Returns the exit code in the convention of shells: the exit code of the process, or 128 plus the
/// signal number.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_unchanged_after_encoding_as_arguments() {
        let order = Order {
            parent: 42,
            stop_signal: StopSignal::Quit,
            grace_seconds: 7,
            user: Some(ServerUser { uid: 65534, gid: 1 }),
            command: vec!["postgres".into(), "-D".into(), "a b".into()],
        };
        let mut args = order.args(SUPERVISE).into_iter();
        assert_eq!(args.next().unwrap(), SUPERVISE);
        assert_eq!(Order::parse(args), Some(order));
    }

    #[test]
    fn an_order_without_a_command_is_refused() {
        let args = ["1", "TERM", "5", "-"].map(OsString::from);
        assert_eq!(Order::parse(args.into_iter()), None);
    }
}
