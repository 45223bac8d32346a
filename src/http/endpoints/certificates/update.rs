//! `PATCH /certificates/{id}`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::CertificateAnswer;
use super::create::{check_sendgrid, parse_locale, pin_design};
use super::drawable::check_options;
use super::own_background::check_background;
use super::template::{TemplateChoice, pin_template};
use crate::commands::define_certificate::redefine_certificate;
use crate::domain::certificate::{
    Certificate, CertificateCommand, CertificateState, Definition, DesignRef, TemplateRef,
};
use crate::domain::{CertificateId, Locale, Refusal};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{IfMatch, Json, Merge, Path};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// What is to be different; what is absent stays, and null takes away what may be absent.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"eventName": "Summit 2027", "eventLink": null}))]
pub struct ChangeCertificate {
    /// The organisation that issues, 1–200 characters.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    client: Merge<String>,
    /// The certificate's name, 1–200 characters.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    name: Merge<String>,
    /// What was attended or passed, 1–300 characters.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 300)]
    event_name: Merge<String>,
    /// The `url` of an uploaded design; null for the theme's own background. Only for a theme that takes one:
    /// `takesDesign` of `GET /templates`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    base_design_url: Merge<String>,
    /// The theme, its version and its options, all together; the newest version is pinned unless you give another.
    /// One that takes no design needs `baseDesignUrl: null` beside it where the certificate has a background.
    #[serde(default)]
    #[schema(value_type = TemplateChoice, required = false)]
    pdf_template: Merge<TemplateChoice>,
    /// SendGrid's dynamic template for the mail, at most 200 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200)]
    sendgrid_template_id: Merge<String>,
    /// An http or https link shown in the mail.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000)]
    event_link: Merge<String>,
    /// The language of certificate and mail, `en` or `es`.
    #[serde(default)]
    #[schema(value_type = String, required = false)]
    locale: Merge<String>,
    /// Whether new issuances are allowed.
    #[serde(default)]
    #[schema(value_type = bool, required = false)]
    is_active: Merge<bool>,
}

/// Change what people can earn.
///
/// What was issued stays as it was; new issuances are made of the new definition. Where options are set on the
/// theme, a sample is drawn with them, and what can't be drawn is refused.
#[utoipa::path(
    patch, path = "/certificates/{id}", request_body = ChangeCertificate,
    params(
        ("id" = Uuid, Path, description = "The certificate's id"),
        ("If-Match" = Option<String>, Header, description = "The ETag that you know"),
    ),
    responses(
        (status = 200, description = "Changed, or already so", body = Envelope<CertificateAnswer>),
        (status = 400, description = "VALIDATION_ERROR: details name the fields, and options that can't be drawn", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 412, description = "PRECONDITION_FAILED: it has changed since you read it", body = ErrorEnvelope),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE: the body is not JSON", body = ErrorEnvelope),
        (status = 422, description = "NOT_DRAWABLE: the template draws no certificate of this definition; details say why", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
    Json { value, .. }: Json<ChangeCertificate>,
) -> Result<Answer, ApiError> {
    let id = CertificateId(id);
    let change = Change::of(&http, value).await?;
    change.check(&http, id).await?;
    let redefine = |known: &CertificateState| match &known.0 {
        Some(definition) => Ok(CertificateCommand::Redefine(change.clone().over(definition.clone()))),
        None => Err(Refusal::NotFound("certificate")),
    };
    let context = caller.context(http.random_id().into());
    let done = redefine_certificate(&http.commands, &context, id, &if_match.versions(), redefine).await?;
    let now = done.state.0.ok_or_else(|| ApiError::not_found("certificate"))?;
    let answer = Answer::ok(&CertificateAnswer::of_state(&http, id, now))?;
    Ok(answer.at(done.position).version(done.position))
}

/// A change whose theme and design were looked up.
#[derive(Clone)]
struct Change {
    client: Option<String>,
    name: Option<String>,
    event_name: Option<String>,
    design: Merge<DesignRef>,
    pdf_template: Option<TemplateRef>,
    sendgrid_template_id: Merge<String>,
    event_link: Merge<String>,
    locale: Option<Locale>,
    is_active: Option<bool>,
}

impl Change {
    async fn of(http: &HttpState, asked: ChangeCertificate) -> Result<Self, ApiError> {
        let design = match filled(asked.base_design_url) {
            Merge::Keep => Merge::Keep,
            Merge::Clear => Merge::Clear,
            Merge::Set(url) => Merge::Set(pin_design(http, "baseDesignUrl", &url).await?),
        };
        let sendgrid_template_id = filled(asked.sendgrid_template_id);
        check_sendgrid(sendgrid_template_id.clone().over(None).as_deref())?;
        let trimmed = |text: String| text.trim().to_owned();
        let pdf_template = match needed("pdfTemplate", asked.pdf_template)? {
            Some(chosen) => Some(pin_template(http, Some(chosen)).await?),
            None => None,
        };
        let locale = needed("locale", asked.locale)?.map(trimmed);
        Ok(Self {
            client: needed("client", asked.client)?.map(trimmed),
            name: needed("name", asked.name)?.map(trimmed),
            event_name: needed("eventName", asked.event_name)?.map(trimmed),
            design,
            pdf_template,
            sendgrid_template_id,
            event_link: filled(asked.event_link),
            locale: locale.map(|locale| parse_locale(&locale)).transpose()?,
            is_active: needed("isActive", asked.is_active)?,
        })
    }

    /// Whether theme, options and background go together, where one of them changes.
    async fn check(&self, http: &HttpState, id: CertificateId) -> Result<(), ApiError> {
        let sets_background = matches!(self.design, Merge::Set(_));
        if !sets_background && self.pdf_template.is_none() {
            return Ok(());
        }
        let Some(known) = http.commands.load::<Certificate>(id).await?.state.0 else { return Ok(()) };
        let after = self.clone().over(known);
        check_background(http, &after, sets_background).await?;
        if self.pdf_template.is_some() { check_options(http, &after).await } else { Ok(()) }
    }

    fn over(self, before: Definition) -> Definition {
        Definition {
            client: self.client.unwrap_or(before.client),
            name: self.name.unwrap_or(before.name),
            event_name: self.event_name.unwrap_or(before.event_name),
            pdf_template: self.pdf_template.unwrap_or(before.pdf_template),
            design: self.design.over(before.design),
            event_link: self.event_link.over(before.event_link),
            sendgrid_template_id: self.sendgrid_template_id.over(before.sendgrid_template_id),
            locale: self.locale.unwrap_or(before.locale),
            is_active: self.is_active.unwrap_or(before.is_active),
        }
    }
}

/// A text that may be absent; a blank one is absent.
fn filled(text: Merge<String>) -> Merge<String> {
    match text {
        Merge::Set(text) if text.trim().is_empty() => Merge::Clear,
        Merge::Set(text) => Merge::Set(text.trim().to_owned()),
        other => other,
    }
}

/// A field that can't be taken away.
fn needed<T>(field: &str, value: Merge<T>) -> Result<Option<T>, ApiError> {
    match value {
        Merge::Keep => Ok(None),
        Merge::Set(value) => Ok(Some(value)),
        Merge::Clear => Err(ApiError::field(field, "can't be null; leave it out to keep it")),
    }
}
