//! Templates that issuers wrote are drawn in a process of their own, so that whatever one does, it ends
//! there: a loop, memory without end, a mistake in typst.
//!
//! The child is this program again (`laureate render-own`, internal). It gets its question on standard input
//! and answers on standard output; it has no environment, no other open file, and [limits] that it
//! sets for itself before it reads the template. The template sees virtual files only, whose bytes were in the
//! question: no file, package, network, clock or other process is within its reach, by construction.
//! We kill a child that takes too long, and read no more of an answer than it may have. One child draws the
//! certificates of one question and ends.

mod child;
mod limits;
mod wire;

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

use crate::domain::Personal;
use crate::domain::manifest::Manifest;
use crate::render::{Design, Diagnosis, RenderJob};
pub use child::intercept;

/// Children at the same time in one process, for each of those who may ask.
const AT_ONCE: usize = 2;
/// The most certificates of one question.
pub const MAX_JOBS: usize = 10;
/// The largest PDF or picture that a template may make, in bytes.
pub const MAX_DRAWN: usize = 16 << 20;
/// The largest JSON piece of a question or an answer.
const MAX_JSON: usize = 4 << 20;
/// The largest file that a question brings along.
const MAX_FILE: usize = 64 << 20;
/// Seconds of processor time of any question, and more for each certificate in it.
const CPU_SECONDS: u64 = 3;
const CPU_SECONDS_EACH: u64 = 1;

/// What a child is to draw.
#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    /// The template's Typst source.
    pub source: String,
    /// What the template says of itself.
    pub manifest: Manifest,
    /// The certificates, at most [`MAX_JOBS`]. Their pictures go beside the JSON.
    pub jobs: Vec<RenderJob>,
    /// What is wanted of each.
    pub form: Form,
}

/// What a certificate is drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Form {
    /// A PDF.
    Pdf,
    /// A PNG with so many pixels to an inch.
    Png {
        /// Pixels to an inch.
        dpi: u16,
    },
}

/// Why a template did not draw a certificate. What is told may quote the certificate's texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("the template did not draw it: {code}")]
pub struct NotDrawn {
    /// A stable name for APIs, events and metrics.
    pub code: String,
    /// What is wrong, the first thing first.
    pub told: Personal<Vec<Diagnosis>>,
    /// Whether the child itself was ended, so that nothing is known of the other certificates in it.
    pub ended: bool,
}

impl NotDrawn {
    fn plain(code: &str, message: String) -> Self {
        let said = Diagnosis { place: None, message, hints: Vec::new() };
        Self { code: code.to_owned(), told: vec![said].into(), ended: false }
    }

    fn ended(code: &str, message: String) -> Self {
        Self { ended: true, ..Self::plain(code, message) }
    }

    /// What is wrong, a line each, for whoever may see the certificate.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.told.reveal().iter().map(line).collect()
    }
}

/// `line 3, column 5: unknown variable: x (hint: …)`
fn line(said: &Diagnosis) -> String {
    let mut line = match &said.place {
        Some(place) if place.file.ends_with("/template.typ") => {
            format!("line {}, column {}: ", place.line, place.column)
        }
        Some(place) => format!("{}, line {}, column {}: ", place.file, place.line, place.column),
        None => String::new(),
    };
    line.push_str(&said.message);
    said.hints.iter().for_each(|hint| line.push_str(&format!(" (hint: {hint})")));
    line
}

/// No child could be asked, for reasons that are not the template's.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// It can't be started, or doesn't speak as agreed.
    #[error("no process for drawing could be used: {0}")]
    Process(#[from] io::Error),
    /// Somebody asks for more than one question may hold.
    #[error("one question holds at most {MAX_JOBS} certificates")]
    TooMany,
}

/// Starts children; cheap to clone. Clones share what may run at the same time.
#[derive(Clone, Debug)]
pub struct Sandbox {
    program: PathBuf,
    slots: Arc<Semaphore>,
}

impl Sandbox {
    /// One that starts this `laureate` program.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self { program, slots: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// One that starts the very program that is running.
    ///
    /// # Errors
    /// The system doesn't tell which it is.
    pub fn of_this_program() -> io::Result<Self> {
        // On Linux this is the program itself, also after its file was replaced by a newer one.
        let itself = PathBuf::from("/proc/self/exe");
        Ok(Self::new(if itself.exists() { itself } else { std::env::current_exe()? }))
    }

    /// The same program, with children of its own: what one user of it does keeps no other waiting.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(self.program.clone())
    }

    /// Draws in a child; answers in the order of the jobs. Waits while others are drawing.
    ///
    /// # Errors
    /// No child can be started. What a template does wrong is in the answers.
    pub async fn draw(&self, question: &Question) -> Result<Vec<Result<Bytes, NotDrawn>>, SandboxError> {
        if question.jobs.len() > MAX_JOBS {
            return Err(SandboxError::TooMany);
        }
        let slot = self.slots.acquire().await.map_err(io::Error::other)?;
        let jobs = question.jobs.len();
        let request = asked(question)?;
        let cpu_seconds = CPU_SECONDS + CPU_SECONDS_EACH * jobs as u64;
        let child = self.start(cpu_seconds)?;
        let most = MAX_JSON + jobs * (MAX_DRAWN + 4);
        // On a busy machine processor time passes more slowly than the clock's.
        let within = Duration::from_secs(4 * cpu_seconds);
        let outcome = tokio::time::timeout(within, ask(child, &request, most)).await;
        drop(slot);
        let ended = match outcome {
            Err(_) => too_slow(cpu_seconds),
            Ok(spoken) => {
                let (status, answer) = spoken?;
                match status.code() {
                    Some(0) => return answered(&answer, jobs).map_err(SandboxError::from),
                    Some(child::FAILED) => return Err(io::Error::other("the child could not begin").into()),
                    _ => {}
                }
                why_it_ended(status, cpu_seconds)
            }
        };
        metrics::counter!("laureate_template_processes_ended_total").increment(1);
        Ok(vec![Err(ended); jobs])
    }

    fn start(&self, cpu_seconds: u64) -> io::Result<Child> {
        Command::new(&self.program)
            .arg(child::COMMAND)
            .arg(cpu_seconds.to_string())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

/// The pieces of a question as one.
fn asked(question: &Question) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    wire::write(&mut request, &serde_json::to_vec(question)?)?;
    for (_, picture) in distinct(&question.jobs) {
        wire::write(&mut request, &picture.bytes)?;
    }
    Ok(request)
}

/// The pictures of some jobs, each once, in the order of their hashes.
fn distinct(jobs: &[RenderJob]) -> BTreeMap<&str, &Design> {
    jobs.iter().flat_map(RenderJob::pictures).map(|picture| (picture.sha256.as_str(), picture)).collect()
}

/// Says it all, then listens until the child has ended or said too much.
async fn ask(mut child: Child, request: &[u8], most: usize) -> io::Result<(ExitStatus, Vec<u8>)> {
    if let Some(mut input) = child.stdin.take() {
        // A child that has ended takes nothing more; how it ended is told by its status.
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

fn answered(answer: &[u8], jobs: usize) -> io::Result<Vec<Result<Bytes, NotDrawn>>> {
    let mut answer = answer;
    let outcomes: Vec<Result<(), NotDrawn>> = serde_json::from_slice(&wire::read(&mut answer, MAX_JSON)?)?;
    if outcomes.len() != jobs {
        return Err(io::Error::other("the answer is not as long as the question"));
    }
    let drawn = |outcome: Result<(), NotDrawn>| {
        Ok(match outcome {
            Ok(()) => Ok(Bytes::from(wire::read(&mut answer, MAX_DRAWN)?)),
            Err(error) => Err(error),
        })
    };
    outcomes.into_iter().map(drawn).collect()
}

fn too_slow(cpu_seconds: u64) -> NotDrawn {
    let message =
        format!("it takes longer than the {cpu_seconds} seconds that it has: look for loops without end");
    NotDrawn::ended("TEMPLATE_TOO_SLOW", message)
}

/// Memory that isn't there and a stack that is full both end in an abort.
fn why_it_ended(status: ExitStatus, cpu_seconds: u64) -> NotDrawn {
    let signal = status.signal();
    if signal == Some(Signal::XCPU.as_raw()) {
        return too_slow(cpu_seconds);
    }
    if [Signal::ABORT, Signal::SEGV, Signal::BUS].iter().any(|of| signal == Some(of.as_raw())) {
        let megabytes = limits::MEMORY >> 20;
        let message =
            format!("it needs more than {megabytes} MiB of memory, or calls itself too deep: simplify it");
        return NotDrawn::ended("TEMPLATE_TOO_LARGE", message);
    }
    if signal == Some(Signal::KILL.as_raw()) {
        let message = "it was stopped because it takes too much memory, time or output: simplify it";
        return NotDrawn::ended("TEMPLATE_TOO_LARGE", message.to_owned());
    }
    let message = "typst itself fails on it: change what was added last, and try again";
    NotDrawn::ended("TEMPLATE_BREAKS_TYPST", message.to_owned())
}
