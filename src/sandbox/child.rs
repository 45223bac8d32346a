//! Child process of the sandbox. It applies limits and protections, reads one question, answers it
//! and exits.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use bytes::Bytes;

use super::designs::Measured;
use super::probe::{self, Attempt, Report};
use super::templates::{
    Form, MAX_DRAWN, MAX_FILE, MAX_JOBS, MAX_JSON, NotDrawn, Question, distinct,
};
use super::{Protections, Task, protections, wire};
use crate::certificate_pdf::{OwnRenderer, RenderError, RenderJob, diagnoses, raster};
use crate::design_image;

/// First argument of a child. The name of the task and the processor time in seconds follow.
pub(super) const COMMAND: &str = "sandbox-child";

/// Exit code of a child that could not apply its limits, or that received an invalid question. A
/// panic has another exit code.
pub(super) const FAILED: i32 = 1;

/// If this process was started as a sandbox child, runs the task and returns its exit code.
/// Otherwise returns `None`. `main` must call this function before it creates other threads. A
/// child never starts a thread.
pub fn intercept() -> Option<ExitCode> {
    let mut args = std::env::args_os()
        .skip(1)
        .map(|arg| arg.into_string().unwrap_or_default());
    if args.next()? != COMMAND {
        return None;
    }
    let name = args.next().unwrap_or_default();
    let task = Task::ALL.into_iter().find(|task| task.name() == name);
    let seconds = args.next().and_then(|seconds| seconds.parse().ok());
    let outcome = match (task, seconds) {
        (Some(task), Some(seconds)) => protections::apply(seconds).and_then(|active| {
            serve(
                task,
                active,
                &mut io::stdin().lock(),
                &mut io::stdout().lock(),
            )
        }),
        _ => Err(io::Error::other("this command is internal to laureate")),
    };
    Some(if outcome.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn serve(
    task: Task,
    protections: Protections,
    input: &mut impl Read,
    out: &mut impl Write,
) -> io::Result<()> {
    match task {
        Task::Draw => draw(input, out)?,
        Task::PrepareDesign => prepare_design(input, out)?,
        Task::Probe => {
            let attempt: Attempt = serde_json::from_slice(&wire::read(input, probe::MAX_JSON)?)?;
            let report = Report {
                protections,
                succeeded: attempt.succeeds(),
            };
            wire::write(out, &serde_json::to_vec(&report)?)?;
        }
    }
    out.flush()
}

fn draw(input: &mut impl Read, out: &mut impl Write) -> io::Result<()> {
    let mut question: Question = serde_json::from_slice(&wire::read(input, MAX_JSON)?)?;
    if question.jobs.len() > MAX_JOBS {
        return Err(io::Error::other("too many certificates"));
    }
    let mut files = BTreeMap::new();
    for hash in distinct(&question.jobs).into_keys() {
        files.insert(hash.to_owned(), Bytes::from(wire::read(input, MAX_FILE)?));
    }
    for picture in question.jobs.iter_mut().flat_map(RenderJob::pictures_mut) {
        picture.bytes = files.get(&picture.sha256).cloned().unwrap_or_default();
    }
    let mut outcomes: Vec<Result<(), NotDrawn>> = Vec::new();
    let mut files = Vec::new();
    for drawn in draw_each(&question) {
        outcomes.push(drawn.map(|file| files.push(file)));
    }
    wire::write(out, &serde_json::to_vec(&outcomes)?)?;
    files.iter().try_for_each(|file| wire::write(out, file))
}

fn draw_each(question: &Question) -> Vec<Result<Bytes, NotDrawn>> {
    let renderer = match OwnRenderer::new(&question.source, &question.manifest) {
        Ok(renderer) => renderer,
        Err(error) => return vec![Err(not_drawn(&error)); question.jobs.len()],
    };
    let one = |job: &RenderJob| {
        let pdf = renderer.render(job).map_err(|error| not_drawn(&error))?;
        let file = match question.form {
            Form::Pdf => pdf,
            Form::Png { dpi } => raster::png(&pdf, dpi)
                .map_err(|error| not_drawn(&error))?
                .into(),
        };
        if file.len() > MAX_DRAWN {
            let message = format!("its output is larger than {} MiB", MAX_DRAWN >> 20);
            return Err(NotDrawn::plain("TEMPLATE_TOO_LARGE", message));
        }
        Ok(file)
    };
    question.jobs.iter().map(one).collect()
}

fn not_drawn(error: &RenderError) -> NotDrawn {
    NotDrawn {
        code: error.code().to_owned(),
        diagnoses: diagnoses(error).into(),
        ended: false,
    }
}

fn prepare_design(input: &mut impl Read, out: &mut impl Write) -> io::Result<()> {
    let file = wire::read(input, design_image::MAX_BYTES as usize)?;
    let prepared = design_image::prepare(&file);
    wire::write(
        out,
        &serde_json::to_vec(&prepared.as_ref().map(Measured::of))?,
    )?;
    if let Ok(prepared) = prepared {
        wire::write(out, &prepared.bytes)?;
        wire::write(out, &prepared.small)?;
    }
    Ok(())
}
