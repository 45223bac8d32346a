//! `GET /batches`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::protocol::answer::ListEnvelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Direction, Listing, Query, Unsorted};
use crate::http::protocol::rfc3339;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::batches::{self, BatchFilter, BatchRow};

/// Query parameters of the list of batches. An entry must meet all given filters.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BatchesQuery {
    /// Cursor of the page: `meta.nextCursor` of the page before. It is valid for the same filters and order only.
    cursor: Option<String>,
    /// Number of the page, from 1, instead of a cursor. Adds `meta.total`. Pages end at entry 10,000, cursors do
    /// not.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Entries per page; 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Sort direction; latest first if absent.
    #[param(inline)]
    order: Option<Direction>,
    /// Only batches of this certificate.
    certificate_id: Option<Uuid>,
    /// Only batches of this import.
    import_id: Option<Uuid>,
    /// Only batches in this state.
    #[param(inline)]
    state: Option<BatchState>,
}

/// States of a batch.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum BatchState {
    /// Requested.
    Requested,
    /// A certificate was created or refused for each person.
    Dispatched,
    /// Being cancelled.
    Cancelling,
    /// Cancelled.
    Cancelled,
    /// Being undone.
    Undoing,
    /// Undone.
    Undone,
}

impl BatchState {
    /// Returns the state's name in the query table.
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

/// A batch in a list. `GET /batches/{id}` also has the progress of its certificates and the refused people.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchListed {
    /// Id of the batch.
    batch_id: Uuid,
    /// Id of the certificate that is issued.
    certificate_id: Uuid,
    /// State of the batch, as in `GET /batches/{id}`.
    #[schema(example = "dispatched")]
    state: String,
    /// Number of people in the batch.
    #[schema(example = 250)]
    total: i64,
    /// Certificates that the batch created; null until it is dispatched.
    requested: Option<i64>,
    /// Certificates that existed before; null until it is dispatched.
    existing: Option<i64>,
    /// People for whom nothing could be issued; null until it is dispatched.
    refused: Option<i64>,
    /// People without a certificate because the batch was stopped; null until it is dispatched.
    left: Option<i64>,
    /// Reason for undoing the batch, as a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo_reason: Option<String>,
    /// Time of the request (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    created_at: String,
    /// Time of the last change of the batch itself (RFC 3339). Changes of its certificates do not count.
    #[schema(example = "2026-11-21T12:00:00Z")]
    updated_at: String,
    /// Time at which it was cancelled or undone (RFC 3339).
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

/// Lists batches, newest first by default.
#[utoipa::path(
    get, path = "/batches", params(BatchesQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<BatchListed>),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor belongs to another list", body = ErrorEnvelope),
    )
)]
pub async fn list_batches(
    State(http): State<HttpState>,
    Query(query): Query<BatchesQuery>,
) -> Result<Answer, ApiError> {
    let BatchesQuery { cursor, page, limit, order, certificate_id, import_id, state } = query;
    let filter = BatchFilter { certificate_id, import_id, state: state.map(BatchState::stored) };
    let listing = Listing::<Unsorted> { cursor, page, limit, sort: None, order };
    let shown = |row: BatchRow| BatchListed::from(row);
    listing.answer(&http, &batches::TABLE, filter.conditions(), shown).await
}
