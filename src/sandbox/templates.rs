//! Certificates by templates that issuers wrote, from the parent's side.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::ended::Ended;
use super::{Allowance, Sandbox, SandboxError, Task, limits, wire};
use crate::domain::Personal;
use crate::domain::manifest::Manifest;
use crate::render::{Design, Diagnosis, RenderJob};

/// The most certificates of one question.
pub const MAX_JOBS: usize = 10;
/// The largest PDF or picture that a template may make, in bytes.
pub const MAX_DRAWN: usize = 16 << 20;
/// The largest JSON piece of a question or an answer.
pub(super) const MAX_JSON: usize = 4 << 20;
/// The largest file that a question brings along.
pub(super) const MAX_FILE: usize = 64 << 20;
/// Seconds of processor time of any question, and more for each certificate in it.
const CPU_SECONDS: u64 = 3;
const CPU_SECONDS_EACH: u64 = 1;

/// Question to a child that draws.
#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    /// The template's Typst source.
    pub source: String,
    /// Manifest of the template.
    pub manifest: Manifest,
    /// The certificates, at most [`MAX_JOBS`]. Their pictures go beside the JSON.
    pub jobs: Vec<RenderJob>,
    /// Form of each result.
    pub form: Form,
}

/// Form of a drawn certificate.
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
    /// Problems, the first one first.
    pub told: Personal<Vec<Diagnosis>>,
    /// True if the child ended, so the results of its other certificates are unknown.
    pub ended: bool,
}

impl NotDrawn {
    pub(super) fn plain(code: &str, message: String) -> Self {
        let said = Diagnosis { place: None, message, hints: Vec::new() };
        Self { code: code.to_owned(), told: vec![said].into(), ended: false }
    }

    /// Explains to the template's author how the child ended.
    fn ended(ended: Ended, cpu_seconds: u64) -> Self {
        let (code, message) = match ended {
            Ended::TooSlow => (
                "TEMPLATE_TOO_SLOW",
                format!(
                    "it takes longer than the {cpu_seconds} seconds that it has: look for loops without end"
                ),
            ),
            Ended::TooLarge => (
                "TEMPLATE_TOO_LARGE",
                format!(
                    "it needs more than {} MiB of memory, or calls itself too deep: simplify it",
                    limits::MEMORY >> 20
                ),
            ),
            Ended::Killed => (
                "TEMPLATE_TOO_LARGE",
                "it was stopped because it takes too much memory, time or output: simplify it".to_owned(),
            ),
            Ended::Forbidden | Ended::Broken => (
                "TEMPLATE_BREAKS_TYPST",
                "typst itself fails on it: change what was added last, and try again".to_owned(),
            ),
        };
        Self { ended: true, ..Self::plain(code, message) }
    }

    /// Problems, one per line; they may quote the certificate.
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

impl Sandbox {
    /// Draws in a child; answers in the order of the jobs. Waits while others are drawing.
    ///
    /// # Errors
    /// No child can be started. What a template does wrong is in the answers.
    pub async fn draw(&self, question: &Question) -> Result<Vec<Result<Bytes, NotDrawn>>, SandboxError> {
        if question.jobs.len() > MAX_JOBS {
            return Err(SandboxError::TooMany);
        }
        let slot = self.slot().await?;
        let jobs = question.jobs.len();
        let allowance = Allowance {
            cpu_seconds: CPU_SECONDS + CPU_SECONDS_EACH * jobs as u64,
            answer: MAX_JSON + jobs * (MAX_DRAWN + 4),
        };
        Ok(match self.ask(&slot, Task::Draw, &asked(question)?, allowance).await? {
            Ok(answer) => answered(&answer, jobs)?,
            Err(ended) => vec![Err(NotDrawn::ended(ended, allowance.cpu_seconds)); jobs],
        })
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
pub(super) fn distinct(jobs: &[RenderJob]) -> BTreeMap<&str, &Design> {
    jobs.iter().flat_map(RenderJob::pictures).map(|picture| (picture.sha256.as_str(), picture)).collect()
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
