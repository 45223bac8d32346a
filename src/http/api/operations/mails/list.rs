//! `GET /mails`

use axum::extract::State;
use axum::response::Html;
use serde::Serialize;

use crate::dev_stack::mail_catcher::caught_mails;
use crate::http::api::public::pages::render;
use crate::http::protocol::rfc3339;
use crate::http::{ApiError, HttpState};

const TEMPLATE: &str = include_str!("list.html");
/// Maximum number of mails on the page.
const SHOWN: usize = 200;

#[derive(Serialize)]
struct Lines {
    mails: Vec<Line>,
    shown: usize,
}

#[derive(Serialize)]
struct Line {
    id: String,
    to: String,
    subject: String,
    received_at: String,
    kib: u64,
}

/// Shows a page with the caught mails, newest first.
#[utoipa::path(
    get, path = "/mails",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
pub async fn list_caught_mails(State(http): State<HttpState>) -> Result<Html<String>, ApiError> {
    let folder = super::folder(&http)?;
    let caught = tokio::task::spawn_blocking(move || caught_mails(&folder, SHOWN)).await;
    let caught = caught.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    let mails = caught.into_iter().map(|mail| Line {
        id: mail.id,
        to: mail.to.join(", "),
        subject: mail.subject,
        received_at: rfc3339(mail.received_at.replace_nanosecond(0).unwrap_or(mail.received_at)),
        kib: mail.bytes.div_ceil(1024),
    });
    render(TEMPLATE, &Lines { mails: mails.collect(), shown: SHOWN })
}
