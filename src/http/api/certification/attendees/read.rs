//! Endpoints that show and export people.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::AttendeeAnswer;
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::export::{Export, ExportRow, FileKind};
use crate::http::protocol::extract::{Direction, Listing, Path, Query, Sorting, filter_text};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::attendees;
use crate::projection::queries::attendees::{AttendeeFilter, AttendeeRow};
use crate::projection::queries::listing::SortKey;
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

/// Query parameters of the list of people. A person must meet all given filters.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AttendeesQuery {
    /// Cursor of the page: `meta.nextCursor` of the page before. It is valid for the same filters,
    /// sort and order only.
    cursor: Option<String>,
    /// Number of the page, from 1, instead of a cursor. Adds `meta.total`. Pages end at entry
    /// 10,000, cursors do not.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Entries per page; 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Sort key; `createdAt` if absent.
    #[param(inline)]
    sort: Option<AttendeeSort>,
    /// Sort direction. If absent: latest first for times, A to Z for texts.
    #[param(inline)]
    order: Option<Direction>,
    /// Words that the full name, e-mail address or document number contains. Case and accents are
    /// ignored.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Only people of this country. Case and accents are ignored.
    #[param(max_length = 200)]
    country: Option<String>,
    /// Only people with this type of document. Case and accents are ignored.
    #[param(max_length = 200)]
    document_type: Option<String>,
    /// Only people whom this import accepted, new or known before.
    import_id: Option<Uuid>,
    /// Only people to whom this certificate was issued.
    certificate_id: Option<Uuid>,
    /// Created at this time (RFC 3339) or later.
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_after: Option<OffsetDateTime>,
    /// Created before this time (RFC 3339).
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_before: Option<OffsetDateTime>,
}

/// Sort keys of people.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AttendeeSort {
    /// Order of creation.
    CreatedAt,
    /// Order of the last change.
    UpdatedAt,
    /// Full name. Case and accents are ignored.
    FullName,
    /// E-mail address.
    Email,
}

impl Sorting for AttendeeSort {
    fn key(self) -> SortKey {
        match self {
            Self::CreatedAt => attendees::BY_CREATION,
            Self::UpdatedAt => attendees::BY_CHANGE,
            Self::FullName => attendees::BY_NAME,
            Self::Email => attendees::BY_EMAIL,
        }
    }
}

/// Lists people, newest first by default.
#[utoipa::path(
    get, path = "/attendees", params(AttendeesQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<AttendeeAnswer>),
    )
)]
pub async fn list_attendees(
    State(http): State<HttpState>,
    Query(query): Query<AttendeesQuery>,
) -> Result<Answer, ApiError> {
    let AttendeesQuery {
        cursor,
        page,
        limit,
        sort,
        order,
        ..
    } = query;
    let filter = AttendeeFilter {
        search: filter_text("search", query.search)?,
        country: filter_text("country", query.country)?,
        document_type: filter_text("documentType", query.document_type)?,
        import_id: query.import_id,
        certificate_id: query.certificate_id,
        created_after: query.created_after,
        created_before: query.created_before,
    };
    let listing = Listing {
        cursor,
        page,
        limit,
        sort,
        order,
    };
    let shown = |row: AttendeeRow| AttendeeAnswer::of_row(&http, row);
    listing
        .answer(&http, &attendees::TABLE, filter.conditions(), shown)
        .await
}

/// Query parameters of the export of people. A person must meet all given filters.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportAttendees {
    /// Format of the file.
    #[param(inline)]
    format: FileKind,
    /// Words that the full name, e-mail address or document number contains. Case and accents are
    /// ignored.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Only people of this country. Case and accents are ignored.
    #[param(max_length = 200)]
    country: Option<String>,
    /// Only people with this type of document. Case and accents are ignored.
    #[param(max_length = 200)]
    document_type: Option<String>,
    /// Only people whom this import accepted, new or known before.
    import_id: Option<Uuid>,
    /// Only people to whom this certificate was issued.
    certificate_id: Option<Uuid>,
    /// Created at this time (RFC 3339) or later.
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_after: Option<OffsetDateTime>,
    /// Created before this time (RFC 3339).
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_before: Option<OffsetDateTime>,
}

/// Returns all people who meet the filters, oldest first, as a CSV or XLSX file.
///
/// The file can be imported again; its people are then known. In CSV, a text that a spreadsheet
/// program would interpret as a formula gets a leading apostrophe, which the import removes. In
/// XLSX, spreadsheet programs also keep document numbers unchanged.
#[utoipa::path(
    get, path = "/attendees/export", params(ExportAttendees),
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
    let table = &attendees::TABLE;
    let conditions = filter.conditions();
    let format = query.format.into();
    let export = Export {
        name: "attendees",
        sheet: "Attendees",
        table,
        conditions,
        format,
    };
    export
        .answer(&http, |row: AttendeeRow| Line {
            id: row.id.to_string(),
            row,
        })
        .await
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
