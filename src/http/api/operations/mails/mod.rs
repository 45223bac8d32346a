//! Mails that the demo stack has caught instead of delivering them. On other servers, these
//! endpoints return 404.

use std::path::PathBuf;

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use crate::dev_stack::mail_catcher::{caught_mail, caught_mails};
use crate::http::api::public::pages::render;
use crate::http::protocol::extract::Path;
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{ApiError, HttpState};

fn folder(http: &HttpState) -> Result<PathBuf, ApiError> {
    http.caught_mails
        .clone()
        .ok_or_else(|| ApiError::not_found("page"))
}

/// Returns one caught mail as a file that mail programs can open.
#[utoipa::path(
    get, path = "/mails/{id}", params(("id" = String, Path, description = "The mail's id")),
    responses(
        (status = 200, description = "The mail (RFC 5322)", body = Vec<u8>, content_type = "message/rfc822"),
    )
)]
pub async fn get_caught_mail(
    State(http): State<HttpState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let folder = folder(&http)?;
    let name = format!(
        "attachment; filename=\"{}.eml\"",
        id.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
    );
    let found = tokio::task::spawn_blocking(move || match caught_mail(&folder, &id)? {
        Some(mail) => std::fs::read(mail.path).map(Some),
        None => Ok(None),
    });
    let bytes = found
        .await
        .map_err(ApiError::internal)?
        .map_err(ApiError::internal)?;
    let bytes = bytes.ok_or_else(|| ApiError::not_found("mail"))?;
    Ok((
        [
            (CONTENT_TYPE, "message/rfc822".to_owned()),
            (CONTENT_DISPOSITION, name),
        ],
        bytes,
    )
        .into_response())
}

const TEMPLATE: &str = include_str!("list.html");
/// Largest number of mails on the page.
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
    received_at: Timestamp,
    kib: u64,
}

/// Shows a page with the caught mails, newest first.
#[utoipa::path(
    get, path = "/mails",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
pub async fn list_caught_mails(State(http): State<HttpState>) -> Result<Html<String>, ApiError> {
    let folder = folder(&http)?;
    let caught = tokio::task::spawn_blocking(move || caught_mails(&folder, SHOWN)).await;
    let caught = caught
        .map_err(ApiError::internal)?
        .map_err(ApiError::internal)?;
    let mails = caught.into_iter().map(|mail| Line {
        id: mail.id,
        to: mail.to.join(", "),
        subject: mail.subject,
        received_at: Timestamp(
            mail.received_at
                .replace_nanosecond(0)
                .unwrap_or(mail.received_at),
        ),
        kib: mail.bytes.div_ceil(1024),
    });
    render(
        TEMPLATE,
        &Lines {
            mails: mails.collect(),
            shown: SHOWN,
        },
    )
}
