//! Template of a certificate: the choice of the client, and the form in responses.

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
use crate::domain::certification::template::OwnTemplate;
use crate::domain::clean_line;
use crate::http::api::certification::own_templates;
use crate::http::protocol::extract::{Merge, not_null};
use crate::http::protocol::field_problem::{FieldProblem, INVALID_VALUE, UNKNOWN_FIELD};
use crate::http::{ApiError, ErrorCode, HttpState};

/// Default theme.
const DEFAULT_THEME: &str = "classic";
/// Maximum number of options of a template.
const MAX_OPTIONS: usize = 24;

/// Name of a theme, or an object with theme, version and options.
///
/// A name replaces the current template: the newest version of the theme, with the defaults of its
/// options. An object is merged with the current template.
#[derive(Clone, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(examples("classic", json!({"theme": "corporate", "version": 1, "options": {"accent": "#123a5c", "signerName": "Elena Marín"}})))]
pub(super) enum TemplateChoice {
    /// A theme in its newest version, with the defaults of its options.
    Name(String),
    /// A theme with its version and options.
    Whole(ChosenTemplate),
}

impl Default for TemplateChoice {
    fn default() -> Self {
        Self::Whole(ChosenTemplate::default())
    }
}

/// A theme with its version and options.
#[derive(Clone, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChosenTemplate {
    /// Theme. `GET /templates` lists the themes. If absent, the theme stays; a new certificate has
    /// `classic`.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = String, required = false, example = "corporate")]
    theme: Option<String>,
    /// Version of the theme; null for the newest. If absent, the version stays, or is the newest if
    /// the theme changes.
    #[serde(default)]
    #[schema(value_type = Option<u32>, example = 1, minimum = 1)]
    version: Merge<u32>,
    /// Values of the options, by name. A picture is given as the `url` of an uploaded design.
    /// Absent options stay, and null options have their default.
    #[serde(default)]
    #[schema(
        value_type = Option<BTreeMap<String, Option<String>>>,
        example = json!({"accent": "#123a5c", "signerName": "Elena Marín"})
    )]
    options: Merge<BTreeMap<String, Option<String>>>,
}

/// Requested template, merged with the current one.
struct Wanted {
    /// Theme.
    theme: String,
    /// Requested version.
    version: Merge<u32>,
    /// Current version, if the theme stays.
    present: Option<u32>,
    /// Options that stay.
    kept: OptionValues,
    /// Options to set.
    given: BTreeMap<String, String>,
    /// Field that an error about the theme names.
    field: &'static str,
}

impl Wanted {
    fn of(http: &HttpState, choice: TemplateChoice, before: Option<&TemplateRef>) -> Self {
        let chosen = match choice {
            TemplateChoice::Name(name) => {
                let name = name.trim();
                let theme = if name.is_empty() { DEFAULT_THEME } else { name };
                return Self {
                    theme: theme.to_owned(),
                    version: Merge::Clear,
                    present: None,
                    kept: OptionValues::new(),
                    given: BTreeMap::new(),
                    field: "pdfTemplate",
                };
            }
            TemplateChoice::Whole(chosen) => chosen,
        };
        let named = chosen.theme.map(|theme| theme.trim().to_owned());
        let theme = named.or_else(|| before.map(|before| before.theme.clone()));
        let theme = theme.unwrap_or_else(|| DEFAULT_THEME.to_owned());
        let present = before.filter(|before| before.theme == theme);
        let mut kept = before.map_or_else(OptionValues::new, |before| before.options.clone());
        let mut given = match chosen.options {
            Merge::Keep => BTreeMap::new(),
            Merge::Clear => {
                kept.clear();
                BTreeMap::new()
            }
            Merge::Set(given) => given,
        };
        // A value that is sent as it was read stays pinned.
        kept.retain(|name, value| match given.get(name) {
            Some(Some(text)) if *text == shown_option(http, value) => {
                given.remove(name);
                true
            }
            Some(_) => false,
            None => true,
        });
        let given = given
            .into_iter()
            .filter_map(|(name, text)| Some((name, text?)));
        Self {
            present: present.map(|before| before.version),
            version: chosen.version,
            given: given.collect(),
            theme,
            kept,
            field: "pdfTemplate.theme",
        }
    }

    /// Pins a shipped theme.
    async fn of_theme(self, http: &HttpState) -> Result<TemplateRef, ApiError> {
        let newest = newest(http, &self.theme, self.field)?;
        let version = self.version.clone().over(self.present).unwrap_or(newest);
        let template = of_version(http, &self.theme, version)?;
        self.pinned(http, template.version, &template.manifest)
            .await
    }

    async fn pinned(
        self,
        http: &HttpState,
        version: u32,
        manifest: &Manifest,
    ) -> Result<TemplateRef, ApiError> {
        Ok(TemplateRef {
            options: pin_options(http, manifest, self.kept, self.given).await?,
            ..TemplateRef::new(self.theme, version)
        })
    }
}

/// Implemented by hand, so that an error contains the name of the field, not that of the enum.
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

/// Returns the chosen template, or the default theme. Its version is pinned, and its pictures are
/// pinned by SHA-256. Of an issuer's own template, only the active version is accepted. When
/// certificates are issued, another version may be active.
pub(super) async fn pin_template(
    http: &HttpState,
    choice: TemplateChoice,
    before: Option<&TemplateRef>,
) -> Result<TemplateRef, ApiError> {
    let wanted = Wanted::of(http, choice, before);
    let Some(own) = own_templates::chosen(http, &wanted.theme).await? else {
        return wanted.of_theme(http).await;
    };
    if let Merge::Set(asked) = wanted.version
        && asked != own.active
    {
        let problem = format!(
            "version {} is active and draws new certificates; activate this one first",
            own.active
        );
        return Err(ApiError::field("pdfTemplate.version", problem));
    }
    let manifest = manifest(http, &own, own.active).await?;
    let version = wanted.present.unwrap_or(own.active);
    wanted.pinned(http, version, &manifest).await
}

/// Like [`pin_template`], but accepts every version of an issuer's own template.
pub(super) async fn pin_any_version(
    http: &HttpState,
    choice: TemplateChoice,
) -> Result<TemplateRef, ApiError> {
    let wanted = Wanted::of(http, choice, None);
    let Some(own) = own_templates::chosen(http, &wanted.theme).await? else {
        return wanted.of_theme(http).await;
    };
    let version = wanted.version.clone().over(None).unwrap_or(own.active);
    let manifest = manifest(http, &own, version).await?;
    wanted.pinned(http, version, &manifest).await
}

async fn manifest(http: &HttpState, own: &OwnTemplate, version: u32) -> Result<Manifest, ApiError> {
    let files = own.version(version).ok_or_else(|| {
        ApiError::field("pdfTemplate.version", format!("give 1 to {}", own.newest()))
    })?;
    Ok(http.rendering.template(files).await?.1)
}

/// Returns true if the theme can draw the background of a certificate. Also returns true for an
/// unknown theme, because it may be part of a newer version of the program, which runs at the same
/// time.
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
            format!("is not a theme; give one of {}", known.join(", ")),
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
            let problem = format!(
                "is not a version of {theme}; give one of {}",
                known.join(", ")
            );
            ApiError::field("pdfTemplate.version", problem)
        })
}

/// Checks each value against its option, and pins the pictures. If several values are invalid, one
/// error lists all their problems.
async fn pin_options(
    http: &HttpState,
    manifest: &Manifest,
    kept: OptionValues,
    given: BTreeMap<String, String>,
) -> Result<OptionValues, ApiError> {
    if given.len() > MAX_OPTIONS {
        return Err(ApiError::field(
            "pdfTemplate.options",
            format!("give at most {MAX_OPTIONS}"),
        ));
    }
    // Another theme may not have the current options.
    let unsuitable = |(name, problem): (String, String)| {
        let is_known = manifest.option(&name).is_some();
        let code = if is_known {
            INVALID_VALUE
        } else {
            UNKNOWN_FIELD
        };
        let problem = format!("{problem}; send null to remove it");
        FieldProblem::new(format!("pdfTemplate.options.{name}"), code, problem)
    };
    let wrong = manifest.problems_with(&kept).into_iter().map(unsuitable);
    let mut wrong: Vec<FieldProblem> = wrong.collect();
    let mut values = kept;
    for (name, text) in given {
        let text = clean_line(&text);
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

/// Returns the values of options in the form in which clients send them: texts, and URLs of
/// pictures.
pub(super) fn shown_options(http: &HttpState, options: OptionValues) -> BTreeMap<String, String> {
    let shown = |(name, value)| {
        let text = shown_option(http, &value);
        (name, text)
    };
    options.into_iter().map(shown).collect()
}

fn shown_option(http: &HttpState, value: &OptionValue) -> String {
    match value {
        OptionValue::Text(text) => text.reveal_str().to_owned(),
        OptionValue::Image(image) => design_url(http, &image.key),
    }
}
