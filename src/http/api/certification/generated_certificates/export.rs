//! Export of issued certificates.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use time::{Date, OffsetDateTime};
use utoipa::IntoParams;
use uuid::Uuid;

use super::IssuanceAnswer;
use super::read::{IssuanceState, iso_date, number_filter};
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::export::{Export, ExportRow, FileKind};
use crate::http::protocol::extract::{Query, filter_text};
use crate::http::{ApiError, HttpState};
use crate::projection::queries::issuances::{self, IssuanceFilter, IssuanceRow};
use crate::spreadsheet::export::Value;

/// Query parameters of the export of generated certificates. An entry must meet all given filters.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportIssuances {
    /// Format of the file.
    #[param(inline)]
    format: FileKind,
    /// Words that the person's name contains. Case and accents are ignored.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Number, as printed on the certificate or as in its address.
    #[param(max_length = 200)]
    number: Option<String>,
    /// Only issuances of this certificate.
    certificate_id: Option<Uuid>,
    /// Only certificates of this person.
    attendee_id: Option<Uuid>,
    /// Only certificates that this batch requested.
    batch_id: Option<Uuid>,
    /// Only certificates that this import requested.
    import_id: Option<Uuid>,
    /// Only certificates in this state.
    #[param(inline)]
    state: Option<IssuanceState>,
    /// If true, only certificates about which a mail was sent. If false, only the others.
    is_sent: Option<bool>,
    /// Earliest date on the certificate (ISO 8601).
    #[serde(default, with = "iso_date::option")]
    issued_from: Option<Date>,
    /// Latest date on the certificate (ISO 8601).
    #[serde(default, with = "iso_date::option")]
    issued_to: Option<Date>,
}

/// Returns all generated certificates that meet the filters, oldest first, as a CSV or XLSX file.
///
/// In CSV, a text that a spreadsheet program would interpret as a formula gets a leading
/// apostrophe.
#[utoipa::path(
    get, path = "/generated-certificates/export", params(ExportIssuances),
    responses(
        (status = 200, description = "The file", content(
            (Vec<u8> = "text/csv"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 503, description = "BUSY: other exports are in progress; see `Retry-After`", body = ErrorEnvelope),
    )
)]
pub async fn export_issued_certificates(
    State(http): State<HttpState>,
    Query(query): Query<ExportIssuances>,
) -> Result<Response, ApiError> {
    let filter = IssuanceFilter {
        search: filter_text("search", query.search)?,
        public_id: query.number.as_deref().map(number_filter).transpose()?,
        certificate_id: query.certificate_id,
        theme: None,
        attendee_id: query.attendee_id,
        batch_id: query.batch_id,
        import_id: query.import_id,
        state: query.state.map(|state| state.stored().to_owned()),
        is_sent: query.is_sent,
        issued_from: query.issued_from,
        issued_to: query.issued_to,
    };
    let table = &issuances::TABLE;
    let conditions = filter.conditions();
    let format = query.format.into();
    let export = Export {
        name: "generated_certificates",
        sheet: "Generated certificates",
        table,
        conditions,
        format,
    };
    let shown = {
        let http = http.clone();
        move |row: IssuanceRow| Line::of(&http, row)
    };
    export.answer(&http, shown).await
}

struct Line {
    ids: [String; 3],
    issue_date: Date,
    generated_at: Option<OffsetDateTime>,
    revoked_at: Option<OffsetDateTime>,
    revocation_reason: Option<String>,
    shown: IssuanceAnswer,
}

impl Line {
    fn of(http: &HttpState, row: IssuanceRow) -> Self {
        let ids = [row.id, row.certificate_id, row.attendee_id].map(|id| id.to_string());
        let issue_date = row.issue_date;
        let generated_at = row.generated_at;
        let revoked_at = row.revoked_at;
        let revocation_reason = row.revocation_reason.clone();
        let shown = IssuanceAnswer::of_row(http, row);
        Self {
            ids,
            issue_date,
            generated_at,
            revoked_at,
            revocation_reason,
            shown,
        }
    }
}

impl ExportRow for Line {
    const HEADERS: &'static [&'static str] = &[
        "full_name",
        "certificate_name",
        "event_name",
        "client",
        "issue_date",
        "state",
        "is_sent",
        "generated_at",
        "revoked_at",
        "revocation_reason",
        "number",
        "verification_url",
        "url",
        "generated_certificate_id",
        "certificate_id",
        "attendee_id",
    ];

    fn cells(&self) -> Vec<Value<'_>> {
        let shown = &self.shown;
        let [id, certificate_id, attendee_id] = &self.ids;
        vec![
            shown.full_name.reveal_str().into(),
            shown.certificate_name.as_str().into(),
            shown.event_name.as_str().into(),
            shown.client.as_str().into(),
            Value::Day(self.issue_date),
            shown.state.as_str().into(),
            if shown.is_sent { "yes" } else { "no" }.into(),
            self.generated_at.map_or(Value::Empty, Value::Moment),
            self.revoked_at.map_or(Value::Empty, Value::Moment),
            self.revocation_reason.as_deref().into(),
            shown.number.as_str().into(),
            shown.verification_url.as_str().into(),
            shown.url.as_str().into(),
            id.as_str().into(),
            certificate_id.as_str().into(),
            attendee_id.as_str().into(),
        ]
    }
}
