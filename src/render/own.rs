//! Templates that issuers wrote, one certificate at a time.
//!
//! Only the child process of `crate::sandbox` does this: nothing here bounds time or memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::themes::SAMPLES;
use super::{Design, Diagnosis, OptionInput, RenderError, RenderJob, Renderer, Template};
use crate::domain::manifest::{Manifest, OptionKind};
use crate::domain::{Locale, hex};

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
        rendered.unwrap_or_else(|| Err(super::page::template_error([]))).map(|rendered| rendered.bytes)
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

    /// A certificate that nobody earned, of a template's own sample.
    #[must_use]
    pub fn of_sample(manifest: &Manifest, locale: Locale) -> Self {
        let text = |names: &[&str], otherwise: &str| {
            let found = names.iter().find_map(|name| manifest.sample.get(*name));
            found.map_or_else(|| otherwise.to_owned(), Clone::clone)
        };
        Self {
            theme: "own".to_owned(),
            theme_version: 1,
            options: sample_options(manifest),
            locale,
            issue_date: time::macros::date!(2026 - 11 - 21),
            public_id: "SAMPLE-NOT-VALID".to_owned(),
            verification_url: "https://example.org/certificate/SAMPLE-NOT-VALID".to_owned(),
            full_name: text(&["full_name", "attendeeName", "learner_name"], "Zoë Sample-Brontë").into(),
            certificate_name: text(&["certificate_name", "certificateName", "course_name"], "Sample Course"),
            event_name: text(&["event_name", "eventName"], "Sample Event"),
            client: text(&["client", "organization"], "Sample Academy"),
            document_number: Some(text(&["document_number"], "SAMPLE 123").into()),
            event_link: Some(text(&["eventLink"], "https://example.org")),
            email: Some(text(&["learner_email"], "sample@example.org").into()),
            design: None,
        }
    }
}

fn sample_options(manifest: &Manifest) -> BTreeMap<String, OptionInput> {
    let value = |name: &String, kind: OptionKind, value: &String| {
        let input = match kind {
            OptionKind::Image => {
                let (_, bytes) = SAMPLES.iter().find(|(file, _)| file == value)?;
                OptionInput::Image(Design { sha256: hex(&Sha256::digest(bytes)), bytes: (*bytes).into() })
            }
            OptionKind::Colour | OptionKind::Text | OptionKind::Choice => {
                OptionInput::Text(value.clone().into())
            }
        };
        Some((name.clone(), input))
    };
    let options = manifest.options.iter();
    options
        .filter_map(|option| value(&option.name, option.kind, manifest.sample.get(&option.name)?))
        .collect()
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
        other => vec![Diagnosis::of_message(&other.to_string())],
    }
}
