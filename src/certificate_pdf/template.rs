//! Certificate template: a typst source with its manifest, shipped or written by an issuer.

use std::borrow::Cow;
use std::sync::OnceLock;

use typst::syntax::{FileId, Source};

use super::RenderError;
use super::themes::{LETTERS, Theme};
use super::world::{DATA, file_id};
use crate::domain::certification::manifest::Manifest;

/// Origin of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// One of the themes that this program ships.
    Shipped,
    /// Written by an issuer, so that it must be drawn in the sandbox.
    Own,
}

/// File of typst code. It is parsed at the first use, because the program ships more themes than it
/// draws.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) id: FileId,
    text: Cow<'static, str>,
    parsed: OnceLock<Source>,
}

impl Code {
    pub(super) fn new(path: &str, text: impl Into<Cow<'static, str>>) -> Result<Self, RenderError> {
        Ok(Self {
            id: file_id(path)?,
            text: text.into(),
            parsed: OnceLock::new(),
        })
    }

    pub(super) fn source(&self) -> &Source {
        self.parsed
            .get_or_init(|| Source::new(self.id, self.text.clone().into_owned()))
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
        let damaged = || RenderError::Bundle {
            file: format!("{}/{}/manifest.json", theme.name, theme.version),
        };
        let manifest = Manifest::parse(theme.manifest.as_bytes()).map_err(|_| damaged())?;
        let folder = format!("/{}/{}", theme.name, theme.version);
        Self::new(
            theme.name,
            theme.version,
            Origin::Shipped,
            &folder,
            theme.source,
            manifest,
        )
    }

    /// Creates a template that an issuer wrote. The manifest must have been checked
    /// ([`Manifest::parse`]).
    ///
    /// # Errors
    /// [`RenderError::Bundle`] if a path is invalid, which is a fault of the program.
    pub fn own(
        name: &str,
        version: u32,
        source: &str,
        manifest: Manifest,
    ) -> Result<Self, RenderError> {
        Self::new(
            name,
            version,
            Origin::Own,
            "/own",
            source.to_owned(),
            manifest,
        )
    }

    /// Creates a template in a virtual folder. typst never frees a path, so the folders are few and
    /// fixed.
    fn new(
        name: &str,
        version: u32,
        origin: Origin,
        folder: &str,
        source: impl Into<Cow<'static, str>>,
        manifest: Manifest,
    ) -> Result<Self, RenderError> {
        // One page for each certificate: `certificate` begins a page by setting its size.
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

    /// Returns the name, for example `classic`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the version, from 1.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Returns the origin.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        self.origin
    }

    /// Returns the manifest.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the source, for authors who want to change a copy of it.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source.text
    }

    /// Returns the file with this id, if it belongs to the template.
    pub(super) fn file(&self, id: FileId) -> Option<&Source> {
        [&self.main, &self.source]
            .into_iter()
            .find(|code| code.id == id)
            .map(Code::source)
    }
}
