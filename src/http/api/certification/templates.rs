//! Themes: the templates that the program ships.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::certification::manifest::{Bilingual, Manifest, OptionKind, TemplateOption};
use crate::http::protocol::answer::{Envelope, ListEnvelope, ListMeta};
use crate::http::protocol::extract::{Path, Query};
use crate::http::protocol::names::OptionKindName;
use crate::http::{Answer, ApiError, HttpState};

/// Theme for `pdfTemplate` of a certificate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateAnswer {
    /// Name of the theme.
    #[schema(example = "corporate")]
    pub name: String,
    /// Version that this response describes.
    #[schema(example = 1)]
    pub version: u32,
    /// All versions that certificates can use, oldest first.
    #[schema(example = json!([1]))]
    pub versions: Vec<u32>,
    /// Name for people.
    pub title: TextAnswer,
    /// Description of its appearance.
    pub description: TextAnswer,
    /// Page format, unless the options `paper` and `orientation` choose another one.
    pub page: PageAnswer,
    /// True if the theme draws `baseDesignUrl` of the certificate. With other themes, a certificate
    /// can't have a `baseDesignUrl`.
    pub takes_design: bool,
    /// Variables of a certificate that the theme shows, with the names that they have in templates.
    #[schema(example = json!(["full_name", "certificate_name"]))]
    pub variables: Vec<String>,
    /// Options that a certificate can set.
    pub options: Vec<OptionAnswer>,
}

/// Text in both languages.
#[derive(Serialize, ToSchema)]
pub struct TextAnswer {
    /// English text.
    #[schema(example = "Corporate")]
    pub en: String,
    /// Spanish text.
    #[schema(example = "Corporativo")]
    pub es: String,
}

/// Format of a page.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageAnswer {
    /// `a4` or `letter`.
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

/// Option of a theme.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OptionAnswer {
    /// Name of the option in `pdfTemplate.options`.
    #[schema(example = "accent")]
    pub name: String,
    /// `colour` (`#rrggbb`), `text`, `choice`, or `image`: the `url` of an uploaded design.
    #[schema(value_type = OptionKindName)]
    pub kind: &'static str,
    /// Name for people.
    pub title: TextAnswer,
    /// Default value. Null for a picture. Empty if the theme has its own default texts.
    #[schema(example = "#123a5c")]
    pub default: Option<String>,
    /// Allowed values of a `choice`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, example = json!(["light", "dark"]))]
    pub choices: Vec<String>,
    /// Largest length of a text, in characters.
    #[schema(example = 80)]
    pub max_length: Option<usize>,
}

impl TemplateAnswer {
    fn of(http: &HttpState, name: &str, version: u32, manifest: &Manifest) -> Self {
        let versions = http.templates.iter().filter(|known| known.name == name);
        let (width, height) = manifest.page.millimetres();
        Self {
            name: name.to_owned(),
            version,
            versions: versions.map(|known| known.version).collect(),
            title: text(&manifest.title),
            description: text(&manifest.description),
            page: PageAnswer {
                size: manifest.page.size.as_str(),
                orientation: manifest.page.orientation.as_str(),
                width,
                height,
            },
            takes_design: manifest.design,
            variables: manifest.variables.clone(),
            options: manifest.options.iter().map(option).collect(),
        }
    }
}

fn text(text: &Bilingual) -> TextAnswer {
    TextAnswer {
        en: text.en.clone(),
        es: text.es.clone(),
    }
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

/// Query parameters of the endpoint that shows a theme.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VersionQuery {
    /// Version of the theme. The default is the newest version.
    #[param(minimum = 1)]
    version: Option<u32>,
}

/// Returns one theme.
#[utoipa::path(
    get, path = "/templates/{name}",
    params(("name" = String, Path, description = "The theme's name", example = "corporate"), VersionQuery),
    responses(
        (status = 200, description = "The theme", body = Envelope<TemplateAnswer>),
        (status = 404, description = "NOT_FOUND: there is no such theme"),
        (status = 422, description = "VALIDATION_ERROR: the theme has no such version"),
    )
)]
pub async fn get_template(
    State(http): State<HttpState>,
    Path(name): Path<String>,
    Query(query): Query<VersionQuery>,
) -> Result<Answer, ApiError> {
    let mut versions = http.templates.iter().filter(|known| known.name == name);
    let newest = versions.clone().next_back();
    let mut known = newest.ok_or_else(|| ApiError::not_found("template"))?;
    if let Some(version) = query.version {
        known = versions
            .find(|known| known.version == version)
            .ok_or_else(|| ApiError::no_such("version", "version of this template"))?;
    }
    let template = TemplateAnswer::of(&http, &known.name, known.version, &known.manifest);
    Ok(Answer::ok(&template)?.version_of_body())
}

/// Page size in the response. It is larger than the number of themes.
const LIMIT: u32 = 200;

/// Lists the themes that certificates can use. Each is listed in its newest version.
#[utoipa::path(
    get, path = "/templates",
    responses((status = 200, description = "The themes; there is one page", body = ListEnvelope<TemplateAnswer>))
)]
pub async fn list_templates(State(http): State<HttpState>) -> Result<Answer, ApiError> {
    let newest = http.templates.iter().enumerate().filter(|(n, known)| {
        http.templates
            .get(n + 1)
            .is_none_or(|next| next.name != known.name)
    });
    let shown: Vec<_> = newest
        .map(|(_, known)| TemplateAnswer::of(&http, &known.name, known.version, &known.manifest))
        .collect();
    Answer::list(&shown, &ListMeta::of_whole(LIMIT))
}
