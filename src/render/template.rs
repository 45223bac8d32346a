//! A template that can be drawn: its source and its manifest, wherever they come from.

use std::borrow::Cow;
use std::sync::OnceLock;

use typst::syntax::{FileId, Source};

use super::RenderError;
use super::themes::{LETTERS, Theme};
use super::world::{DATA, file_id};
use crate::domain::manifest::Manifest;

/// Who wrote a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is one of the themes that this program ships.
    Shipped,
    /// An issuer, so that it has to be drawn apart from everything else.
    Own,
}

/// A file of typst code, parsed when it is first looked at: a program ships more themes than it draws.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) id: FileId,
    text: Cow<'static, str>,
    parsed: OnceLock<Source>,
}

impl Code {
    pub(super) fn new(path: &str, text: impl Into<Cow<'static, str>>) -> Result<Self, RenderError> {
        Ok(Self { id: file_id(path)?, text: text.into(), parsed: OnceLock::new() })
    }

    pub(super) fn source(&self) -> &Source {
        self.parsed.get_or_init(|| Source::new(self.id, self.text.clone().into_owned()))
    }
}

/// One version of a certificate template.
#[derive(Debug)]
pub struct Template {
    name: String,
    version: u32,
    origin: Origin,
    manifest: Manifest,
    pub(super) source: Code,
    pub(super) main: Code,
}

impl Template {
    pub(super) fn shipped(theme: &Theme) -> Result<Self, RenderError> {
        let damaged =
            || RenderError::Bundle { file: format!("{}/{}/manifest.json", theme.name, theme.version) };
        let manifest = Manifest::parse(theme.manifest.as_bytes()).map_err(|_| damaged())?;
        let folder = format!("/{}/{}", theme.name, theme.version);
        Self::new((theme.name, theme.version), Origin::Shipped, &folder, theme.source, manifest)
    }

    /// A template that an issuer wrote. The manifest must have been checked ([`Manifest::parse`]).
    ///
    /// # Errors
    /// [`RenderError::Bundle`], which a well-built program never answers.
    pub fn own(name: &str, version: u32, source: &str, manifest: Manifest) -> Result<Self, RenderError> {
        Self::new((name, version), Origin::Own, "/own", source.to_owned(), manifest)
    }

    /// typst keeps every distinct path for good, so the folders are few and fixed.
    fn new(
        (name, version): (&str, u32),
        origin: Origin,
        folder: &str,
        source: impl Into<Cow<'static, str>>,
        manifest: Manifest,
    ) -> Result<Self, RenderError> {
        // A page for each certificate; `certificate` begins one by setting the page.
        let program = format!(
            "#import \"{folder}/template.typ\": certificate\n#import \"{LETTERS}\": lettered\n\
             #for one in json(\"{DATA}\") {{ lettered(one.letters, certificate(one.data)) }}\n"
        );
        Ok(Self {
            name: name.to_owned(),
            version,
            origin,
            manifest,
            source: Code::new(&format!("{folder}/template.typ"), source)?,
            main: Code::new(&format!("{folder}/main.typ"), program)?,
        })
    }

    /// The name, for example `classic`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version, from 1.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Who wrote it.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        self.origin
    }

    /// What it says of itself.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The source, for whoever wants to change a copy of it.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source.text
    }

    /// Whether the file is one of the two that make it.
    pub(super) fn file(&self, id: FileId) -> Option<&Source> {
        [&self.main, &self.source].into_iter().find(|code| code.id == id).map(Code::source)
    }
}
