//! Manifest: description of a certificate template, with its page, variables and options. Shipped
//! themes and issuers' templates use the same format.

mod check;
mod option;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use option::{OptionKind, OptionValue, OptionValues, TemplateOption};

use crate::domain::Locale;

/// Maximum size of a manifest, in bytes of JSON.
pub const MAX_BYTES: usize = 64 << 10;

/// Names of the variables in a template's `fields`. Some values have two or three names, because
/// issuers know these names from other programs.
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

/// Name of the option that chooses the paper size.
pub const PAPER: &str = "paper";
/// Name of the option that chooses the orientation.
pub const ORIENTATION: &str = "orientation";

/// Names of the bundled pictures for sample pages.
pub const SAMPLE_IMAGES: [&str; 3] = ["logo.png", "signature-1.png", "signature-2.png"];

/// Text in each supported language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bilingual {
    /// English.
    pub en: String,
    /// Spanish.
    pub es: String,
}

impl Bilingual {
    /// Returns the text in `locale`.
    #[must_use]
    pub fn in_locale(&self, locale: Locale) -> &str {
        match locale {
            Locale::En => &self.en,
            Locale::Es => &self.es,
        }
    }
}

/// Paper size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaperSize {
    /// 210 × 297 mm.
    A4,
    /// 8.5 × 11 inches.
    #[serde(alias = "us-letter")]
    Letter,
}

impl PaperSize {
    /// Returns the name, as in manifests and options.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A4 => "a4",
            Self::Letter => "letter",
        }
    }
}

/// Orientation of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orientation {
    /// The page is wider than high.
    Landscape,
    /// The page is higher than wide.
    Portrait,
}

impl Orientation {
    /// Returns the name, as in manifests and options.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Landscape => "landscape",
            Self::Portrait => "portrait",
        }
    }
}

/// Page format that a template uses for each certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageFormat {
    /// Paper size.
    pub size: PaperSize,
    /// Orientation.
    pub orientation: Orientation,
}

impl PageFormat {
    /// Returns width and height in millimetres.
    #[must_use]
    pub const fn millimetres(self) -> (f64, f64) {
        let (short, long) = match self.size {
            PaperSize::A4 => (210.0, 297.0),
            PaperSize::Letter => (215.9, 279.4),
        };
        match self.orientation {
            Orientation::Landscape => (long, short),
            Orientation::Portrait => (short, long),
        }
    }
}

/// Position of the QR code, in millimetres from the upper left corner of the page.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QrPlace {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Side length of the code, without the quiet zone.
    pub size: f64,
}

/// Page format of a template with the position of its QR code.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageSetup {
    /// Page format.
    pub page: PageFormat,
    /// Position of the QR code.
    pub qr: QrPlace,
}

/// Description of a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// Title that users see.
    pub title: Bilingual,
    /// Description of the appearance for users, in one or two sentences.
    pub description: Bilingual,
    /// Page format, unless an issuer chooses another one.
    pub page: PageFormat,
    /// Minimum distance between text and the edge of the page, in millimetres. Text that is nearer
    /// to the edge is treated as overflow.
    pub margin: f64,
    /// Position of the QR code.
    pub qr: QrPlace,
    /// Other page formats, which an issuer chooses by the options [`PAPER`] and [`ORIENTATION`].
    #[serde(default)]
    pub other_pages: Vec<PageSetup>,
    /// True if the template can use the issuer's own background.
    #[serde(default)]
    pub design: bool,
    /// Variables that the template uses, from [`VARIABLES`]. The template gets no other variables.
    #[serde(default)]
    pub variables: Vec<String>,
    /// Options that an issuer can set.
    #[serde(default)]
    pub options: Vec<TemplateOption>,
    /// Values of variables and options for a sample page. The value of an image is one of
    /// [`SAMPLE_IMAGES`].
    #[serde(default)]
    pub sample: BTreeMap<String, SampleValue>,
}

/// Value on a sample page: one value for all languages, or one text per language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a sample must be a text, or an object with the texts en and es"
)]
pub enum SampleValue {
    /// One value for all languages, for example a name or an image.
    Same(String),
    /// One text per language.
    PerLanguage(Bilingual),
}

impl SampleValue {
    /// Returns the value in `locale`.
    #[must_use]
    pub fn in_locale(&self, locale: Locale) -> &str {
        match self {
            Self::Same(text) => text,
            Self::PerLanguage(texts) => texts.in_locale(locale),
        }
    }
}

/// One version of a shipped theme.
#[derive(Clone, Debug, PartialEq)]
pub struct ShippedTemplate {
    /// Name of the theme.
    pub name: String,
    /// Version of the theme, from 1.
    pub version: u32,
    /// Manifest of the version.
    pub manifest: Manifest,
}

/// Errors in a manifest. Each one is a line that begins with the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError(pub Vec<String>);

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for ManifestError {}

impl Manifest {
    /// Parses and checks a manifest.
    ///
    /// # Errors
    /// The manifest is larger than [`MAX_BYTES`], is not JSON in this format, or fails
    /// [`Self::check`].
    pub fn parse(json: &[u8]) -> Result<Self, ManifestError> {
        if json.len() > MAX_BYTES {
            return Err(ManifestError(vec![format!(
                "is larger than {} KiB",
                MAX_BYTES >> 10
            )]));
        }
        let mut reader = serde_json::Deserializer::from_slice(json);
        let wrong = |problem: String| ManifestError(vec![problem]);
        let manifest: Self = serde_path_to_error::deserialize(&mut reader)
            .map_err(|problem| wrong(problem.to_string()))?;
        reader.end().map_err(|problem| wrong(problem.to_string()))?;
        let variables = manifest
            .variables
            .iter()
            .map(|name| own_name(name))
            .collect();
        let sample = manifest
            .sample
            .into_iter()
            .map(|(name, value)| (own_name(&name), value))
            .collect();
        let manifest = Self {
            variables,
            sample,
            ..manifest
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// Returns the option with this name, if any.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&TemplateOption> {
        self.options.iter().find(|option| option.name == name)
    }

    /// Returns the page for the values of the options [`PAPER`] and [`ORIENTATION`]. An absent
    /// value has its default. [`Self::check`] ensures that there is a page for each combination of
    /// values.
    #[must_use]
    pub fn page_setup(&self, paper: Option<&str>, orientation: Option<&str>) -> PageSetup {
        let is_wanted = |setup: &PageSetup| {
            let size = setup.page.size.as_str();
            let side = setup.page.orientation.as_str();
            size == paper.unwrap_or(self.page.size.as_str())
                && side == orientation.unwrap_or(self.page.orientation.as_str())
        };
        let other = self.other_pages.iter().copied().find(is_wanted);
        other.unwrap_or(PageSetup {
            page: self.page,
            qr: self.qr,
        })
    }

    /// Returns the problems with an issuer's values: the option's name, and the problem as the end
    /// of a sentence.
    #[must_use]
    pub fn problems_with(&self, values: &OptionValues) -> Vec<(String, String)> {
        let problem = |(name, value): (&String, &OptionValue)| {
            let known = self.option(name).ok_or_else(|| self.no_such_option());
            let problem = known.and_then(|option| option.check(value)).err()?;
            Some((name.clone(), problem))
        };
        values.iter().filter_map(problem).collect()
    }

    /// Returns a problem that follows a name in a sentence, for a name that is not an option.
    #[must_use]
    pub fn no_such_option(&self) -> String {
        let names: Vec<&str> = self
            .options
            .iter()
            .map(|option| option.name.as_str())
            .collect();
        match names.as_slice() {
            [] => "is not an option: this template has none".to_owned(),
            names => format!(
                "is not an option of this template; it has {}",
                names.join(", ")
            ),
        }
    }
}

/// Returns the canonical spelling of a variable's name. This is needed because the API converts all
/// names in JSON bodies to camelCase. Other names don't change.
fn own_name(name: &str) -> String {
    let alike =
        |known: &&&str| **known == name || known.replace('_', "").eq_ignore_ascii_case(name);
    let exact = VARIABLES.iter().find(|known| **known == name);
    exact
        .or_else(|| VARIABLES.iter().find(alike))
        .map_or(name, |known| known)
        .to_owned()
}
