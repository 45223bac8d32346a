//! Comparison of issued certificates with the same certificates drawn by a new version of a
//! template.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use uuid::Uuid;

use crate::commands::issue::PinnedTemplate;
use crate::domain::TemplateId;
use crate::domain::certification::certificate::TemplateRef;
use crate::domain::certification::template::Template;
use crate::http::api::certification::what_if::{Change, WhatIfAnswer, WhatIfRequest, answer};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::{Json, Path};
use crate::http::{ApiError, HttpState};

/// Finds issued certificates that would look different with this version.
///
/// The comparison includes certificates whose definition uses the template. Each is drawn twice:
/// with its pinned template, and with this version. Then the two pictures are compared. The newest
/// certificates come first. Issued files do not change, and nothing is stored.
#[utoipa::path(
    post, path = "/templates/own/{id}/versions/{version}/what-if",
    params(
        ("version" = u32, Path, description = "The version, from 1"),
    ),
    responses(
        (status = 200, description = "The result of the comparison; with `pictureOf`, a picture",
            content((Envelope<WhatIfAnswer> = "application/json"), (Vec<u8> = "image/png"))),
        (status = 422, description = "NOT_DRAWABLE: the certificate in `pictureOf` cannot be drawn"),
        (status = 503, description = "BUSY: too many samples are being drawn; try again"),
    )
)]
pub async fn compare_template_version(
    State(http): State<HttpState>,
    Path((id, version)): Path<(Uuid, u32)>,
    Json { value, .. }: Json<WhatIfRequest>,
) -> Result<Response, ApiError> {
    let slot = Arc::new(http.sample_slot()?);
    let theme = Template::theme_of(TemplateId(id));
    let own = http
        .load::<Template>(TemplateId(id))
        .await?
        .0
        .filter(|own| !own.is_retired);
    let own = own.ok_or_else(|| ApiError::not_found("template"))?;
    let template = PinnedTemplate::at(TemplateRef::new(theme.as_str(), version), Some(&own))?;
    let change = Change {
        certificate: None,
        theme: Some(&theme),
        template,
        keeps_options: true,
    };
    answer(&http, &slot, &change, value).await
}
