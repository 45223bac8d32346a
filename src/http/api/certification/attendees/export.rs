//! `GET /attendees/export`

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::export::{Export, ExportRow, FileKind};
use crate::http::protocol::extract::{Query, filter_text};
use crate::http::{ApiError, HttpState};
use crate::projection::queries::attendees::{self, AttendeeFilter, AttendeeRow};
use crate::spreadsheet::EXPORT_ID_COLUMN;
use crate::spreadsheet::export::Value;

/// Which people, and as what: those that meet all that is given.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportAttendees {
    /// What the file is.
    #[param(inline)]
    format: FileKind,
    /// Words that full name, e-mail address or document number contain, whatever the case and accents.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Of this country, whatever the case and accents.
    #[param(max_length = 200)]
    country: Option<String>,
    /// With this kind of document, whatever the case and accents.
    #[param(max_length = 200)]
    document_type: Option<String>,
    /// Made known by this import.
    import_id: Option<Uuid>,
    /// Who have been issued this certificate.
    certificate_id: Option<Uuid>,
    /// Known since this moment (RFC 3339).
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_after: Option<OffsetDateTime>,
    /// Known before this moment (RFC 3339).
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_before: Option<OffsetDateTime>,
}

/// All people that meet the filters, as a file to open in a spreadsheet program, oldest first.
///
/// It can be imported again, and everyone is known then. What a spreadsheet program would take for a formula in CSV
/// is preceded by an apostrophe, which is removed when the file is imported; XLSX also keeps document numbers as
/// they are.
#[utoipa::path(
    get, path = "/attendees/export", params(ExportAttendees),
    responses(
        (status = 200, description = "The file", content(
            (Vec<u8> = "text/csv"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range", body = ErrorEnvelope),
        (status = 503, description = "BUSY: other exports are under way; see Retry-After", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<ExportAttendees>,
) -> Result<Response, ApiError> {
    let filter = AttendeeFilter {
        search: filter_text("search", query.search)?,
        country: filter_text("country", query.country)?,
        document_type: filter_text("documentType", query.document_type)?,
        import_id: query.import_id,
        certificate_id: query.certificate_id,
        created_after: query.created_after,
        created_before: query.created_before,
    };
    let (table, conditions, format) = (&attendees::TABLE, filter.conditions(), query.format.into());
    let export = Export { name: "attendees", sheet: "Attendees", table, conditions, format };
    export.answer(&http, |row: AttendeeRow| Line { id: row.id.to_string(), row }).await
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
            row.document_type.as_ref().map(|text| text.reveal_str()).into(),
            row.document_number.as_ref().map(|text| text.reveal_str()).into(),
            row.country.as_ref().map(|text| text.reveal_str()).into(),
            row.gender.as_ref().map(|text| text.reveal_str()).into(),
            Value::Moment(row.created_at),
            Value::Moment(row.updated_at),
            self.id.as_str().into(),
        ]
    }
}
