//! Export of issued certificates.

use axum::extract::State;
use axum::response::Response;
use time::{Date, OffsetDateTime};

use super::IssuanceAnswer;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::export::ExportRow;
use crate::http::protocol::extract::ExportQuery;
use crate::http::{ApiError, HttpState};
use crate::projection::queries::issuances::IssuanceRow;
use crate::spreadsheet::export::Value;

/// Returns all generated certificates that meet the filters, oldest first, as a CSV or XLSX file.
///
/// In CSV, a text that a spreadsheet program would interpret as a formula gets a leading
/// apostrophe.
#[utoipa::path(
    get, path = "/generated-certificates/export", params(ExportQuery<IssuanceRow>),
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
    query: ExportQuery<IssuanceRow>,
) -> Result<Response, ApiError> {
    let line = {
        let http = http.clone();
        move |row| Line::of(&http, row)
    };
    let name = "generated_certificates";
    query
        .answer(&http, name, "Generated certificates", line)
        .await
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
