//! Manifest: what a certificate template says of itself — its page, the variables that it uses, the options
//! that an issuer can set. Shipped themes and issuers' own templates have the same.

mod check;
mod option;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use option::{OptionKind, OptionValue, OptionValues, TemplateOption};

use super::Locale;

/// The largest manifest, in bytes of JSON.
pub const MAX_BYTES: usize = 64 << 10;

/// What a template can show of a certificate, besides its words: the names under which `fields` has it. Some
/// things have two or three names, those that issuers know from elsewhere.
pub const VARIABLES: [&str; 16] = [
    "attendeeName",
    "full_name",
    "learner_name",
    "certificateName",
    "certificate_name",
    "course_name",
    "eventName",
    "event_name",
    "eventLink",
    "downloadLink",
    "year",
    "client",
    "organization",
    "completion_date",
    "learner_email",
    "document_number",
];

/// Pictures that this program brings along for sample pages.
pub const SAMPLE_IMAGES: [&str; 3] = ["logo.png", "signature-1.png", "signature-2.png"];

/// A text in each language that Laureate speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bilingual {
    /// English.
    pub en: String,
    /// Spanish.
    pub es: String,
}

impl Bilingual {
    /// The text in a language.
    #[must_use]
    pub fn in_locale(&self, locale: Locale) -> &str {
        match locale {
            Locale::En => &self.en,
            Locale::Es => &self.es,
        }
    }
}

/// A size of paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaperSize {
    /// 210 × 297 mm.
    A4,
    /// 8.5 × 11 inches.
    UsLetter,
}

/// Which way up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orientation {
    /// Wider than high.
    Landscape,
    /// Higher than wide.
    Portrait,
}

/// The page that a template begins for each certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageFormat {
    /// The paper.
    pub size: PaperSize,
    /// Which way up.
    pub orientation: Orientation,
}

impl PageFormat {
    /// Width and height in millimetres.
    #[must_use]
    pub const fn millimetres(self) -> (f64, f64) {
        let (short, long) = match self.size {
            PaperSize::A4 => (210.0, 297.0),
            PaperSize::UsLetter => (215.9, 279.4),
        };
        match self.orientation {
            Orientation::Landscape => (long, short),
            Orientation::Portrait => (short, long),
        }
    }
}

/// Where the QR code stands; millimetres from the left upper corner of the page.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QrPlace {
    /// Its left edge.
    pub x: f64,
    /// Its upper edge.
    pub y: f64,
    /// Side of the square of modules, quiet zone not counted.
    pub size: f64,
}

/// What a template says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// Its name for people.
    pub title: Bilingual,
    /// What it looks like, in a sentence or two.
    pub description: Bilingual,
    /// The paper.
    pub page: PageFormat,
    /// Text nearer than this to the edge of the page has left its place; millimetres.
    pub margin: f64,
    /// Where the QR code stands.
    pub qr: QrPlace,
    /// Whether it can be drawn on the issuer's own background.
    #[serde(default)]
    pub design: bool,
    /// Which of [`VARIABLES`] it uses; it is given no others.
    #[serde(default)]
    pub variables: Vec<String>,
    /// What an issuer can set.
    #[serde(default)]
    pub options: Vec<TemplateOption>,
    /// Values of variables and options for a sample page; of images the name of one of [`SAMPLE_IMAGES`].
    #[serde(default)]
    pub sample: BTreeMap<String, SampleValue>,
}

/// What a sample page shows: the same in every language, or a text in each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a sample must be a text, or an object with the texts en and es")]
pub enum SampleValue {
    /// Names and pictures usually are.
    Same(String),
    /// For words.
    PerLanguage(Bilingual),
}

impl SampleValue {
    /// The value in a language.
    #[must_use]
    pub fn in_locale(&self, locale: Locale) -> &str {
        match self {
            Self::Same(text) => text,
            Self::PerLanguage(texts) => texts.in_locale(locale),
        }
    }
}

/// One version of a theme that this program ships.
#[derive(Clone, Debug, PartialEq)]
pub struct ShippedTemplate {
    /// The theme's name.
    pub name: String,
    /// The theme's version, from 1.
    pub version: u32,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// What is wrong with a manifest: a line for each thing, beginning with the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError(pub Vec<String>);

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for ManifestError {}

impl Manifest {
    /// Reads a manifest and checks it.
    ///
    /// # Errors
    /// It is too large, no JSON of that form, or something in it can't be so.
    pub fn parse(json: &[u8]) -> Result<Self, ManifestError> {
        if json.len() > MAX_BYTES {
            return Err(ManifestError(vec![format!("is larger than {} KiB", MAX_BYTES >> 10)]));
        }
        let mut reader = serde_json::Deserializer::from_slice(json);
        let wrong = |problem: String| ManifestError(vec![problem]);
        let manifest: Self =
            serde_path_to_error::deserialize(&mut reader).map_err(|problem| wrong(problem.to_string()))?;
        reader.end().map_err(|problem| wrong(problem.to_string()))?;
        let variables = manifest.variables.iter().map(|name| own_name(name)).collect();
        let sample = manifest.sample.into_iter().map(|(name, value)| (own_name(&name), value)).collect();
        let manifest = Self { variables, sample, ..manifest };
        manifest.check()?;
        Ok(manifest)
    }

    /// An option by its name.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&TemplateOption> {
        self.options.iter().find(|option| option.name == name)
    }

    /// What is wrong with values that somebody chose: the option's name, and the problem as the end of a sentence.
    #[must_use]
    pub fn problems_with(&self, values: &OptionValues) -> Vec<(String, String)> {
        let problem = |(name, value): (&String, &OptionValue)| {
            let known = self.option(name).ok_or_else(|| self.no_such_option());
            let problem = known.and_then(|option| option.check(value)).err()?;
            Some((name.clone(), problem))
        };
        values.iter().filter_map(problem).collect()
    }

    /// The end of a sentence about a name that is no option.
    #[must_use]
    pub fn no_such_option(&self) -> String {
        let names: Vec<&str> = self.options.iter().map(|option| option.name.as_str()).collect();
        match names.as_slice() {
            [] => "is no option: this template has none".to_owned(),
            names => format!("is no option of this template; it has {}", names.join(", ")),
        }
    }
}

/// A variable in its own spelling: JSON bodies arrive with all names in camelCase. Anything else as it is.
fn own_name(name: &str) -> String {
    let alike = |known: &&&str| **known == name || known.replace('_', "").eq_ignore_ascii_case(name);
    let exact = VARIABLES.iter().find(|known| **known == name);
    exact.or_else(|| VARIABLES.iter().find(alike)).map_or(name, |known| known).to_owned()
}
