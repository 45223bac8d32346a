//! Template of a certificate: the client's choice, and the form in answers.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::design_url;
use super::write::pin_design;
use crate::domain::certification::certificate::TemplateRef;
use crate::domain::certification::manifest::{
    Manifest, OptionKind, OptionValue, OptionValues, ShippedTemplate, TemplateOption,
};
use crate::domain::clean_line;
use crate::http::api::certification::own_templates;
use crate::http::protocol::field_problem::{FieldProblem, UNKNOWN_FIELD};
use crate::http::{ApiError, ErrorCode, HttpState};

/// Default theme.
const DEFAULT_THEME: &str = "classic";
/// Maximum number of options of a template.
const MAX_OPTIONS: usize = 24;

/// Name of a theme, or an object with theme, version and options.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(examples("classic", json!({"theme": "corporate", "version": 1, "options": {"accent": "#123a5c", "signerName": "Elena Marín"}})))]
pub(super) enum TemplateChoice {
    /// A theme in its newest version, with the defaults of its options.
    Name(String),
    /// A theme with version and options.
    Whole(ChosenTemplate),
}

/// A theme with its version and options.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChosenTemplate {
    /// Theme. `GET /templates` lists the themes.
    #[schema(example = "corporate")]
    theme: String,
    /// Version of the theme; the newest if absent.
    #[schema(example = 1, minimum = 1)]
    version: Option<u32>,
    /// Values of the options, by name. A picture is given as the `url` of an uploaded design.
    /// Absent and null options have their default.
    #[serde(default)]
    #[schema(example = json!({"accent": "#123a5c", "signerName": "Elena Marín"}))]
    options: BTreeMap<String, Option<String>>,
    /// True if only the name was given.
    #[serde(skip)]
    is_bare: bool,
}

impl Default for ChosenTemplate {
    fn default() -> Self {
        Self {
            theme: DEFAULT_THEME.to_owned(),
            version: None,
            options: BTreeMap::new(),
            is_bare: true,
        }
    }
}

impl ChosenTemplate {
    /// Returns the field that an error about the theme names.
    const fn field(&self) -> &'static str {
        if self.is_bare {
            "pdfTemplate"
        } else {
            "pdfTemplate.theme"
        }
    }
}

impl From<TemplateChoice> for ChosenTemplate {
    fn from(choice: TemplateChoice) -> Self {
        match choice {
            TemplateChoice::Name(name) if name.trim().is_empty() => Self::default(),
            TemplateChoice::Name(theme) => Self {
                theme,
                ..Self::default()
            },
            TemplateChoice::Whole(chosen) => chosen,
        }
    }
}

/// Not derived, so that an error names the field and not the enum.
impl<'de> Deserialize<'de> for TemplateChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrWhole;

        impl<'de> Visitor<'de> for NameOrWhole {
            type Value = TemplateChoice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a theme's name, or an object with theme, version and options")
            }

            fn visit_str<E>(self, name: &str) -> Result<TemplateChoice, E> {
                Ok(TemplateChoice::Name(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<TemplateChoice, A::Error> {
                ChosenTemplate::deserialize(MapAccessDeserializer::new(fields))
                    .map(TemplateChoice::Whole)
            }
        }

        deserializer.deserialize_any(NameOrWhole)
    }
}

/// Returns the chosen template, or the default theme, with its version pinned and its pictures
/// pinned by SHA-256. For an issuer's own template, only the active version is accepted. Another
/// version may be active when certificates are issued.
pub(super) async fn pin_template(
    http: &HttpState,
    chosen: Option<TemplateChoice>,
) -> Result<TemplateRef, ApiError> {
    let chosen = chosen.map_or_else(ChosenTemplate::default, ChosenTemplate::from);
    if let (Some(asked), Some(own)) = (
        chosen.version,
        own_templates::chosen(http, chosen.theme.trim()).await?,
    ) && own.active != asked
    {
        let problem = format!(
            "version {} is active and draws new certificates; activate this one first",
            own.active
        );
        return Err(ApiError::field("pdfTemplate.version", problem));
    }
    pin_any_version(http, chosen).await
}

/// Like [`pin_template`], but accepts any version of an issuer's own template.
pub(super) async fn pin_any_version(
    http: &HttpState,
    chosen: impl Into<ChosenTemplate>,
) -> Result<TemplateRef, ApiError> {
    let chosen = chosen.into();
    let theme = chosen.theme.trim();
    let version = chosen.version;
    let (version, manifest) = match own_templates::chosen(http, theme).await? {
        Some(own) => {
            let version = version.unwrap_or(own.active);
            let files = own.version(version).ok_or_else(|| {
                ApiError::field("pdfTemplate.version", format!("give 1 to {}", own.newest()))
            })?;
            (version, http.rendering.template(files).await?.1)
        }
        None => {
            let newest = newest(http, theme, chosen.field())?;
            let template = of_version(http, theme, version.unwrap_or(newest))?;
            (template.version, template.manifest.clone())
        }
    };
    let options = pin_options(http, &manifest, chosen.options).await?;
    Ok(TemplateRef {
        options,
        ..TemplateRef::new(theme, version)
    })
}

/// Returns true if the theme draws a certificate's own background. Also returns true for an unknown
/// theme: a newer version of the program, running beside this one, may ship it.
pub(super) async fn takes_design(http: &HttpState, pinned: &TemplateRef) -> Result<bool, ApiError> {
    if let Some(own) = own_templates::chosen(http, &pinned.theme).await? {
        let files = own
            .version(own.active)
            .ok_or_else(|| ApiError::internal("an active version is missing"))?;
        return Ok(http.rendering.template(files).await?.1.design);
    }
    let is_it =
        |known: &&ShippedTemplate| known.name == pinned.theme && known.version == pinned.version;
    Ok(http
        .templates
        .iter()
        .find(is_it)
        .is_none_or(|known| known.manifest.design))
}

fn newest(http: &HttpState, theme: &str, field: &str) -> Result<u32, ApiError> {
    let newest = http.templates.iter().rfind(|known| known.name == theme);
    newest.map(|known| known.version).ok_or_else(|| {
        let mut known: Vec<&str> = http
            .templates
            .iter()
            .map(|known| known.name.as_str())
            .collect();
        known.dedup();
        ApiError::field(
            field,
            format!("is no theme of ours; give one of {}", known.join(", ")),
        )
    })
}

fn of_version<'h>(
    http: &'h HttpState,
    theme: &str,
    version: u32,
) -> Result<&'h ShippedTemplate, ApiError> {
    let versions = || http.templates.iter().filter(|known| known.name == theme);
    versions()
        .find(|known| known.version == version)
        .ok_or_else(|| {
            let known: Vec<String> = versions().map(|known| known.version.to_string()).collect();
            let problem = format!("is no version of {theme}; give one of {}", known.join(", "));
            ApiError::field("pdfTemplate.version", problem)
        })
}

/// Checks each value against its option and pins pictures. One error lists the problems of all
/// values.
async fn pin_options(
    http: &HttpState,
    manifest: &Manifest,
    given: BTreeMap<String, Option<String>>,
) -> Result<OptionValues, ApiError> {
    if given.len() > MAX_OPTIONS {
        return Err(ApiError::field(
            "pdfTemplate.options",
            format!("give at most {MAX_OPTIONS}"),
        ));
    }
    let mut values = OptionValues::new();
    let mut wrong = Vec::new();
    for (name, text) in given
        .into_iter()
        .filter_map(|(name, text)| Some((name, clean_line(&text?))))
    {
        let field = format!("pdfTemplate.options.{name}");
        let Some(option) = manifest.option(&name) else {
            wrong.push(FieldProblem::new(
                field,
                UNKNOWN_FIELD,
                manifest.no_such_option(),
            ));
            continue;
        };
        match pin_option(http, option, &field, text).await {
            Ok(value) => drop(values.insert(option.name.clone(), value)),
            Err(error) if error.code == ErrorCode::ValidationError => wrong.extend(error.errors),
            Err(error) => return Err(error),
        }
    }
    if wrong.is_empty() {
        return Ok(values);
    }
    Err(ApiError::of_problems(ErrorCode::ValidationError, wrong))
}

async fn pin_option(
    http: &HttpState,
    option: &TemplateOption,
    field: &str,
    text: String,
) -> Result<OptionValue, ApiError> {
    if option.kind == OptionKind::Image {
        return Ok(OptionValue::Image(pin_design(http, field, &text).await?));
    }
    option
        .check_text(&text)
        .map_err(|problem| ApiError::field(field, problem))?;
    Ok(OptionValue::Text(text.into()))
}

/// Returns the values of options in the form that clients send: texts, and addresses of pictures.
pub(super) fn shown_options(http: &HttpState, options: OptionValues) -> BTreeMap<String, String> {
    let shown = |value: OptionValue| match value {
        OptionValue::Text(text) => text.into_revealed(),
        OptionValue::Image(image) => design_url(http, &image.key),
    };
    options
        .into_iter()
        .map(|(name, value)| (name, shown(value)))
        .collect()
}
