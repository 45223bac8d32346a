//! Comparison of issued certificates with the same certificates drawn by another template.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::template::{TemplateChoice, pin_any_version};
use crate::domain::CertificateId;
use crate::domain::certification::certificate::Certificate;
use crate::http::api::certification::generated_certificates::sample::pinned_at;
use crate::http::api::certification::what_if::{Change, WhatIfAnswer, WhatIfRequest, answer};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::{Json, Path};
use crate::http::{ApiError, HttpState};

/// Template to compare with, and the issued certificates to compare.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"pdfTemplate": "classic", "limit": 100}))]
pub struct WhatIfTemplate {
    /// A theme, or your own template.
    #[schema(value_type = TemplateChoice)]
    pdf_template: TemplateChoice,
    /// Number of certificates to compare, 1–1,000. The default is 100. If drawing takes long, fewer
    /// are compared.
    #[schema(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Cursor of the next certificates: `nextCursor` of the previous response.
    cursor: Option<String>,
    /// Id of an issued certificate. The response is then a PNG picture, which shows this
    /// certificate as issued, with the new template, and the differences between the two.
    picture_of: Option<Uuid>,
}

/// Finds issued certificates that would look different with another theme.
///
/// Each certificate is drawn twice: with its pinned template, and with the given theme. Then the
/// two pictures are compared. The newest certificates come first. Issued files do not change, and
/// nothing is stored.
#[utoipa::path(
    post, path = "/certificates/{id}/what-if",
    responses(
        (status = 200, description = "The result of the comparison; with `pictureOf`, a picture",
            content((Envelope<WhatIfAnswer> = "application/json"), (Vec<u8> = "image/png"))),
        (status = 422, description = "NOT_DRAWABLE: the certificate in `pictureOf` cannot be drawn"),
        (status = 503, description = "BUSY: too many samples are being drawn; try again"),
    )
)]
pub async fn compare_certificate(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
    Json { value, .. }: Json<WhatIfTemplate>,
) -> Result<Response, ApiError> {
    if http
        .load::<Certificate>(CertificateId(id))
        .await?
        .0
        .is_none()
    {
        return Err(ApiError::not_found("certificate"));
    }
    let WhatIfTemplate {
        pdf_template,
        limit,
        cursor,
        picture_of,
    } = value;
    let slot = Arc::new(http.sample_slot()?);
    let template = pinned_at(&http, pin_any_version(&http, pdf_template).await?).await?;
    let change = Change {
        certificate: Some(id),
        theme: None,
        template,
        keeps_options: false,
    };
    answer(
        &http,
        &slot,
        &change,
        WhatIfRequest {
            limit,
            cursor,
            picture_of,
        },
    )
    .await
}
