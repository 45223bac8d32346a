//! `POST /certificates/{id}/what-if`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::template::{TemplateChoice, pin_any_version};
use crate::domain::CertificateId;
use crate::domain::certificate::Certificate;
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::endpoints::generated_certificates::sample::pinned_at;
use crate::http::endpoints::what_if::{Change, WhatIfAnswer, WhatIfRequest, answer};
use crate::http::extract::{Json, Path};
use crate::http::{ApiError, HttpState};

/// What a certificate would be drawn by, and which of those issued are compared.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"pdfTemplate": "classic", "limit": 100}))]
pub struct WhatIfTemplate {
    /// The theme, or a template of your own.
    #[schema(value_type = TemplateChoice)]
    pdf_template: TemplateChoice,
    /// How many, 1–1,000; 100 if absent. Fewer are compared where that takes long.
    #[schema(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where to go on: `nextCursor` of the answer before.
    cursor: Option<String>,
    /// One issued certificate's id: the answer is then a picture (PNG) of it as it is, as it would be, and of
    /// where these differ.
    picture_of: Option<Uuid>,
}

/// Which issued certificates would look different by another theme.
///
/// They are drawn twice, as they were pinned and by the theme, and compared as pictures, the newest first.
/// Issued files stay as they are, whatever comes out; nothing is stored.
#[utoipa::path(
    post, path = "/certificates/{id}/what-if", request_body = WhatIfTemplate,
    params(("id" = Uuid, Path, description = "The certificate's id")),
    responses(
        (status = 200, description = "What would be different; with `pictureOf` a picture",
            content((Envelope<WhatIfAnswer> = "application/json"), (Vec<u8> = "image/png"))),
        (status = 400, description = "VALIDATION_ERROR: details name the field. MALFORMED_JSON", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 422, description = "NOT_DRAWABLE: the one that was asked for can't be drawn", body = ErrorEnvelope),
        (status = 503, description = "BUSY: too many samples are being drawn; try again", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
    Json { value, .. }: Json<WhatIfTemplate>,
) -> Result<Response, ApiError> {
    if http.commands.load::<Certificate>(CertificateId(id)).await?.state.0.is_none() {
        return Err(ApiError::not_found("certificate"));
    }
    let WhatIfTemplate { pdf_template, limit, cursor, picture_of } = value;
    let slot = Arc::new(http.sample_slot()?);
    let template = pinned_at(&http, pin_any_version(&http, pdf_template).await?).await?;
    let change = Change { certificate: Some(id), theme: None, template, keeps_options: false };
    answer(&http, &slot, &change, WhatIfRequest { limit, cursor, picture_of }).await
}
