//! Endpoints that show and export people.

use axum::extract::State;
use axum::response::Response;
use uuid::Uuid;

use super::AttendeeAnswer;
use crate::domain::Personal;
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::export::ExportRow;
use crate::http::protocol::extract::{ExportQuery, ListQuery, Path};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::attendees::AttendeeRow;
use crate::spreadsheet::EXPORT_ID_COLUMN;
use crate::spreadsheet::export::Value;

/// Returns one person.
#[utoipa::path(
    get, path = "/attendees/{id}",
    responses(
        (status = 200, description = "The person", body = Envelope<AttendeeAnswer>),
    )
)]
pub async fn get_attendee(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let row = http.find::<AttendeeRow>("attendee", id).await?;
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
        (status = 503, description = "BUSY: other exports are in progress; see `Retry-After`"),
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
        let person = &row.person;
        vec![
            person.full_name.reveal_str().into(),
            person.email.reveal_str().into(),
            text(person.document_type.as_ref()),
            text(person.document_number.as_ref()),
            text(person.country.as_ref()),
            text(person.gender.as_ref()),
            Value::Moment(row.created_at),
            Value::Moment(row.updated_at),
            self.id.as_str().into(),
        ]
    }
}

fn text(text: Option<&Personal<String>>) -> Value<'_> {
    text.map(|text| text.reveal_str()).into()
}
