//! Sample of a certificate with made-up data.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::generate::active_certificate;
use crate::commands::issue::{PinnedTemplate, sample};
use crate::domain::certification::attendee::Attendee;
use crate::domain::certification::certificate::TemplateRef;
use crate::domain::certification::template::Template;
use crate::domain::{CertificateId, Locale, Person};
use crate::http::protocol::extract::Json;
use crate::http::server::held::held;
use crate::http::{ApiError, ErrorCode, HttpState};
use crate::rendering::RenderingError;

/// Certificate of a sample, and its person.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"certificateId": "6f2d41c8-95b7-4a0e-9d53-27e10c8bf4a6"}))]
pub struct SampleRequest {
    /// Id of the certificate.
    certificate_id: Uuid,
    /// Id of the person. By default, the person is invented.
    attendee_id: Option<Uuid>,
}

/// Returns a sample of a certificate as a PDF.
///
/// The PDF is drawn like an issued one, but its number is `SAMPLE-NOT-VALID`. Its QR code leads to
/// a page which says that no such certificate was issued. Nothing is stored.
#[utoipa::path(
    post, path = "/generated-certificates/generate/sample",
    responses(
        (status = 200, description = "The sample", body = Vec<u8>, content_type = "application/pdf"),
        (status = 409, description = "CERTIFICATE_INACTIVE"),
        (status = 422, description = "VALIDATION_ERROR: no such certificate or attendee. NOT_DRAWABLE: issuing would fail; see the message"),
        (status = 503, description = "BUSY: too many samples are being drawn; try again"),
    )
)]
pub async fn draw_sample_certificate(
    State(http): State<HttpState>,
    Json { value, .. }: Json<SampleRequest>,
) -> Result<Response, ApiError> {
    let definition = active_certificate(&http, value.certificate_id).await?;
    let person = match value.attendee_id {
        Some(id) => http.load::<Attendee>(id).await?.0,
        None => Some(made_up(definition.locale)),
    };
    let person = person.ok_or_else(|| ApiError::no_such("attendeeId", "attendee"))?;
    let slot = http.sample_slot()?;
    let certificate_id = CertificateId(value.certificate_id);
    let base = &http.settings.public_base_url;
    let template = pinned(&http, &definition.pdf_template).await?;
    let request = sample(
        &definition,
        template,
        certificate_id,
        &person,
        base,
        http.today(),
    );
    let rendering = http.rendering.clone();
    let pdf = held(slot, async move { rendering.sample(&request).await })
        .await?
        .map_err(not_drawn)?;
    let headers = [
        (CONTENT_TYPE, "application/pdf"),
        (CONTENT_DISPOSITION, "inline; filename=\"sample.pdf\""),
        (CACHE_CONTROL, "private, no-store"),
    ];
    Ok((headers, pdf).into_response())
}

/// Returns the template in the version that a certificate issued now would have.
pub(in crate::http::api) async fn pinned(
    http: &HttpState,
    named: &TemplateRef,
) -> Result<PinnedTemplate, ApiError> {
    let own = match Template::id_of_theme(&named.theme) {
        Some(id) => http.load::<Template>(id).await?.0,
        None => None,
    };
    Ok(PinnedTemplate::active(named, own.as_ref())?)
}

/// Returns the template in the version that `named` contains.
pub(in crate::http::api) async fn pinned_at(
    http: &HttpState,
    named: TemplateRef,
) -> Result<PinnedTemplate, ApiError> {
    let own = match Template::id_of_theme(&named.theme) {
        Some(id) => http.load::<Template>(id).await?.0,
        None => None,
    };
    Ok(PinnedTemplate::at(named, own.as_ref())?)
}

/// Converts an error that occurred while drawing a sample. Only the response for a sample contains
/// the text of the error, because it may contain the person's name.
pub(in crate::http::api) fn not_drawn(error: RenderingError) -> ApiError {
    match error {
        RenderingError::Own(error) => {
            let details = error.lines();
            ApiError {
                details,
                ..ApiError::new(
                    ErrorCode::NotDrawable,
                    "the template can't draw the certificate; see the details",
                )
            }
        }
        RenderingError::Render(error) if error.is_permanent() => {
            ApiError::new(ErrorCode::NotDrawable, error.to_string())
        }
        error => error.into(),
    }
}

/// Returns an invented person. The name has letters that some fonts lack.
pub(in crate::http::api) fn made_up(locale: Locale) -> Person {
    let (name, document) = match locale {
        Locale::En => ("Zoë Sample-Brontë", "SAMPLE 123"),
        Locale::Es => ("María José Muñoz Ejemplo", "MUESTRA 123"),
    };
    Person {
        full_name: name.to_owned().into(),
        country: None,
        document_type: None,
        document_number: Some(document.to_owned().into()),
        gender: None,
        email: "sample@example.com".to_owned().into(),
    }
}
