//! Templates that issuers wrote, drawn one certificate at a time and told in detail where they are wrong.
//!
//! Only the child process of [`crate::sandbox`] does this: nothing here bounds time or memory.

use std::fmt;

use serde::{Deserialize, Serialize};
use typst::diag::{FileResult, SourceDiagnostic};
use typst::foundations::{Binding, Bytes, Datetime, Duration, Value};
use typst::layout::Abs;
use typst::syntax::{FileId, Source};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _, World, WorldExt as _};
use typst_layout::{Page, PagedDocument};

use super::world::{BatchWorld, Pictures};
use super::{RenderError, RenderJob, Renderer, Template, page};
use crate::domain::manifest::Manifest;

/// The largest source, in bytes.
pub const MAX_SOURCE: usize = 256 << 10;
/// How many things are told at once, and how much of each, in characters.
const MAX_COMPLAINTS: usize = 20;
const MAX_MESSAGE: usize = 500;
/// How far a page may be from what the manifest says, in millimetres.
const TOLERANCE: f64 = 0.1;

/// One thing that is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// The line in the template, from 1, where one is known.
    pub line: Option<usize>,
    /// The column in it, from 1, in characters.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What may help.
    pub hints: Vec<String>,
}

impl Complaint {
    fn plain(message: impl Into<String>) -> Self {
        Self { line: None, column: None, message: message.into(), hints: Vec::new() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.message)?;
        self.hints.iter().try_for_each(|hint| write!(f, " (hint: {hint})"))
    }
}

/// Why a template did not draw a certificate. What it complains of may quote the certificate's texts, so it
/// has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnError {
    /// A stable name, as of [`RenderError::code`].
    pub code: &'static str,
    /// What is wrong, the first thing first.
    pub complaints: Vec<Complaint>,
}

impl OwnError {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, complaints: vec![Complaint::plain(message)] }
    }
}

impl From<RenderError> for OwnError {
    fn from(error: RenderError) -> Self {
        let complaints = match &error {
            RenderError::Template { diagnostics } => {
                diagnostics.reveal().iter().take(MAX_COMPLAINTS).map(|said| Complaint::plain(cut(said))).collect()
            }
            other => vec![Complaint::plain(other.to_string())],
        };
        Self { code: error.code(), complaints }
    }
}

/// Draws certificates by one template of an issuer's.
pub struct OwnRenderer {
    renderer: Renderer,
    template: Template,
    library: LazyHash<Library>,
}

impl OwnRenderer {
    /// Takes a template whose manifest was checked.
    ///
    /// # Errors
    /// The source is too long, or the program was built wrongly.
    pub fn new(source: &str, manifest: &Manifest) -> Result<Self, OwnError> {
        if source.len() > MAX_SOURCE {
            let message = format!("the source is larger than {} KiB", MAX_SOURCE >> 10);
            return Err(OwnError::new("RENDER_TEMPLATE", message));
        }
        let template = Template::own("own", 1, source, manifest.clone())?;
        Ok(Self { renderer: Renderer::new()?, template, library: LazyHash::new(library()) })
    }

    /// The PDF of a certificate: one page of the manifest's size, every letter drawn, all text within the
    /// margin, and no warning of typst's.
    ///
    /// # Errors
    /// Each thing that is wrong, with line and column where these are known.
    pub fn render(&self, job: &RenderJob) -> Result<Vec<u8>, OwnError> {
        let decoded = self.renderer.pictures(&self.template, job)?;
        let prepared = self.renderer.prepare(0, &self.template, job, &decoded)?;
        let data = serde_json::to_vec(&[&prepared.data]).map_err(|e| page::template_error([e.to_string().into()]))?;
        let pictures = Pictures::of(&decoded);
        let world = BatchWorld {
            assets: &self.renderer.assets,
            template: &self.template,
            data: Bytes::new(data),
            pictures: &pictures,
        };
        let world = OwnWorld { world, library: &self.library };
        let compiled = typst::compile::<PagedDocument>(&world);
        let document = compiled.output.map_err(|errors| located(&world, &errors))?;
        if !compiled.warnings.is_empty() {
            return Err(located(&world, &compiled.warnings));
        }
        let [page] = document.pages() else {
            let message = format!("draws {} pages; a certificate is one page", document.pages().len());
            return Err(OwnError::new("RENDER_PAGES", message));
        };
        self.check_size(page)?;
        Ok(page::export(page.clone(), &self.template, &prepared.facts)?)
    }

    fn check_size(&self, page: &Page) -> Result<(), OwnError> {
        let (width, height) = self.template.manifest().page.millimetres();
        let off = |is: Abs, wanted: f64| (is.to_mm() - wanted).abs() > TOLERANCE;
        if off(page.frame.width(), width) || off(page.frame.height(), height) {
            let (w, h) = (page.frame.width().to_mm(), page.frame.height().to_mm());
            let message =
                format!("the page is {w:.1} × {h:.1} mm, and the manifest says {width} × {height} mm: set it so");
            return Err(OwnError::new("RENDER_PAGE_SIZE", message));
        }
        Ok(())
    }
}

/// typst's own library without foreign machine code.
fn library() -> Library {
    let mut library = Library::default();
    if let Some(plugin) = library.global.scope_mut().get_mut("plugin") {
        *plugin = Binding::detached(Value::None);
    }
    library.std = Binding::detached(library.global.clone());
    library
}

/// What was said, with its place if that is in the template.
fn located(world: &OwnWorld<'_>, diagnostics: &[SourceDiagnostic]) -> OwnError {
    let template = &world.world.template.source;
    let complaint = |said: &SourceDiagnostic| {
        // An error inside of typst's own code is told where the template called it.
        let spans = std::iter::once(said.span.clone()).chain(said.trace.iter().map(|point| point.span.into()));
        let place = spans
            .filter(|span| span.id() == Some(template.id()))
            .find_map(|span| template.lines().byte_to_line_column(world.range(span)?.start));
        Complaint {
            line: place.map(|(line, _)| line + 1),
            column: place.map(|(_, column)| column + 1),
            message: cut(&said.message),
            hints: said.hints.iter().take(3).map(|hint| cut(&hint.v)).collect(),
        }
    };
    let complaints = diagnostics.iter().take(MAX_COMPLAINTS).map(complaint).collect();
    OwnError { code: page::diagnosed(diagnostics).code(), complaints }
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect()
}

/// A batch's world with another library.
struct OwnWorld<'a> {
    world: BatchWorld<'a>,
    library: &'a LazyHash<Library>,
}

impl World for OwnWorld<'_> {
    fn library(&self) -> &LazyHash<Library> {
        self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        self.world.book()
    }

    fn main(&self) -> FileId {
        self.world.main()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        self.world.source(id)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        self.world.file(id)
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.world.font(index)
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}
