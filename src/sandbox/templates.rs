//! Drawing of certificates with issuers' templates: the part in the parent process.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::ended::Ended;
use super::{Allowance, Sandbox, SandboxError, Task, limits, wire};
use crate::certificate_pdf::{Design, Diagnosis, RenderJob};
use crate::domain::Personal;
use crate::domain::certification::manifest::Manifest;

/// Maximum number of certificates in one question.
pub const MAX_JOBS: usize = 10;
/// Maximum size of a PDF or picture that a template produces, in bytes.
pub const MAX_DRAWN: usize = 16 << 20;
/// Maximum size of a JSON frame of a question or an answer, in bytes.
pub(super) const MAX_JSON: usize = 4 << 20;
/// Maximum size of a file in a question, in bytes.
pub(super) const MAX_FILE: usize = 64 << 20;
/// Processor time in seconds for a question, and additional time for each certificate.
const CPU_SECONDS: u64 = 3;
const CPU_SECONDS_EACH: u64 = 1;

/// Question for a child that draws certificates.
#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    /// Typst source of the template.
    pub source: String,
    /// Manifest of the template.
    pub manifest: Manifest,
    /// Certificates to draw; at most [`MAX_JOBS`]. The bytes of their pictures follow the JSON in
    /// separate frames.
    pub jobs: Vec<RenderJob>,
    /// Format of each result.
    pub form: Form,
}

/// Format of a drawn certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Form {
    /// PDF.
    Pdf,
    /// PNG with a resolution of `dpi`.
    Png {
        /// Pixels per inch.
        dpi: u16,
    },
}

/// Reason why a template could not draw a certificate. The problems may contain texts of the
/// certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("the template did not draw it: {code}")]
pub struct NotDrawn {
    /// Stable error code for the API, events and metrics.
    pub code: String,
    /// Problems in the order in which typst reported them.
    pub diagnoses: Personal<Vec<Diagnosis>>,
    /// True if the child has ended, so that the results of the other certificates are unknown.
    pub ended: bool,
}

impl NotDrawn {
    pub(super) fn plain(code: &str, message: String) -> Self {
        let said = Diagnosis {
            place: None,
            message,
            hints: Vec::new(),
        };
        Self {
            code: code.to_owned(),
            diagnoses: vec![said].into(),
            ended: false,
        }
    }

    /// Creates the error for a child that ended without an answer. The message is for the author of
    /// the template.
    fn ended(ended: Ended, cpu_seconds: u64) -> Self {
        let (code, message) = match ended {
            Ended::TooSlow => (
                "TEMPLATE_TOO_SLOW",
                format!(
                    "it takes longer than the limit of {cpu_seconds} seconds: look for infinite loops"
                ),
            ),
            Ended::TooLarge => (
                "TEMPLATE_TOO_LARGE",
                format!(
                    "it needs more than {} MiB of memory, or its recursion is too deep: simplify it",
                    limits::MEMORY >> 20
                ),
            ),
            Ended::Killed => (
                "TEMPLATE_TOO_LARGE",
                "it was stopped because it exceeded the limit of memory, time or output: simplify it"
                    .to_owned(),
            ),
            Ended::Forbidden | Ended::Broken => (
                "TEMPLATE_BREAKS_TYPST",
                "typst crashes on this template: undo your last change and try again".to_owned(),
            ),
        };
        Self {
            ended: true,
            ..Self::plain(code, message)
        }
    }

    /// Returns the problems, one per line. They may contain texts of the certificate.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.diagnoses.reveal().iter().map(line).collect()
    }
}

/// Formats a problem as one line, such as `line 3, column 5: unknown variable: x (hint: …)`.
fn line(said: &Diagnosis) -> String {
    let mut line = match &said.place {
        Some(place) if place.file.ends_with("/template.typ") => {
            format!("line {}, column {}: ", place.line, place.column)
        }
        Some(place) => format!(
            "{}, line {}, column {}: ",
            place.file, place.line, place.column
        ),
        None => String::new(),
    };
    line.push_str(&said.message);
    said.hints
        .iter()
        .for_each(|hint| line.push_str(&format!(" (hint: {hint})")));
    line
}

impl Sandbox {
    /// Draws the certificates in a child. Waits for a free slot first. Returns the results in the
    /// order of the jobs.
    ///
    /// # Errors
    /// Fails if no child can be started or used, or if the question has too many certificates.
    /// Errors of the template are part of the results.
    pub async fn draw(
        &self,
        question: &Question,
    ) -> Result<Vec<Result<Bytes, NotDrawn>>, SandboxError> {
        if question.jobs.len() > MAX_JOBS {
            return Err(SandboxError::TooMany);
        }
        let slot = self.slot().await?;
        let jobs = question.jobs.len();
        let allowance = Allowance {
            cpu_seconds: CPU_SECONDS + CPU_SECONDS_EACH * jobs as u64,
            answer: MAX_JSON + jobs * (MAX_DRAWN + 4),
        };
        Ok(
            match self
                .ask(&slot, Task::Draw, &asked(question)?, allowance)
                .await?
            {
                Ok(answer) => answered(&answer, jobs)?,
                Err(ended) => vec![Err(NotDrawn::ended(ended, allowance.cpu_seconds)); jobs],
            },
        )
    }
}

/// Encodes a question and its pictures as frames.
fn asked(question: &Question) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    wire::write(&mut request, &serde_json::to_vec(question)?)?;
    for (_, picture) in distinct(&question.jobs) {
        wire::write(&mut request, &picture.bytes)?;
    }
    Ok(request)
}

/// Returns the pictures of `jobs` without duplicates, in the order of their hashes.
pub(super) fn distinct(jobs: &[RenderJob]) -> BTreeMap<&str, &Design> {
    jobs.iter()
        .flat_map(RenderJob::pictures)
        .map(|picture| (picture.sha256.as_str(), picture))
        .collect()
}

fn answered(answer: &[u8], jobs: usize) -> io::Result<Vec<Result<Bytes, NotDrawn>>> {
    let mut answer = answer;
    let outcomes: Vec<Result<(), NotDrawn>> =
        serde_json::from_slice(&wire::read(&mut answer, MAX_JSON)?)?;
    if outcomes.len() != jobs {
        return Err(io::Error::other(
            "the answer has another number of results than the question has certificates",
        ));
    }
    let drawn = |outcome: Result<(), NotDrawn>| {
        Ok(match outcome {
            Ok(()) => Ok(Bytes::from(wire::read(&mut answer, MAX_DRAWN)?)),
            Err(error) => Err(error),
        })
    };
    outcomes.into_iter().map(drawn).collect()
}
