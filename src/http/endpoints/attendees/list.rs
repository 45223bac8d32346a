//! `GET /attendees`

use axum::extract::State;

use super::AttendeeAnswer;
use crate::http::answer::ListEnvelope;
use crate::http::extract::{ListQuery, Query};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::attendees;

/// People, newest first.
#[utoipa::path(
    get, path = "/attendees", params(ListQuery),
    responses((status = 200, description = "A page", body = ListEnvelope<AttendeeAnswer>))
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<ListQuery>,
) -> Result<Answer, ApiError> {
    let paging = query.paging()?;
    let listed = attendees::list(&http.database().await?, paging.page()).await?;
    let shown = listed.items.into_iter().map(AttendeeAnswer::from).collect::<Vec<_>>();
    Answer::list(&shown, &paging.meta(listed.next_cursor))
}
