//! Endpoints that show and export people.

use axum::extract::State;
use axum::response::Response;
use uuid::Uuid;

use super::AttendeeAnswer;
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::export::ExportRow;
use crate::http::protocol::extract::{ExportQuery, ListQuery, Path};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::attendees::{self, AttendeeRow};
use crate::spreadsheet::EXPORT_ID_COLUMN;
use crate::spreadsheet::export::Value;

/// Returns one person.
#[utoipa::path(
    get, path = "/attendees/{id}", params(
        ("id" = Uuid, Path, description = "The attendee's id"),
    ),
    responses(
        (status = 200, description = "The person", body = Envelope<AttendeeAnswer>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_attendee(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let row = attendees::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("attendee"))?;
    let version = position(row.position)?;
    Ok(Answer::ok(&AttendeeAnswer::of_row(&http, row))?.version(version))
}

/// Lists people, newest first by default.
#[utoipa::path(
    get, path = "/attendees", params(ListQuery<AttendeeRow>),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<AttendeeAnswer>),
    )
)]
pub async fn list_attendees(
    State(http): State<HttpState>,
    query: ListQuery<AttendeeRow>,
) -> Result<Answer, ApiError> {
    query
        .answer(&http, |row| AttendeeAnswer::of_row(&http, row))
        .await
}

/// Returns all people who meet the filters as a CSV or XLSX file. The oldest person comes first.
///
/// The file can be imported again, and its people are then recognized as known. In CSV, a text that
/// a spreadsheet program would interpret as a formula gets a leading apostrophe. The import removes
/// it. In XLSX, spreadsheet programs also keep document numbers unchanged.
#[utoipa::path(
    get, path = "/attendees/export", params(ExportQuery<AttendeeRow>),
    responses(
        (status = 200, description = "The file", content(
            (Vec<u8> = "text/csv"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 503, description = "BUSY: other exports are in progress; see `Retry-After`", body = ErrorEnvelope),
    )
)]
pub async fn export_attendees(
    State(http): State<HttpState>,
    query: ExportQuery<AttendeeRow>,
) -> Result<Response, ApiError> {
    let line = |row: AttendeeRow| Line {
        id: row.id.to_string(),
        row,
    };
    query.answer(&http, "attendees", "Attendees", line).await
}

struct Line {
    id: String,
    row: AttendeeRow,
}

impl ExportRow for Line {
    const HEADERS: &'static [&'static str] = &[
        "full_name",
        "email",
        "document_type",
        "document_number",
        "country",
        "gender",
        "created_at",
        "updated_at",
        EXPORT_ID_COLUMN,
    ];

    fn cells(&self) -> Vec<Value<'_>> {
        let row = &self.row;
        vec![
            row.full_name.reveal_str().into(),
            row.email.reveal_str().into(),
            row.document_type
                .as_ref()
                .map(|text| text.reveal_str())
                .into(),
            row.document_number
                .as_ref()
                .map(|text| text.reveal_str())
                .into(),
            row.country.as_ref().map(|text| text.reveal_str()).into(),
            row.gender.as_ref().map(|text| text.reveal_str()).into(),
            Value::Moment(row.created_at),
            Value::Moment(row.updated_at),
            self.id.as_str().into(),
        ]
    }
}
