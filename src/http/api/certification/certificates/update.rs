//! Change of a certificate.

use axum::extract::State;
use serde::Deserialize;
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

use super::CertificateAnswer;
use super::drawable::check_drawable;
use super::own_background::check_background;
use super::template::{TemplateChoice, pin_template};
use super::write::{check_sendgrid, parse_locale, pin_design};
use crate::commands::define_certificate::redefine_certificate;
use crate::domain::certification::certificate::{
    Certificate, CertificateCommand, CertificateState, Definition, DesignRef, TemplateRef,
};
use crate::domain::{CertificateId, Locale, Refusal, clean_line};
use crate::http::api::certification::issuing::checked_date;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{IfMatch, Json, Merge, Path};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Fields to change. Absent fields stay as they are; null removes an optional field.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"eventName": "Summit 2027", "eventLink": null}))]
pub struct ChangeCertificate {
    /// Issuing organisation, 1–200 characters.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    client: Merge<String>,
    /// Name of the certificate, 1–200 characters.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    name: Merge<String>,
    /// Name of the event or course, 1–300 characters.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 300)]
    event_name: Merge<String>,
    /// Background: the `url` of an uploaded design; null for the theme's own background. Allowed
    /// only for themes with `takesDesign` in `GET /templates`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    base_design_url: Merge<String>,
    /// Theme, version and options, which are replaced together. The newest version is pinned unless
    /// another is given. If the certificate has a background and the theme has no `takesDesign`,
    /// also send `baseDesignUrl: null`.
    #[serde(default)]
    #[schema(value_type = TemplateChoice, required = false)]
    pdf_template: Merge<TemplateChoice>,
    /// Id of a SendGrid dynamic template for the mail, at most 200 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200)]
    sendgrid_template_id: Merge<String>,
    /// Link in the mail, http or https.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000)]
    event_link: Merge<String>,
    /// Date on the certificates: from 1900-01-01 to 366 days ahead; null for the date of issuing.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    issue_date: Merge<String>,
    /// True if people must have a document number, unless an upload specifies this.
    #[serde(default)]
    #[schema(value_type = bool, required = false)]
    requires_document: Merge<bool>,
    /// Language of certificate and mail, `en` or `es`.
    #[serde(default)]
    #[schema(value_type = String, required = false)]
    locale: Merge<String>,
    /// True if the certificate can be issued.
    #[serde(default)]
    #[schema(value_type = bool, required = false)]
    is_active: Merge<bool>,
}

/// Changes a certificate.
///
/// Certificates that were issued before do not change; new ones follow the new definition. If the
/// change is visible on the page, a sample is drawn, and a definition that cannot be drawn is
/// rejected.
#[utoipa::path(
    patch, path = "/certificates/{id}", request_body = ChangeCertificate,
    params(
        ("id" = Uuid, Path, description = "The certificate's id"),
        IfMatch,
    ),
    responses(
        (status = 200, description = "Changed, or equal to the definition before", body = Envelope<CertificateAnswer>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE: the body is not JSON", body = ErrorEnvelope),
        (status = 422, description = "VALIDATION_ERROR: details name the fields, including texts that cannot be drawn. NOT_DRAWABLE: the template cannot draw this definition; details give the reason", body = ErrorEnvelope),
    )
)]
pub async fn update_certificate(
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
        Some(definition) => Ok(CertificateCommand::Redefine(
            change.clone().over(definition.clone()),
        )),
        None => Err(Refusal::NotFound("certificate")),
    };
    let context = caller.context(http.random_id().into());
    let done =
        redefine_certificate(&http.commands, &context, id, &if_match.versions(), redefine).await?;
    let now = done
        .state
        .0
        .ok_or_else(|| ApiError::not_found("certificate"))?;
    let answer = Answer::ok(&CertificateAnswer::of_state(&http, id, now))?;
    Ok(answer.at(done.position).version(done.position))
}

/// A change with its theme and design looked up and pinned.
#[derive(Clone)]
struct Change {
    client: Option<String>,
    name: Option<String>,
    event_name: Option<String>,
    design: Merge<DesignRef>,
    pdf_template: Option<TemplateRef>,
    sendgrid_template_id: Merge<String>,
    event_link: Merge<String>,
    issue_date: Merge<Date>,
    requires_document: Option<bool>,
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
        let cleaned = |text: String| clean_line(&text);
        let pdf_template = match needed("pdfTemplate", asked.pdf_template)? {
            Some(chosen) => Some(pin_template(http, Some(chosen)).await?),
            None => None,
        };
        let locale = needed("locale", asked.locale)?.map(cleaned);
        Ok(Self {
            client: needed("client", asked.client)?.map(cleaned),
            name: needed("name", asked.name)?.map(cleaned),
            event_name: needed("eventName", asked.event_name)?.map(cleaned),
            design,
            pdf_template,
            sendgrid_template_id,
            event_link: filled(asked.event_link),
            issue_date: dated(http, asked.issue_date)?,
            requires_document: needed("requiresDocument", asked.requires_document)?,
            locale: locale.map(|locale| parse_locale(&locale)).transpose()?,
            is_active: needed("isActive", asked.is_active)?,
        })
    }

    /// Rejects a change of the page if the changed definition cannot be drawn.
    async fn check(&self, http: &HttpState, id: CertificateId) -> Result<(), ApiError> {
        let Some(known) = http.commands.load::<Certificate>(id).await?.state.0 else {
            return Ok(());
        };
        let after = self.clone().over(known.clone());
        let sets_background = matches!(self.design, Merge::Set(_));
        if sets_background || self.pdf_template.is_some() {
            check_background(http, &after, sets_background).await?;
        }
        if drawn_parts(&after) == drawn_parts(&known) {
            Ok(())
        } else {
            check_drawable(http, &after).await
        }
    }

    fn over(self, before: Definition) -> Definition {
        Definition {
            client: self.client.unwrap_or(before.client),
            name: self.name.unwrap_or(before.name),
            event_name: self.event_name.unwrap_or(before.event_name),
            pdf_template: self.pdf_template.unwrap_or(before.pdf_template),
            design: self.design.over(before.design),
            event_link: self.event_link.over(before.event_link),
            issue_date: self.issue_date.over(before.issue_date),
            requires_document: self.requires_document.unwrap_or(before.requires_document),
            sendgrid_template_id: self.sendgrid_template_id.over(before.sendgrid_template_id),
            locale: self.locale.unwrap_or(before.locale),
            is_active: self.is_active.unwrap_or(before.is_active),
        }
    }
}

/// Returns the definition with neutral values in the fields that are not drawn, for comparison.
fn drawn_parts(definition: &Definition) -> Definition {
    Definition {
        sendgrid_template_id: None,
        issue_date: None,
        requires_document: true,
        is_active: true,
        ..definition.clone()
    }
}

/// Trims an optional text. A blank text clears the field.
fn filled(text: Merge<String>) -> Merge<String> {
    match text {
        Merge::Set(text) if text.trim().is_empty() => Merge::Clear,
        Merge::Set(text) => Merge::Set(text.trim().to_owned()),
        other => other,
    }
}

/// Parses an optional date. A blank text clears the field.
fn dated(http: &HttpState, date: Merge<String>) -> Result<Merge<Date>, ApiError> {
    Ok(match date {
        Merge::Keep => Merge::Keep,
        Merge::Clear => Merge::Clear,
        Merge::Set(text) => checked_date(http, Some(&text))?.map_or(Merge::Clear, Merge::Set),
    })
}

/// Returns the value of a required field, or an error if it is null.
fn needed<T>(field: &str, value: Merge<T>) -> Result<Option<T>, ApiError> {
    match value {
        Merge::Keep => Ok(None),
        Merge::Set(value) => Ok(Some(value)),
        Merge::Clear => Err(ApiError::field(
            field,
            "can't be null; leave it out to keep it",
        )),
    }
}
