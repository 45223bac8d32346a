//! What a template can see: its own source, its data, the design. No file system, network, package or clock.

use std::sync::Arc;

use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _, World};

use super::RenderError;
use super::fonts::Fonts;
use super::themes::{THEMES, Theme};

/// typst keeps every distinct path for good, so the paths are few and fixed.
const DATA: &str = "/data.json";
const DESIGN: &str = "/design.jpg";

/// Everything that is the same for all certificates; typst's caches live on getting the same values again.
pub(super) struct Assets {
    pub(super) fonts: Fonts,
    library: LazyHash<Library>,
    themes: Vec<ThemeFiles>,
    data: FileId,
    design: FileId,
}

struct ThemeFiles {
    template: Source,
    main: Source,
}

impl Assets {
    pub(super) fn load() -> Result<Self, RenderError> {
        let themes = THEMES.iter().map(ThemeFiles::new).collect::<Result<_, _>>()?;
        Ok(Self {
            fonts: Fonts::load()?,
            library: LazyHash::new(Library::default()),
            themes,
            data: file_id(DATA)?,
            design: file_id(DESIGN)?,
        })
    }
}

impl ThemeFiles {
    fn new(theme: &Theme) -> Result<Self, RenderError> {
        let folder = format!("/{}/{}", theme.name(), theme.version());
        let template = file_id(&format!("{folder}/template.typ"))?;
        let main = file_id(&format!("{folder}/main.typ"))?;
        // A page for each certificate; `certificate` begins one by setting the page.
        let program = format!(
            "#import \"{folder}/template.typ\": certificate\n#for d in json(\"{DATA}\") {{ certificate(d) }}\n"
        );
        Ok(Self {
            template: Source::new(template, theme.source.to_owned()),
            main: Source::new(main, program),
        })
    }
}

fn file_id(path: &str) -> Result<FileId, RenderError> {
    let virtual_path = VirtualPath::new(path).map_err(|_| RenderError::Bundle { file: path.to_owned() })?;
    Ok(RootedPath::new(VirtualRoot::Project, virtual_path).intern())
}

/// The world of one batch: one theme, one list of certificates, at most one design.
pub(super) struct BatchWorld {
    pub(super) assets: Arc<Assets>,
    /// Index into `THEMES`.
    pub(super) theme: usize,
    pub(super) data: Bytes,
    pub(super) design: Option<Bytes>,
}

impl World for BatchWorld {
    fn library(&self) -> &LazyHash<Library> {
        &self.assets.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        self.assets.fonts.book()
    }

    fn main(&self) -> FileId {
        self.assets.themes[self.theme].main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let files = &self.assets.themes[self.theme];
        [&files.main, &files.template]
            .into_iter()
            .find(|source| source.id() == id)
            .cloned()
            .ok_or_else(|| not_found(id))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.assets.data {
            Ok(self.data.clone())
        } else if id == self.assets.design {
            self.design.clone().ok_or_else(|| not_found(id))
        } else {
            Err(not_found(id))
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.assets.fonts.font(index)
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

fn not_found(id: FileId) -> FileError {
    FileError::NotFound(id.get().vpath().get_with_slash().into())
}
