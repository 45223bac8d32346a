//! Templates: what certificates can be drawn with.

pub mod get;
pub mod list;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::manifest::{Bilingual, Manifest, OptionKind, Orientation, PaperSize, TemplateOption};
use crate::http::HttpState;

/// A theme that certificates can choose as their `pdfTemplate`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateAnswer {
    /// Its name.
    #[schema(example = "corporate")]
    pub name: String,
    /// The version that is told of here.
    #[schema(example = 1)]
    pub version: u32,
    /// Every version that certificates can choose, oldest first.
    #[schema(example = json!([1]))]
    pub versions: Vec<u32>,
    /// Its name for people.
    pub title: TextAnswer,
    /// What it looks like.
    pub description: TextAnswer,
    /// The paper.
    pub page: PageAnswer,
    /// Whether it is drawn on the certificate's `baseDesignUrl`; certificates with another theme can't have one.
    pub takes_design: bool,
    /// What of a certificate it shows, by the names that templates have for it.
    #[schema(example = json!(["full_name", "certificate_name"]))]
    pub variables: Vec<String>,
    /// What can be set.
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

/// A page.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageAnswer {
    /// `a4` or `us-letter`.
    #[schema(example = "a4")]
    pub size: &'static str,
    /// `landscape` or `portrait`.
    #[schema(example = "landscape")]
    pub orientation: &'static str,
    /// Millimetres across.
    #[schema(example = 297.0)]
    pub width: f64,
    /// Millimetres down.
    #[schema(example = 210.0)]
    pub height: f64,
}

/// Something that can be set on a template.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OptionAnswer {
    /// Its name in `pdfTemplate.options`.
    #[schema(example = "accent")]
    pub name: String,
    /// `colour` (`#rrggbb`), `text`, `choice`, or `image`: the `url` of an uploaded design.
    #[schema(example = "colour")]
    pub kind: &'static str,
    /// Its name for people.
    pub title: TextAnswer,
    /// Its value where none is given; null for a picture, empty where the theme has words of its own.
    #[schema(example = "#123a5c")]
    pub default: Option<String>,
    /// What can be chosen, of a choice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, example = json!(["light", "dark"]))]
    pub choices: Vec<String>,
    /// The most characters of a text.
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
