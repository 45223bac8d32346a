//! Sample job of a template: the values of its manifest's sample, and bundled pictures.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::themes::SAMPLES;
use super::{Design, OptionInput, RENDERER_VERSION, RenderJob, Template};
use crate::domain::certification::manifest::OptionKind;
use crate::domain::{Locale, Personal};

impl Template {
    /// Creates a sample job from the values of the manifest's sample, and from default texts for
    /// the others.
    #[must_use]
    pub fn sample(&self, locale: Locale, issue_date: time::Date) -> RenderJob {
        let sample = &self.manifest().sample;
        let given = |name: &str| sample.get(name).map(|value| value.in_locale(locale));
        let text = |names: &[&str], or: &str| {
            names
                .iter()
                .find_map(|name| given(name))
                .unwrap_or(or)
                .to_owned()
        };
        let optional = |name: &str| given(name).map(str::to_owned);
        let (award, client) = match locale {
            Locale::En => ("Advanced Cardiac Life Support", "Example Academy"),
            Locale::Es => ("Soporte vital cardíaco avanzado", "Academia de Ejemplo"),
        };
        RenderJob {
            theme: self.name().to_owned(),
            theme_version: self.version(),
            renderer_version: RENDERER_VERSION.to_owned(),
            options: self.sample_options(locale),
            locale,
            issue_date,
            public_id: "SAMPLE-NOT-VALID".to_owned(),
            verification_url: "https://certificates.example.com/certificate/SAMPLE-NOT-VALID"
                .to_owned(),
            full_name: text(
                &["full_name", "attendeeName", "learner_name"],
                "Valentina Rojas Quispe",
            )
            .into(),
            certificate_name: text(
                &["certificate_name", "certificateName", "course_name"],
                award,
            ),
            event_name: text(&["event_name", "eventName"], ""),
            client: text(&["client", "organization"], client),
            document_number: optional("document_number").map(Personal::new),
            event_link: optional("eventLink"),
            email: optional("learner_email").map(Personal::new),
            design: None,
        }
    }

    fn sample_options(&self, locale: Locale) -> BTreeMap<String, OptionInput> {
        let mut options = BTreeMap::new();
        for option in &self.manifest().options {
            let Some(value) = self.manifest().sample.get(&option.name) else {
                continue;
            };
            let value = value.in_locale(locale);
            let input = match option.kind {
                OptionKind::Image => sample_picture(value).map(OptionInput::Image),
                _ => Some(OptionInput::Text(value.to_owned().into())),
            };
            options.extend(input.map(|input| (option.name.clone(), input)));
        }
        options
    }
}

/// Returns a bundled picture that manifests can name in their sample.
fn sample_picture(name: &str) -> Option<Design> {
    let (_, bytes) = SAMPLES.iter().find(|(known, _)| *known == name)?;
    Some(Design {
        sha256: HEXLOWER.encode(&Sha256::digest(bytes)),
        bytes: bytes::Bytes::from_static(bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::certification::manifest::SAMPLE_IMAGES;

    #[test]
    fn every_picture_that_a_manifest_can_name_is_bundled() {
        for name in SAMPLE_IMAGES {
            let picture = sample_picture(name).expect("it is bundled");
            image::load_from_memory(&picture.bytes).expect("a picture");
        }
        assert!(sample_picture("else.png").is_none());
    }
}
