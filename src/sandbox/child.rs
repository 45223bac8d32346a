//! The child's side: takes on its limits, reads one question, draws, answers, ends.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use bytes::Bytes;

use super::{Form, MAX_DRAWN, MAX_FILE, MAX_JOBS, MAX_JSON, NotDrawn, Question, distinct, limits, wire};
use crate::render::{OwnRenderer, RenderError, RenderJob, raster, told};

/// The first argument of a process that is to draw; seconds of processor time follow.
pub(super) const COMMAND: &str = "render-own";

/// The exit code of a child that could not take on its limits, or was not asked as agreed. A panic has another.
pub(super) const FAILED: i32 = 1;

/// Draws, if that is what this process was started for. Must be the first thing `main` does: there may be no
/// other thread yet, and none comes after this.
pub fn intercept() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    if args.next()? != COMMAND {
        return None;
    }
    let seconds = args.next().and_then(|text| text.into_string().ok()).and_then(|text| text.parse().ok());
    let outcome = match seconds {
        None => Err(io::Error::other("this command is internal to laureate")),
        Some(seconds) => {
            limits::take_on(seconds).and_then(|()| serve(io::stdin().lock(), io::stdout().lock()))
        }
    };
    Some(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn serve(mut input: impl Read, mut out: impl Write) -> io::Result<()> {
    // typst would start threads, which this process may not have.
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .use_current_thread()
        .build_global()
        .map_err(io::Error::other)?;
    let mut question: Question = serde_json::from_slice(&wire::read(&mut input, MAX_JSON)?)?;
    if question.jobs.len() > MAX_JOBS {
        return Err(io::Error::other("too many certificates"));
    }
    let mut files = BTreeMap::new();
    for hash in distinct(&question.jobs).into_keys() {
        files.insert(hash.to_owned(), Bytes::from(wire::read(&mut input, MAX_FILE)?));
    }
    for picture in question.jobs.iter_mut().flat_map(RenderJob::pictures_mut) {
        picture.bytes = files.get(&picture.sha256).cloned().unwrap_or_default();
    }
    let mut outcomes: Vec<Result<(), NotDrawn>> = Vec::new();
    let mut files = Vec::new();
    for drawn in draw(&question) {
        outcomes.push(drawn.map(|file| files.push(file)));
    }
    wire::write(&mut out, &serde_json::to_vec(&outcomes)?)?;
    files.iter().try_for_each(|file| wire::write(&mut out, file))?;
    out.flush()
}

fn draw(question: &Question) -> Vec<Result<Bytes, NotDrawn>> {
    let renderer = match OwnRenderer::new(&question.source, &question.manifest) {
        Ok(renderer) => renderer,
        Err(error) => return vec![Err(not_drawn(&error)); question.jobs.len()],
    };
    let one = |job: &RenderJob| {
        let pdf = renderer.render(job).map_err(|error| not_drawn(&error))?;
        let file = match question.form {
            Form::Pdf => pdf,
            Form::Png { dpi } => raster::png(&pdf, dpi).map_err(|error| not_drawn(&error))?.into(),
        };
        if file.len() > MAX_DRAWN {
            let message = format!("what it draws is larger than {} MiB", MAX_DRAWN >> 20);
            return Err(NotDrawn::plain("TEMPLATE_TOO_LARGE", message));
        }
        Ok(file)
    };
    question.jobs.iter().map(one).collect()
}

fn not_drawn(error: &RenderError) -> NotDrawn {
    NotDrawn { code: error.code().to_owned(), told: told(error).into(), ended: false }
}
