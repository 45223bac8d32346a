//! typst world of a template: its source, the bundled libraries, its data and its pictures. The
//! world has no file system, network, packages or clock.

use std::collections::HashMap;
use std::sync::Arc;

use ecow::eco_format;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Binding, Bytes, Datetime, Duration, Value};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _, World, WorldExt as _};

use super::RenderError;
use super::bundled_fonts::Fonts;
use super::error::{Diagnosis, Place};
use super::template::{Code, Template};
use super::themes::{LIBRARIES, THEMES};
use crate::domain::certification::manifest::VARIABLES;

/// Path of the data. typst never frees a path, so there are only a few fixed paths.
pub(super) const DATA: &str = "/data.json";
const DESIGN: &str = "/design.jpg";
/// Maximum number of pictures of options. A manifest can't have more.
const PICTURES: usize = 8;

/// Values that all certificates share. typst's caches work only if each call passes the same
/// values.
pub(super) struct Assets {
    pub(super) fonts: Fonts,
    /// Bundled themes, in the order of `THEMES`.
    pub(super) themes: Vec<Arc<Template>>,
    library: LazyHash<Library>,
    libraries: Vec<Code>,
    data: FileId,
    design: FileId,
    pictures: HashMap<FileId, usize>,
}

impl Assets {
    pub(super) fn load() -> Result<Self, RenderError> {
        let themes = THEMES
            .iter()
            .map(|theme| Ok(Arc::new(Template::shipped(theme)?)));
        let library = |(path, source): &(&'static str, &'static str)| Code::new(path, *source);
        let pictures =
            (0..PICTURES).flat_map(|n| ["png", "jpg"].map(|kind| (n, picture_path(n, kind))));
        Ok(Self {
            fonts: Fonts::load()?,
            themes: themes.collect::<Result<_, RenderError>>()?,
            library: LazyHash::new(without_plugins()),
            libraries: LIBRARIES
                .iter()
                .map(library)
                .collect::<Result<_, RenderError>>()?,
            data: file_id(DATA)?,
            design: file_id(DESIGN)?,
            pictures: pictures
                .map(|(n, path)| Ok((file_id(&path)?, n)))
                .collect::<Result<_, RenderError>>()?,
        })
    }
}

/// Returns typst's standard library without `plugin`, which runs WebAssembly.
fn without_plugins() -> Library {
    let mut library = Library::default();
    if let Some(plugin) = library.global.scope_mut().get_mut("plugin") {
        *plugin = Binding::detached(Value::None);
    }
    library.std = Binding::detached(library.global.clone());
    library
}

/// Returns the path of the picture for a template's `n`th picture option.
pub(super) fn picture_path(n: usize, extension: &str) -> String {
    format!("/options/{n}.{extension}")
}

pub(super) fn file_id(path: &str) -> Result<FileId, RenderError> {
    let virtual_path = VirtualPath::new(path).map_err(|_| RenderError::Bundle {
        file: path.to_owned(),
    })?;
    Ok(RootedPath::new(VirtualRoot::Project, virtual_path).intern())
}

/// Pictures of one batch.
#[derive(Clone, Default)]
pub(super) struct Pictures {
    /// Background of the issuer, as JPEG.
    pub(super) design: Option<Bytes>,
    /// Pictures of options. The index is the `n` of [`picture_path`].
    pub(super) options: Vec<Bytes>,
    /// Size of the decoded pixels of all pictures, in bytes.
    pub(super) decoded: usize,
}

/// typst world of a batch: one template, a list of certificates, and the pictures that all of them
/// use.
pub(super) struct BatchWorld<'a> {
    pub(super) assets: &'a Assets,
    pub(super) template: &'a Template,
    pub(super) data: Bytes,
    pub(super) pictures: &'a Pictures,
}

impl World for BatchWorld<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.assets.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        self.assets.fonts.book()
    }

    fn main(&self) -> FileId {
        self.template.main.id
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let library = || {
            self.assets
                .libraries
                .iter()
                .find(|code| code.id == id)
                .map(Code::source)
        };
        self.template
            .file(id)
            .or_else(library)
            .cloned()
            .ok_or_else(|| not_found(id))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let found = if id == self.assets.data {
            Some(self.data.clone())
        } else if id == self.assets.design {
            self.pictures.design.clone()
        } else {
            self.assets
                .pictures
                .get(&id)
                .and_then(|n| self.pictures.options.get(*n))
                .cloned()
        };
        found.ok_or_else(|| not_found(id))
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.assets.fonts.font(index)
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

impl BatchWorld<'_> {
    /// Converts a diagnostic of typst. The place is the last one in the template that the trace
    /// passes through. If there is none, it is the place of the diagnostic itself.
    pub(super) fn diagnosis(&self, said: &SourceDiagnostic) -> Diagnosis {
        let own = self.template.source.id;
        let main = self.template.main.id;
        let spans =
            || std::iter::once(said.span).chain(said.trace.iter().map(|point| point.span.into()));
        let at = spans()
            .find(|span| span.id() == Some(own))
            .unwrap_or(said.span);
        let place = at.id().filter(|id| *id != main).and_then(|id| {
            let source = self.source(id).ok()?;
            let (line, column) = source.lines().byte_to_line_column(self.range(at)?.start)?;
            Some(Place {
                file: id.get().vpath().get_with_slash().to_owned(),
                line: line + 1,
                column: column + 1,
            })
        });
        let unnamed =
            |name: &&&str| said.message == format!("dictionary does not contain key \"{name}\"");
        let unnamed = VARIABLES
            .iter()
            .find(unnamed)
            .map(|name| format!("name {name} among the manifest's variables"));
        // These hints are about `--root` of typst's command line, which doesn't apply here.
        let hints = said
            .hints
            .iter()
            .map(|hint| hint.v.to_string())
            .filter(|hint| !hint.contains("--root"));
        let message = if at.id() == Some(main) {
            format!(
                "the template must define `certificate`, a function of one argument ({})",
                said.message
            )
        } else {
            said.message.to_string()
        };
        Diagnosis {
            place,
            message,
            hints: hints.chain(unnamed).collect(),
        }
    }
}

fn not_found(id: FileId) -> FileError {
    if let VirtualRoot::Package(_) = id.get().root() {
        return FileError::Other(Some(
            "templates can't import packages: copy the code that you need into the template".into(),
        ));
    }
    let path = id.get().vpath().get_with_slash();
    FileError::Other(Some(eco_format!(
        "{path} is not a bundled file; templates can read only bundled files"
    )))
}
