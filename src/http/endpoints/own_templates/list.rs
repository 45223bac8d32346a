//! `GET /templates/own`

use axum::extract::State;

use super::OwnTemplateAnswer;
use crate::http::answer::ListEnvelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{ListQuery, Paging, Query};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::templates;

/// Templates of your own, newest first.
#[utoipa::path(
    get, path = "/templates/own", params(ListQuery),
    responses(
        (status = 200, description = "A page of templates", body = ListEnvelope<OwnTemplateAnswer>),
        (status = 400, description = "VALIDATION_ERROR: details name the parameter", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<ListQuery>,
) -> Result<Answer, ApiError> {
    let paging = Paging::of(query.cursor.as_deref(), query.limit)?;
    let listed = templates::list(&http.database().await?, paging.page()).await?;
    let meta = paging.meta(listed.next_cursor);
    let items = listed.items.into_iter().map(OwnTemplateAnswer::of_row).collect::<Result<Vec<_>, _>>()?;
    Answer::list(&items, &meta)
}
