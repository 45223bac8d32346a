//! Themes: the templates that the program ships.

pub mod get;
pub mod list;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::certification::manifest::{
    Bilingual, Manifest, OptionKind, Orientation, PaperSize, TemplateOption,
};
use crate::http::HttpState;

/// A theme that certificates can use as `pdfTemplate`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateAnswer {
    /// Name of the theme.
    #[schema(example = "corporate")]
    pub name: String,
    /// Version that this answer describes.
    #[schema(example = 1)]
    pub version: u32,
    /// All versions that certificates can use, oldest first.
    #[schema(example = json!([1]))]
    pub versions: Vec<u32>,
    /// Name for people.
    pub title: TextAnswer,
    /// Description of its appearance.
    pub description: TextAnswer,
    /// Page format.
    pub page: PageAnswer,
    /// True if it draws the certificate's `baseDesignUrl`. Certificates with other themes cannot have a
    /// `baseDesignUrl`.
    pub takes_design: bool,
    /// Variables of a certificate that it shows, by their names in templates.
    #[schema(example = json!(["full_name", "certificate_name"]))]
    pub variables: Vec<String>,
    /// Options that can be set.
    pub options: Vec<OptionAnswer>,
}

/// A text in both languages.
#[derive(Serialize, ToSchema)]
pub struct TextAnswer {
    /// English.
    #[schema(example = "Corporate")]
    pub en: String,
    /// Spanish.
    #[schema(example = "Corporativo")]
    pub es: String,
}

/// Format of a page.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageAnswer {
    /// `a4` or `us-letter`.
    #[schema(example = "a4")]
    pub size: &'static str,
    /// `landscape` or `portrait`.
    #[schema(example = "landscape")]
    pub orientation: &'static str,
    /// Width in millimetres.
    #[schema(example = 297.0)]
    pub width: f64,
    /// Height in millimetres.
    #[schema(example = 210.0)]
    pub height: f64,
}

/// An option of a template.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OptionAnswer {
    /// Name of the option in `pdfTemplate.options`.
    #[schema(example = "accent")]
    pub name: String,
    /// `colour` (`#rrggbb`), `text`, `choice`, or `image`: the `url` of an uploaded design.
    #[schema(example = "colour")]
    pub kind: &'static str,
    /// Name for people.
    pub title: TextAnswer,
    /// Default value; null for a picture, empty if the theme has its own words.
    #[schema(example = "#123a5c")]
    pub default: Option<String>,
    /// Allowed values of a `choice`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, example = json!(["light", "dark"]))]
    pub choices: Vec<String>,
    /// Maximum length of a text, in characters.
    #[schema(example = 80)]
    pub max_length: Option<usize>,
}

impl TemplateAnswer {
    fn of(http: &HttpState, name: &str, version: u32, manifest: &Manifest) -> Self {
        let versions = http.templates.iter().filter(|known| known.name == name);
        let (width, height) = manifest.page.millimetres();
        let size = match manifest.page.size {
            PaperSize::A4 => "a4",
            PaperSize::UsLetter => "us-letter",
        };
        let orientation = match manifest.page.orientation {
            Orientation::Landscape => "landscape",
            Orientation::Portrait => "portrait",
        };
        Self {
            name: name.to_owned(),
            version,
            versions: versions.map(|known| known.version).collect(),
            title: text(&manifest.title),
            description: text(&manifest.description),
            page: PageAnswer { size, orientation, width, height },
            takes_design: manifest.design,
            variables: manifest.variables.clone(),
            options: manifest.options.iter().map(option).collect(),
        }
    }
}

fn text(text: &Bilingual) -> TextAnswer {
    TextAnswer { en: text.en.clone(), es: text.es.clone() }
}

fn option(option: &TemplateOption) -> OptionAnswer {
    let kind = match option.kind {
        OptionKind::Colour => "colour",
        OptionKind::Text => "text",
        OptionKind::Image => "image",
        OptionKind::Choice => "choice",
    };
    OptionAnswer {
        name: option.name.clone(),
        kind,
        title: text(&option.title),
        default: option.default.clone(),
        choices: option.choices.clone(),
        max_length: option.longest(),
    }
}
