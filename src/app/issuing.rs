//! Facts that issuances pin, and the themes that certificates choose from.

use std::sync::Arc;

use super::App;
use crate::certificate_pdf::{PINNED_VERSION, Template};
use crate::commands::issue::IssuingFacts;
use crate::domain::certification::manifest::ShippedTemplate;

impl App {
    /// Returns the facts that issuances pin besides certificate and person.
    #[must_use]
    pub fn issuing_facts(&self) -> IssuingFacts {
        IssuingFacts {
            renderer_version: PINNED_VERSION.to_owned(),
            fonts_sha256: self.renderer.fonts_digest().to_owned(),
            public_base_url: self.config.http.public_base_url.clone(),
            random: rand::random,
            on_unknown: self.config.mail.on_unknown,
            time_zone: self.config.certificates.time_zone,
        }
    }

    /// Returns the themes that certificates can choose from.
    pub(super) fn shipped_templates(&self) -> Vec<ShippedTemplate> {
        let shipped = |theme: &Arc<Template>| ShippedTemplate {
            name: theme.name().to_owned(),
            version: theme.version(),
            manifest: theme.manifest().clone(),
        };
        self.renderer.themes().map(shipped).collect()
    }
}
