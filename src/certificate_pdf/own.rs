//! Rendering of templates that issuers wrote, one certificate at a time.
//!
//! Only the child process of `crate::sandbox` uses this module, because the module limits neither
//! time nor memory.

use std::sync::Arc;

use super::{Design, Diagnosis, OptionInput, RenderError, RenderJob, Renderer, Template};
use crate::domain::Locale;
use crate::domain::certification::manifest::Manifest;

/// Maximum size of a source in bytes.
pub const MAX_SOURCE: usize = 256 << 10;
/// Maximum number of diagnoses for an author, and maximum length of a message in characters.
const MAX_TOLD: usize = 20;
const MAX_MESSAGE: usize = 500;

/// Renderer of certificates with one template of an issuer.
pub struct OwnRenderer {
    renderer: Renderer,
    template: Arc<Template>,
}

impl OwnRenderer {
    /// Creates a renderer for a template. The manifest must have been checked.
    ///
    /// # Errors
    /// [`RenderError::Bundle`] if a bundled file is damaged.
    pub fn new(source: &str, manifest: &Manifest) -> Result<Self, RenderError> {
        let template = Arc::new(Template::own("own", 1, source, manifest.clone())?);
        Ok(Self {
            renderer: Renderer::new()?,
            template,
        })
    }

    /// Renders the PDF of a certificate.
    ///
    /// # Errors
    /// Fails if the template fails, or if it doesn't draw exactly one page that passes the checks.
    pub fn render(&self, job: &RenderJob) -> Result<bytes::Bytes, RenderError> {
        let rendered = self
            .renderer
            .render_by(&self.template, std::slice::from_ref(job))
            .pop();
        rendered
            .unwrap_or_else(|| Err(super::page::template_error([])))
            .map(|rendered| rendered.to_bytes())
    }
}

impl RenderJob {
    /// Returns the design and the pictures of the options.
    pub fn pictures(&self) -> impl Iterator<Item = &Design> {
        let options = self.options.values().filter_map(|option| match option {
            OptionInput::Image(image) => Some(image),
            OptionInput::Text(_) => None,
        });
        self.design.iter().chain(options)
    }

    /// Returns the design and the pictures of the options, so that the caller can set their bytes.
    pub fn pictures_mut(&mut self) -> impl Iterator<Item = &mut Design> {
        let options = self.options.values_mut().filter_map(|option| match option {
            OptionInput::Image(image) => Some(image),
            OptionInput::Text(_) => None,
        });
        self.design.iter_mut().chain(options)
    }

    /// Creates a job from the sample of a manifest. The template's source is not needed.
    ///
    /// # Errors
    /// [`RenderError::Bundle`] if a bundled file is missing or damaged.
    pub fn of_sample(manifest: &Manifest, locale: Locale) -> Result<Self, RenderError> {
        Ok(Template::own("own", 1, "", manifest.clone())?
            .sample(locale, time::macros::date!(2026 - 11 - 21)))
    }
}

/// Returns the diagnoses for the author of a template: typst's messages, limited in number and
/// length. A message may contain parts of the template's input.
#[must_use]
pub fn diagnoses(error: &RenderError) -> Vec<Diagnosis> {
    let cut = |text: &str| {
        text.chars()
            .filter(|c| !c.is_control())
            .take(MAX_MESSAGE)
            .collect::<String>()
    };
    let bounded = |said: &Diagnosis| Diagnosis {
        place: said.place.clone(),
        message: cut(&said.message),
        hints: said.hints.iter().take(3).map(|hint| cut(hint)).collect(),
    };
    match error {
        RenderError::Template { diagnostics } => diagnostics
            .reveal()
            .iter()
            .take(MAX_TOLD)
            .map(bounded)
            .collect(),
        RenderError::Overflow { field } if field == "text" => {
            let message =
                "a text reaches beyond the margin that the manifest gives, or off the page";
            vec![Diagnosis::of_message(message)]
        }
        other => vec![Diagnosis::of_message(&other.to_string())],
    }
}
