//! Which template is meant: a shipped theme, or files on this machine.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::cli::exit::NotFound;
use crate::domain::manifest::{MAX_BYTES, Manifest};
use crate::render::{Renderer, Template};

/// The largest source, in bytes.
const MAX_SOURCE: usize = 256 << 10;

/// A template's source and its manifest beside it, as files.
pub(super) struct TemplateFiles {
    /// The source.
    pub(super) source: PathBuf,
    /// The manifest.
    pub(super) manifest: PathBuf,
}

impl TemplateFiles {
    /// Those of a folder, or of a source file.
    pub(super) fn of(path: &Path) -> Self {
        let source = if path.is_dir() { path.join("template.typ") } else { path.to_owned() };
        Self { manifest: source.with_file_name("manifest.json"), source }
    }

    /// Reads both.
    ///
    /// # Errors
    /// One of them can't be read, is too large, or the manifest is wrong.
    pub(super) fn read(&self) -> anyhow::Result<Arc<Template>> {
        let source = String::from_utf8(bounded(&self.source, MAX_SOURCE)?);
        let source = source.with_context(|| format!("{} is not UTF-8", self.source.display()))?;
        let json = bounded(&self.manifest, MAX_BYTES)?;
        let manifest = Manifest::parse(&json);
        let manifest = manifest.map_err(|wrong| {
            let lines: Vec<String> = wrong.0.iter().map(|line| format!("\n  {line}")).collect();
            anyhow::anyhow!("{} is wrong:{}", self.manifest.display(), lines.concat())
        })?;
        let name = self.source.parent().and_then(Path::file_name).unwrap_or_default();
        Ok(Arc::new(Template::own(&name.to_string_lossy(), 1, &source, manifest)?))
    }
}

/// A file's bytes.
///
/// # Errors
/// It can't be read, or has more than `most` bytes.
pub(super) fn bounded(path: &Path, most: usize) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(cannot)?;
    file.take(most as u64 + 1).read_to_end(&mut bytes).with_context(cannot)?;
    if bytes.len() > most {
        bail!("{} is larger than {} KiB", path.display(), most >> 10);
    }
    Ok(bytes)
}

/// `THEME`, `THEME@VERSION`, or a path.
///
/// # Errors
/// There is neither such a theme nor such a file, or the files are wrong.
pub(super) fn template(renderer: &Renderer, wanted: &str) -> anyhow::Result<Arc<Template>> {
    let (name, version) = match wanted.split_once('@') {
        Some((name, version)) => (name, version.parse().ok()),
        None => (wanted, None),
    };
    let theme = match (version, wanted.contains('@')) {
        (Some(version), _) => renderer.theme(name, version),
        (None, true) => None,
        (None, false) => renderer.newest_theme(name),
    };
    if let Some(theme) = theme {
        return Ok(theme.clone());
    }
    let path = Path::new(wanted);
    if path.exists() {
        return TemplateFiles::of(path).read();
    }
    let names: Vec<&str> = renderer.newest_themes().map(|theme| theme.name()).collect();
    let message = format!("there is no theme and no file {wanted:?}; themes are {}", names.join(", "));
    Err(NotFound(message).into())
}
