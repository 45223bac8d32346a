//! Change of a certificate.

use axum::extract::State;
use serde::Deserialize;
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

use super::drawable::check_drawable;
use super::own_background::check_background;
use super::template::{TemplateChoice, pin_template};
use super::write::{check_sendgrid, parse_locale, pin_design};
use super::{CertificateAnswer, answer, design_url};
use crate::commands::CommandContext;
use crate::commands::CommandError;
use crate::commands::define_certificate::redefine_certificate;
use crate::domain::certification::certificate::{
    Certificate, CertificateCommand, CertificateState, Definition, DesignRef,
};
use crate::domain::{CertificateId, Refusal, clean_line};
use crate::http::api::certification::issuing::checked_date;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::{IfMatch, Json, Merge, Path, not_null};
use crate::http::protocol::names::LocaleName;
use crate::http::{Answer, ApiError, HttpState};

/// Maximum number of attempts to merge a change while other requests change the same certificate.
const MAX_ATTEMPTS: usize = 8;

/// Fields to change. Absent fields stay as they are; null removes an optional field.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"eventName": "Summit 2027", "eventLink": null}))]
pub struct ChangeCertificate {
    /// Issuing organisation, 1–200 characters.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    client: Option<String>,
    /// Name of the certificate, 1–200 characters.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Name of the event or course, 1–300 characters.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 300)]
    event_name: Option<String>,
    /// Background: the `url` of an uploaded design; null for the theme's own background. Allowed
    /// only for themes with `takesDesign` in `GET /templates`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    base_design_url: Merge<String>,
    /// Theme, version and options. An object is merged with the current template. A name replaces
    /// it. If the certificate has a background and the theme has no `takesDesign`, also send
    /// `baseDesignUrl: null`. Options that the new theme does not have are an error; send
    /// null for them.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = TemplateChoice, required = false)]
    pdf_template: Option<TemplateChoice>,
    /// Id of a SendGrid dynamic template for the mail, at most 200 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200)]
    sendgrid_template_id: Merge<String>,
    /// Link in the mail, with http or https.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000)]
    event_link: Merge<String>,
    /// Date on the certificates, from 1900-01-01 to 366 days from now. Null for the date of
    /// issuing.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    issue_date: Merge<String>,
    /// True if people must have a document number, unless an upload specifies this.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = bool, required = false)]
    requires_document: Option<bool>,
    /// Language of certificate and mail, `en` or `es`.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = LocaleName, required = false)]
    locale: Option<String>,
    /// True if the certificate can be issued.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = bool, required = false)]
    is_active: Option<bool>,
}

/// Changes a certificate.
///
/// Certificates that were issued before do not change. Later certificates use the new definition.
/// If the change affects the drawn page, a sample is drawn, and a definition that can't be drawn is
/// rejected.
#[utoipa::path(
    patch, path = "/certificates/{id}",
    params(IfMatch),
    responses(
        (status = 200, description = "Changed, or equal to the definition before", body = Envelope<CertificateAnswer>),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE: the body is not JSON"),
        (status = 422, description = "VALIDATION_ERROR: details name the fields, including texts that cannot be drawn. NOT_DRAWABLE: the template cannot draw this definition; details give the reason"),
    )
)]
pub async fn update_certificate(
    State(http): State<HttpState>,
    context: CommandContext,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
    Json { value, .. }: Json<ChangeCertificate>,
) -> Result<Answer, ApiError> {
    let id = CertificateId(id);
    let mut loaded = http.commands.load::<Certificate>(id).await?;
    for _ in 0..MAX_ATTEMPTS {
        let before = loaded.state.0;
        let before = before.ok_or_else(|| ApiError::not_found("certificate"))?;
        let after = value.clone().over(&http, &before).await?;
        check(&http, &before, &after).await?;
        let redefine = |now: &CertificateState| {
            if now.0.as_ref() == Some(&before) {
                Ok(CertificateCommand::Redefine(after.clone()))
            } else {
                Err(Refusal::Stale)
            }
        };
        let versions = if_match.versions();
        let done = redefine_certificate(&http.commands, &context, id, &versions, redefine).await;
        if !matches!(done, Err(CommandError::Refused(Refusal::Stale))) {
            let position = done?.position;
            return Ok(answer(&http, id, position).await?.at(position));
        }
        let now = http.commands.load::<Certificate>(id).await?;
        if now.position == loaded.position {
            return Err(Refusal::Stale.into());
        }
        // Another request has changed it since, so the change is merged again.
        loaded = now;
    }
    Err(CommandError::Busy.into())
}

impl ChangeCertificate {
    /// Returns the changed definition, with its theme and design looked up and pinned.
    async fn over(self, http: &HttpState, before: &Definition) -> Result<Definition, ApiError> {
        let design = match filled(self.base_design_url) {
            Merge::Keep => before.design.clone(),
            Merge::Clear => None,
            Merge::Set(url) => Some(design(http, &url, before.design.as_ref()).await?),
        };
        let pdf_template = match self.pdf_template {
            Some(choice) => pin_template(http, choice, Some(&before.pdf_template)).await?,
            None => before.pdf_template.clone(),
        };
        let sendgrid_template_id =
            filled(self.sendgrid_template_id).over(before.sendgrid_template_id.clone());
        check_sendgrid(sendgrid_template_id.as_deref())?;
        let text = |given: Option<String>, before: &str| {
            given.map_or_else(|| before.to_owned(), |text| clean_line(&text))
        };
        let locale = self.locale.map(|locale| parse_locale(locale.trim()));
        Ok(Definition {
            client: text(self.client, &before.client),
            name: text(self.name, &before.name),
            event_name: text(self.event_name, &before.event_name),
            pdf_template,
            design,
            event_link: filled(self.event_link).over(before.event_link.clone()),
            issue_date: dated(http, self.issue_date)?.over(before.issue_date),
            requires_document: self.requires_document.unwrap_or(before.requires_document),
            sendgrid_template_id,
            locale: locale.transpose()?.unwrap_or(before.locale),
            is_active: self.is_active.unwrap_or(before.is_active),
        })
    }
}

/// Returns the design at `url`. The present one stays pinned.
async fn design(
    http: &HttpState,
    url: &str,
    before: Option<&DesignRef>,
) -> Result<DesignRef, ApiError> {
    match before.filter(|before| design_url(http, &before.key) == url) {
        Some(before) => Ok(before.clone()),
        None => pin_design(http, "baseDesignUrl", url).await,
    }
}

/// Rejects a change of the page if the changed definition cannot be drawn.
async fn check(http: &HttpState, before: &Definition, after: &Definition) -> Result<(), ApiError> {
    let is_new_design = after.design != before.design;
    if is_new_design || after.pdf_template != before.pdf_template {
        check_background(http, after, is_new_design).await?;
    }
    if drawn_parts(after) == drawn_parts(before) {
        Ok(())
    } else {
        check_drawable(http, after).await
    }
}

/// Returns the definition with fixed values in all fields that are not drawn, so that the drawn
/// fields of two definitions can be compared.
fn drawn_parts(definition: &Definition) -> Definition {
    Definition {
        sendgrid_template_id: None,
        issue_date: None,
        requires_document: true,
        is_active: true,
        ..definition.clone()
    }
}

/// Trims an optional text. A blank text removes the value.
fn filled(text: Merge<String>) -> Merge<String> {
    match text {
        Merge::Set(text) if text.trim().is_empty() => Merge::Clear,
        Merge::Set(text) => Merge::Set(text.trim().to_owned()),
        other => other,
    }
}

/// Parses an optional date. A blank text removes the value.
fn dated(http: &HttpState, date: Merge<String>) -> Result<Merge<Date>, ApiError> {
    Ok(match date {
        Merge::Keep => Merge::Keep,
        Merge::Clear => Merge::Clear,
        Merge::Set(text) => checked_date(http, Some(&text))?.map_or(Merge::Clear, Merge::Set),
    })
}
