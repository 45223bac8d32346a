//! Work on files that strangers wrote, in a process of its own: drawing by issuers' templates, and preparing
//! uploaded designs. Loops, excessive memory and defects in a parser end there.
//!
//! The child is this program again (`laureate sandbox-child`, internal). It reads one question from standard
//! input, answers on standard output, and ends. It has no other open file. Before it reads the question it gives
//! up privileges, the file system and most system calls ([protections]) and sets [limits] of memory and processor
//! time. The parent kills a child that takes too long, and reads no more of an answer than is allowed. A template
//! sees only virtual files whose bytes were in the question.

mod child;
mod designs;
mod ended;
mod limits;
mod probe;
mod protections;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
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

/// Children at the same time in one process, for each user of the sandbox.
const AT_ONCE: usize = 2;
/// Seconds of the clock for each second of processor time: on a busy machine a process has to wait.
const PATIENCE: u32 = 4;
/// Allocator settings of a child: one arena and no background thread.
const ALLOCATOR: (&str, &str) =
    ("_RJEM_MALLOC_CONF", "background_thread:false,percpu_arena:disabled,narenas:1");

/// No child could be asked, for reasons that are not the question's.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// It can't be started, or breaks the protocol.
    #[error("no sandbox process could be used: {0}")]
    Process(#[from] io::Error),
    /// More certificates than one question may hold.
    #[error("one question holds at most {MAX_JOBS} certificates")]
    TooMany,
}

/// Kind of work of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// Draws certificates by a template.
    Draw,
    /// Prepares a design.
    PrepareDesign,
    /// Reports the protections, and tries something that they forbid.
    Probe,
}

impl Task {
    const ALL: [Self; 3] = [Self::Draw, Self::PrepareDesign, Self::Probe];

    /// Name on the child's command line.
    const fn name(self) -> &'static str {
        match self {
            Self::Draw => "draw",
            Self::PrepareDesign => "prepare-design",
            Self::Probe => "probe",
        }
    }
}

/// Resources of one question.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    /// Seconds of processor time.
    cpu_seconds: u64,
    /// Largest answer, in bytes.
    answer: usize,
}

/// Starts children; cheap to clone. Clones share the number of children at the same time.
#[derive(Clone, Debug)]
pub struct Sandbox {
    program: PathBuf,
    slots: Arc<Semaphore>,
}

impl Sandbox {
    /// Creates a sandbox that starts this `laureate` program.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self { program, slots: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Creates a sandbox that starts the program that is running.
    ///
    /// # Errors
    /// The system doesn't tell its path.
    pub fn of_this_program() -> io::Result<Self> {
        // On Linux this is the program itself, also after its file was replaced by a newer one.
        let itself = PathBuf::from("/proc/self/exe");
        Ok(Self::new(if itself.exists() { itself } else { std::env::current_exe()? }))
    }

    /// Returns a sandbox of the same program with slots of its own, so that its users don't wait for others.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(self.program.clone())
    }

    /// Waits until a child may be started. The slot is held until the child has ended.
    async fn slot(&self) -> Result<OwnedSemaphorePermit, SandboxError> {
        Ok(self.slots.clone().acquire_owned().await.map_err(io::Error::other)?)
    }

    /// Asks a child, and returns its answer or how it ended without one. A child whose future is dropped is killed.
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
                        return Err(io::Error::other("the child could not begin").into());
                    }
                    _ => Ended::of(status),
                }
            }
        };
        metrics::counter!("laureate_sandbox_processes_ended_total", "task" => task.name(), "how" => ended.name())
            .increment(1);
        if ended == Ended::Forbidden {
            tracing::error!(task = task.name(), "sandbox process made a system call that is forbidden");
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

/// Writes the question, then reads until the child has ended or has written more than `most` bytes.
async fn converse(mut child: Child, request: &[u8], most: usize) -> io::Result<(ExitStatus, Vec<u8>)> {
    if let Some(mut input) = child.stdin.take() {
        // A child that has ended takes nothing more; its status tells how it ended.
        let _ = input.write_all(request).await;
    }
    let mut answer = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(most as u64 + 1).read_to_end(&mut answer).await?;
    }
    if answer.len() > most {
        child.start_kill()?;
    }
    Ok((child.wait().await?, answer))
}
