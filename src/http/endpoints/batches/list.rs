//! `GET /batches`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::answer::ListEnvelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::endpoints::rfc3339;
use crate::http::extract::{Direction, Listing, Query, Unsorted};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::batches::{self, BatchFilter, BatchRow};

/// Which batches, in which order: those that meet all that is given.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BatchesQuery {
    /// Where to go on: `meta.nextCursor` of the page before. It counts for the same filters and order.
    cursor: Option<String>,
    /// Which page, from 1, instead of a cursor; `meta.total` is told then. Pages end at entry 10,000, cursors don't.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Entries per page; 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Which way round; from the latest if absent.
    #[param(inline)]
    order: Option<Direction>,
    /// Of this certificate.
    certificate_id: Option<Uuid>,
    /// Of this import.
    import_id: Option<Uuid>,
    /// In this state.
    #[param(inline)]
    state: Option<BatchState>,
}

/// The states of a batch.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum BatchState {
    /// It was asked for.
    Requested,
    /// Everybody has a certificate on its way or was refused.
    Dispatched,
    /// It is being cancelled.
    Cancelling,
    /// It was cancelled.
    Cancelled,
    /// It is being undone.
    Undoing,
    /// It was undone.
    Undone,
}

impl BatchState {
    /// As it stands in the table.
    const fn stored(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Dispatched => "dispatched",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        }
    }
}

/// A batch in a list; `GET /batches/{id}` also tells how far its certificates are, and whom it refused.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchListed {
    /// The batch.
    batch_id: Uuid,
    /// What they earn.
    certificate_id: Uuid,
    /// As in `GET /batches/{id}`.
    #[schema(example = "dispatched")]
    state: String,
    /// People in it.
    #[schema(example = 250)]
    total: i64,
    /// Certificates that it made; null until it is dispatched.
    requested: Option<i64>,
    /// Certificates that existed before; null until it is dispatched.
    existing: Option<i64>,
    /// People for whom nothing could be issued; null until it is dispatched.
    refused: Option<i64>,
    /// People for whom nothing was issued because it was stopped; null until it is dispatched.
    left: Option<i64>,
    /// Why it was undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo_reason: Option<String>,
    /// When it was asked for (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    created_at: String,
    /// When it last changed itself (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    updated_at: String,
    /// When it was cancelled or undone (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-21T12:00:00Z")]
    stopped_at: Option<String>,
}

impl From<BatchRow> for BatchListed {
    fn from(row: BatchRow) -> Self {
        Self {
            batch_id: row.id,
            certificate_id: row.certificate_id,
            state: row.state,
            total: row.total,
            requested: row.requested,
            existing: row.existing,
            refused: row.refused,
            left: row.left_out,
            undo_reason: row.undo_reason,
            created_at: rfc3339(row.created_at),
            updated_at: rfc3339(row.updated_at),
            stopped_at: row.stopped_at.map(rfc3339),
        }
    }
}

/// Batches, newest first where nothing else is said.
#[utoipa::path(
    get, path = "/batches", params(BatchesQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<BatchListed>),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor is of another list", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<BatchesQuery>,
) -> Result<Answer, ApiError> {
    let BatchesQuery { cursor, page, limit, order, certificate_id, import_id, state } = query;
    let filter = BatchFilter { certificate_id, import_id, state: state.map(BatchState::stored) };
    let listing = Listing::<Unsorted> { cursor, page, limit, sort: None, order };
    let shown = |row: BatchRow| BatchListed::from(row);
    listing.answer(&http, &batches::TABLE, filter.conditions(), shown).await
}
