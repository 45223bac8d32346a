//! Export of issued certificates.

use axum::extract::State;
use axum::response::Response;
use time::Date;

use super::IssuanceAnswer;
use crate::http::protocol::export::ExportRow;
use crate::http::protocol::extract::ExportQuery;
use crate::http::protocol::timestamp::Timestamp;
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
        (status = 503, description = "BUSY: other exports are in progress; see `Retry-After`"),
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
    shown: IssuanceAnswer,
}

impl Line {
    fn of(http: &HttpState, row: IssuanceRow) -> Self {
        let ids = [row.id, row.certificate_id, row.attendee_id].map(|id| id.to_string());
        let issue_date = row.issue_date;
        Self {
            ids,
            issue_date,
            shown: IssuanceAnswer::of_row(http, row),
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
        let revocation = shown.revocation.as_ref();
        let moment = |time: Timestamp| Value::Moment(time.0);
        let [id, certificate_id, attendee_id] = &self.ids;
        vec![
            shown.full_name.reveal_str().into(),
            shown.certificate_name.as_str().into(),
            shown.event_name.as_str().into(),
            shown.client.as_str().into(),
            Value::Day(self.issue_date),
            shown.state.as_str().into(),
            if shown.is_sent { "yes" } else { "no" }.into(),
            shown.generated_at.map_or(Value::Empty, moment),
            revocation.map_or(Value::Empty, |revoked| moment(revoked.revoked_at)),
            revocation.map(|revoked| revoked.reason.as_str()).into(),
            shown.number.as_str().into(),
            shown.verification_url.as_str().into(),
            shown.url.as_str().into(),
            id.as_str().into(),
            certificate_id.as_str().into(),
            attendee_id.as_str().into(),
        ]
    }
}
