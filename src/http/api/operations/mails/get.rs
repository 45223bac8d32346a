//! `GET /mails/{id}`

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::dev_stack::mail_catcher::caught_mail;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::{ApiError, HttpState};

/// Returns one caught mail as a file that mail programs can open.
#[utoipa::path(
    get, path = "/mails/{id}", params(("id" = String, Path, description = "The mail's id")),
    responses(
        (status = 200, description = "The mail (RFC 5322)", body = Vec<u8>, content_type = "message/rfc822"),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_caught_mail(
    State(http): State<HttpState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let folder = super::folder(&http)?;
    let name =
        format!("attachment; filename=\"{}.eml\"", id.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    let found = tokio::task::spawn_blocking(move || match caught_mail(&folder, &id)? {
        Some(mail) => std::fs::read(mail.path).map(Some),
        None => Ok(None),
    });
    let bytes = found.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    let bytes = bytes.ok_or_else(|| ApiError::not_found("mail"))?;
    Ok(([(CONTENT_TYPE, "message/rfc822".to_owned()), (CONTENT_DISPOSITION, name)], bytes).into_response())
}
