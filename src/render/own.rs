//! Templates that issuers wrote, one certificate at a time.
//!
//! Only the child process of `crate::sandbox` does this: nothing here bounds time or memory.

use std::sync::Arc;

use super::{Design, Diagnosis, OptionInput, RenderError, RenderJob, Renderer, Template};
use crate::domain::Locale;
use crate::domain::manifest::Manifest;

/// The largest source, in bytes.
pub const MAX_SOURCE: usize = 256 << 10;
/// How many things are told at once, and how much of each, in characters.
const MAX_TOLD: usize = 20;
const MAX_MESSAGE: usize = 500;

/// Draws certificates by one template of an issuer's.
pub struct OwnRenderer {
    renderer: Renderer,
    template: Arc<Template>,
}

impl OwnRenderer {
    /// Takes a template whose manifest was checked.
    ///
    /// # Errors
    /// [`RenderError::Bundle`], which a well-built program never answers.
    pub fn new(source: &str, manifest: &Manifest) -> Result<Self, RenderError> {
        let template = Arc::new(Template::own("own", 1, source, manifest.clone())?);
        Ok(Self { renderer: Renderer::new()?, template })
    }

    /// The PDF of a certificate.
    ///
    /// # Errors
    /// The template fails, or doesn't draw one good page.
    pub fn render(&self, job: &RenderJob) -> Result<bytes::Bytes, RenderError> {
        let rendered = self.renderer.render_by(&self.template, std::slice::from_ref(job)).pop();
        rendered.unwrap_or_else(|| Err(super::page::template_error([]))).map(|rendered| rendered.to_bytes())
    }
}

impl RenderJob {
    /// The pictures that it shows.
    pub fn pictures(&self) -> impl Iterator<Item = &Design> {
        let options = self.options.values().filter_map(|option| match option {
            OptionInput::Image(image) => Some(image),
            OptionInput::Text(_) => None,
        });
        self.design.iter().chain(options)
    }

    /// The same, to be filled in.
    pub fn pictures_mut(&mut self) -> impl Iterator<Item = &mut Design> {
        let options = self.options.values_mut().filter_map(|option| match option {
            OptionInput::Image(image) => Some(image),
            OptionInput::Text(_) => None,
        });
        self.design.iter_mut().chain(options)
    }

    /// A certificate that nobody earned, of a template's own sample. The source isn't looked at.
    ///
    /// # Errors
    /// [`RenderError::Bundle`], which a well-built program never answers.
    pub fn of_sample(manifest: &Manifest, locale: Locale) -> Result<Self, RenderError> {
        Ok(Template::own("own", 1, "", manifest.clone())?.sample(locale, time::macros::date!(2026 - 11 - 21)))
    }
}

/// What a template is told to its author: as typst says it, bounded. It may quote what the template was given.
#[must_use]
pub fn told(error: &RenderError) -> Vec<Diagnosis> {
    let cut = |text: &str| text.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect::<String>();
    let bounded = |said: &Diagnosis| Diagnosis {
        place: said.place.clone(),
        message: cut(&said.message),
        hints: said.hints.iter().take(3).map(|hint| cut(hint)).collect(),
    };
    match error {
        RenderError::Template { diagnostics } => {
            diagnostics.reveal().iter().take(MAX_TOLD).map(bounded).collect()
        }
        RenderError::Overflow { field } if field == "text" => {
            let message = "a text reaches beyond the margin that the manifest gives, or off the page";
            vec![Diagnosis::of_message(message)]
        }
        other => vec![Diagnosis::of_message(&other.to_string())],
    }
}
