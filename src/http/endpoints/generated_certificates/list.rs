//! `GET /generated-certificates`

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::IssuanceAnswer;
use crate::http::answer::ListEnvelope;
use crate::http::extract::{Paging, Query};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::issuances::{self, IssuanceFilter};

const STATES: [&str; 4] = ["requested", "generated", "failed", "revoked"];

/// Which generated certificates: those that meet all that is given.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IssuancesQuery {
    /// Where to go on: `meta.nextCursor` of the page before.
    cursor: Option<String>,
    /// Entries per page, 1–200; 50 if absent.
    limit: Option<u32>,
    /// Of this certificate.
    certificate_id: Option<Uuid>,
    /// Of this person.
    attendee_id: Option<Uuid>,
    /// Made by this batch.
    batch_id: Option<Uuid>,
    /// In this state: `requested`, `generated`, `failed` or `revoked`.
    state: Option<String>,
}

/// Generated certificates, newest first.
#[utoipa::path(
    get, path = "/generated-certificates", params(IssuancesQuery),
    responses((status = 200, description = "A page", body = ListEnvelope<IssuanceAnswer>))
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<IssuancesQuery>,
) -> Result<Answer, ApiError> {
    let paging = Paging::of(query.cursor.as_deref(), query.limit)?;
    if query.state.as_ref().is_some_and(|state| !STATES.contains(&state.as_str())) {
        return Err(ApiError::field("state", format!("give one of {}", STATES.join(", "))));
    }
    let IssuancesQuery { certificate_id, attendee_id, batch_id, state, .. } = query;
    let filter = IssuanceFilter { certificate_id, attendee_id, state, batch_id };
    let listed = issuances::list(&http.database().await?, paging.page(), &filter).await?;
    let shown = listed.items.into_iter().map(|row| IssuanceAnswer::of_row(&http, row)).collect::<Vec<_>>();
    Answer::list(&shown, &paging.meta(listed.next_cursor))
}
