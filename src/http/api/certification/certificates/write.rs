//! Endpoints that create, activate and delete certificates.

use axum::extract::State;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::drawable::check_drawable;
use super::own_background::check_background;
use super::template::{TemplateChoice, pin_template};
use super::{CertificateAnswer, MAX_DESIGN_BYTES, answer};
use crate::commands::CommandContext;
use crate::commands::define_certificate::define_certificate;
use crate::domain::certification::certificate::{
    Certificate, CertificateCommand, CertificateState, Definition, DesignRef,
};
use crate::domain::{CertificateId, Locale, Refusal, clean_line};
use crate::http::api::certification::issuing::checked_date;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::deleting::{Deleted, check_unused};
use crate::http::protocol::extract::{IfMatch, Json, Path};
use crate::http::protocol::idempotency::{Repeatable, created_by};
use crate::http::protocol::names::LocaleName;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::issuances;

/// Definition of a certificate.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DefineCertificate {
    /// Issuing organisation, 1–200 characters.
    client: String,
    /// Name of the certificate, 1–200 characters.
    name: String,
    /// Name of the event or course, 1–300 characters.
    event_name: String,
    /// Background: the `url` of an uploaded design. By default, the background of the theme is
    /// used. Only themes with `takesDesign` in `GET /templates` allow a design.
    base_design_url: Option<String>,
    /// Theme. The default is `classic`. Its version is pinned: the given version, or the newest
    /// one.
    #[schema(value_type = Option<TemplateChoice>)]
    pdf_template: Option<TemplateChoice>,
    /// Id of a SendGrid dynamic template for the mail, at most 200 characters.
    sendgrid_template_id: Option<String>,
    /// Link in the mail, with http or https.
    event_link: Option<String>,
    /// Date on the certificates, such as the date of the course, from 1900-01-01 to 366 days from
    /// now. By default, the date of issuing in the issuer's time zone. A date in the request that
    /// issues the certificates takes precedence.
    #[schema(value_type = Option<String>, format = Date, example = "2026-11-20")]
    issue_date: Option<String>,
    /// True if people must have a document number. An upload can override this. The default is
    /// true.
    requires_document: Option<bool>,
    /// Language of certificate and mail, `en` or `es`; `en` if absent.
    #[schema(value_type = Option<LocaleName>)]
    locale: Option<String>,
    /// True if the certificate can be issued. The default is true.
    is_active: Option<bool>,
}

/// Defines a certificate.
///
/// A sample is drawn to check the definition. The definition is rejected if a text does not fit its
/// place, or contains characters that no font contains. The details list these characters.
#[utoipa::path(
    post, path = "/certificates",
    params(Repeatable),
    responses(
        (status = 201, description = "Defined", body = Envelope<CertificateAnswer>),
        (status = 422, description = "VALIDATION_ERROR: details name the fields, including texts that cannot be drawn. NOT_DRAWABLE: the template cannot draw this definition; details give the reason"),
    )
)]
pub async fn create_certificate(
    State(http): State<HttpState>,
    write: Repeatable,
    Json { value, sha256 }: Json<DefineCertificate>,
) -> Result<Answer, ApiError> {
    write
        .once(&http, sha256, async |context| {
            let id = CertificateId(created_by(context.command_id, "certificate"));
            let definition = definition(&http, value).await?;
            check_background(&http, &definition, true).await?;
            check_drawable(&http, &definition).await?;
            let done = define_certificate(&http.commands, &context, id, definition).await?;
            let location = http.api_path(&format!("/certificates/{id}"));
            let answer = answer(&http, id, done.position).await?;
            Ok(answer.created(location).at(done.position))
        })
        .await
}

async fn definition(http: &HttpState, request: DefineCertificate) -> Result<Definition, ApiError> {
    let text = |text: Option<String>| {
        text.map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    };
    let design = match text(request.base_design_url) {
        Some(url) => Some(pin_design(http, "baseDesignUrl", &url).await?),
        None => None,
    };
    let locale = match text(request.locale) {
        Some(locale) => parse_locale(&locale)?,
        None => Locale::default(),
    };
    let sendgrid_template_id = text(request.sendgrid_template_id);
    check_sendgrid(sendgrid_template_id.as_deref())?;
    Ok(Definition {
        client: clean_line(&request.client),
        name: clean_line(&request.name),
        event_name: clean_line(&request.event_name),
        pdf_template: pin_template(http, request.pdf_template.unwrap_or_default(), None).await?,
        design,
        event_link: text(request.event_link),
        sendgrid_template_id,
        issue_date: checked_date(http, request.issue_date.as_deref())?,
        requires_document: request.requires_document.unwrap_or(true),
        locale,
        is_active: request.is_active.unwrap_or(true),
    })
}

pub(super) fn parse_locale(locale: &str) -> Result<Locale, ApiError> {
    locale
        .parse()
        .map_err(|_| ApiError::wrong_type("locale", "give en or es"))
}

pub(super) fn check_sendgrid(id: Option<&str>) -> Result<(), ApiError> {
    if id.is_some_and(|id| id.len() > 200 || !id.chars().all(|c| c.is_ascii_graphic())) {
        return Err(ApiError::field(
            "sendgridTemplateId",
            "give at most 200 visible ASCII characters",
        ));
    }
    Ok(())
}

/// Returns the design at `url`, a URL of this server, pinned by its SHA-256. This function writes
/// nothing. The command that defines the certificate marks the design as used.
pub(super) async fn pin_design(
    http: &HttpState,
    field: &str,
    url: &str,
) -> Result<DesignRef, ApiError> {
    let wrong = |problem| ApiError::field(field, problem);
    let foreign = || wrong("is not a URL of this server; upload the design first and give its url");
    let gone = || wrong("no longer exists; upload the design again");
    let key = super::designs::key_of_url(http, url).ok_or_else(foreign)?;
    if super::designs::is_deleted(http, &key).await? {
        return Err(gone());
    }
    let bytes = http
        .storage
        .get(&key, MAX_DESIGN_BYTES)
        .await?
        .ok_or_else(gone)?;
    let sha256 =
        tokio::task::spawn_blocking(move || HEXLOWER.encode(&Sha256::digest(&bytes))).await;
    Ok(DesignRef {
        key: key.to_string(),
        sha256: sha256.map_err(ApiError::internal)?,
    })
}

/// Deactivates an active certificate, or activates an inactive one.
///
/// An inactive certificate can't be issued. Certificates that were issued before do not change.
#[utoipa::path(
    put, path = "/certificates/{id}/toggle-active",
    params(IfMatch),
    responses(
        (status = 200, description = "The changed certificate", body = Envelope<CertificateAnswer>),
    )
)]
pub async fn toggle_certificate(
    State(http): State<HttpState>,
    context: CommandContext,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let id = CertificateId(id);
    let toggle = |known: &CertificateState| match &known.0 {
        Some(definition) if definition.is_active => Ok(CertificateCommand::Deactivate),
        Some(_) => Ok(CertificateCommand::Activate),
        None => Err(Refusal::NotFound("certificate")),
    };
    let done = http
        .commands
        .change::<Certificate>(&context, id, &if_match.versions(), toggle)
        .await?;
    let is_active = done.state.0.is_some_and(|now| now.is_active);
    let message = if is_active {
        "it can be issued again"
    } else {
        "it can no longer be issued"
    };
    let answer = answer(&http, id, done.position).await?;
    Ok(answer.message(message).at(done.position))
}

/// Deletes a certificate that was never issued.
#[utoipa::path(
    delete, path = "/certificates/{id}",
    params(IfMatch),
    responses(
        (status = 200, description = "Deleted", body = Envelope<Deleted>),
        (status = 409, description = "IN_USE: the certificate was issued; deactivate it instead"),
    )
)]
pub async fn delete_certificate(
    State(http): State<HttpState>,
    context: CommandContext,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let issued = issuances::of_certificate(id);
    check_unused(
        &http,
        &issued,
        "this certificate was issued",
        "deactivate it instead",
    )
    .await?;
    let id = CertificateId(id);
    let done = http
        .change::<Certificate>(&context, id, &if_match, CertificateCommand::Delete)
        .await?;
    Ok(Answer::ok(&Deleted { id: id.0 })?
        .message("it was deleted")
        .at(done.position))
}
