//! Endpoints that show users.

use axum::extract::State;
use uuid::Uuid;

use super::UserDetails;
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{ListQuery, Path};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::users::{self, UserRow};

/// Returns one user.
#[utoipa::path(
    get, path = "/users/{id}", params(
        ("id" = Uuid, Path, description = "The user's id"),
    ),
    responses(
        (status = 200, description = "The user", body = Envelope<UserDetails>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_user(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let row = users::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("user"))?;
    let version = position(row.position)?;
    let factor = row.second_factor_position.map(position).transpose()?;
    let answer = Answer::ok(&UserDetails::of_row(row))?;
    // The second factor is another aggregate, but it changes this answer.
    Ok(match factor {
        Some(factor) => answer.version_with(version, factor),
        None => answer.version(version),
    })
}

/// Lists users, newest first by default.
#[utoipa::path(
    get, path = "/users", params(ListQuery<UserRow>),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<UserDetails>),
    )
)]
pub async fn list_users(
    State(http): State<HttpState>,
    query: ListQuery<UserRow>,
) -> Result<Answer, ApiError> {
    query.answer(&http, UserDetails::of_row).await
}
