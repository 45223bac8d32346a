//! Sandbox for untrusted files. A separate process draws certificates with issuers' templates and
//! prepares uploaded designs. Infinite loops, excessive memory use and parser defects affect only
//! that process.
//!
//! The child is this program, started with the internal command `laureate sandbox-child`. It reads
//! one question from standard input, writes the answer to standard output and exits. It has no
//! other open file. Before it reads the question, it gives up privileges, access to the file system
//! and most system calls ([protections]), and it sets [limits] for memory and processor time. The
//! parent kills a child that takes too long, and it limits the size of the answer. A template can
//! access only virtual files whose bytes are in the question.

mod child;
mod designs;
mod ended;
mod limits;
mod probe;
mod protections;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod system_calls;
mod templates;
mod wire;

use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use child::intercept;
pub use probe::{Attempt, Probed};
pub use protections::{Landlock, Protections};
pub use templates::{Form, MAX_DRAWN, MAX_JOBS, NotDrawn, Question};

use ended::Ended;

/// Maximum number of simultaneous children of one [`Sandbox`] and its clones.
const AT_ONCE: usize = 2;
/// Wall-clock time that a child may use per second of processor time. On a busy machine, a process
/// has to wait for the processor.
const PATIENCE: u32 = 4;
/// Environment variable with the allocator settings of a child: one arena and no background thread.
const ALLOCATOR: (&str, &str) = (
    "_RJEM_MALLOC_CONF",
    "background_thread:false,percpu_arena:disabled,narenas:1",
);

/// Error of the sandbox itself. Defects of a template or design are reported in the answer instead.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The child can't be started, or it doesn't follow the protocol.
    #[error("no sandbox process could be used: {0}")]
    Process(#[from] io::Error),
    /// The question has more than [`MAX_JOBS`] certificates.
    #[error("a question must have at most {MAX_JOBS} certificates")]
    TooMany,
}

/// Task of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// Draws certificates with a template.
    Draw,
    /// Prepares a design.
    PrepareDesign,
    /// Reports the protections and tries one operation that they forbid.
    Probe,
}

impl Task {
    const ALL: [Self; 3] = [Self::Draw, Self::PrepareDesign, Self::Probe];

    /// Returns the name of the task on the child's command line.
    const fn name(self) -> &'static str {
        match self {
            Self::Draw => "draw",
            Self::PrepareDesign => "prepare-design",
            Self::Probe => "probe",
        }
    }
}

/// Limits for one question.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    /// Processor time in seconds.
    cpu_seconds: u64,
    /// Maximum size of the answer in bytes.
    answer: usize,
}

/// Starts child processes. Cloning is cheap. Clones share the limit of simultaneous children.
#[derive(Clone, Debug)]
pub struct Sandbox {
    program: PathBuf,
    slots: Arc<Semaphore>,
}

impl Sandbox {
    /// Creates a sandbox that starts the `laureate` binary at `program`.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Creates a sandbox that starts the current program.
    ///
    /// # Errors
    /// Fails if the path of the current program is unknown.
    pub fn of_this_program() -> io::Result<Self> {
        // On Linux, this is the running program, even if its file has since been replaced by a
        // newer one.
        let itself = PathBuf::from("/proc/self/exe");
        Ok(Self::new(if itself.exists() {
            itself
        } else {
            std::env::current_exe()?
        }))
    }

    /// Returns a sandbox for the same program with separate slots. Its users don't wait for the
    /// users of this one.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(self.program.clone())
    }

    /// Waits until a child may be started. The caller keeps the slot until the child has ended.
    async fn slot(&self) -> Result<OwnedSemaphorePermit, SandboxError> {
        Ok(self
            .slots
            .clone()
            .acquire_owned()
            .await
            .map_err(io::Error::other)?)
    }

    /// Sends `request` to a child. Returns its answer, or the reason why it ended without one. If
    /// the future is dropped, the child is killed.
    async fn ask(
        &self,
        _slot: &OwnedSemaphorePermit,
        task: Task,
        request: &[u8],
        allowance: Allowance,
    ) -> Result<Result<Vec<u8>, Ended>, SandboxError> {
        let child = self.start(task, allowance.cpu_seconds)?;
        let within = Duration::from_secs(allowance.cpu_seconds) * PATIENCE;
        let spoken = tokio::time::timeout(within, converse(child, request, allowance.answer)).await;
        let ended = match spoken {
            Err(_) => Ended::TooSlow,
            Ok(spoken) => {
                let (status, answer) = spoken?;
                match status.code() {
                    Some(0) => return Ok(Ok(answer)),
                    Some(child::FAILED) => {
                        return Err(io::Error::other("the child could not start its task").into());
                    }
                    _ => Ended::of(status),
                }
            }
        };
        metrics::counter!("laureate_sandbox_processes_ended_total", "task" => task.name(), "how" => ended.name())
            .increment(1);
        if ended == Ended::Forbidden {
            tracing::error!(
                task = task.name(),
                "sandbox process made a forbidden system call"
            );
        }
        Ok(Err(ended))
    }

    fn start(&self, task: Task, cpu_seconds: u64) -> io::Result<Child> {
        Command::new(&self.program)
            .arg(child::COMMAND)
            .arg(task.name())
            .arg(cpu_seconds.to_string())
            .env_clear()
            .env(ALLOCATOR.0, ALLOCATOR.1)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

/// Writes the question. Then reads until the child has ended or has written more than `most` bytes.
async fn converse(
    mut child: Child,
    request: &[u8],
    most: usize,
) -> io::Result<(ExitStatus, Vec<u8>)> {
    if let Some(mut input) = child.stdin.take() {
        // Writing fails if the child has ended. Its exit status is evaluated later.
        let _ = input.write_all(request).await;
    }
    let mut answer = Vec::new();
    if let Some(output) = child.stdout.take() {
        output
            .take(most as u64 + 1)
            .read_to_end(&mut answer)
            .await?;
    }
    if answer.len() > most {
        child.start_kill()?;
    }
    Ok((child.wait().await?, answer))
}
