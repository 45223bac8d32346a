//! Endpoints that show users.

use axum::extract::State;
use uuid::Uuid;

use super::UserDetails;
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::extract::{ListQuery, Path};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::users::UserRow;

/// Returns one user.
#[utoipa::path(
    get, path = "/users/{id}",
    responses(
        (status = 200, description = "The user", body = Envelope<UserDetails>),
    )
)]
pub async fn get_user(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let row = http.find::<UserRow>("user", id).await?;
    let version = position(row.position)?;
    let factor = row.second_factor_position.map(position).transpose()?;
    let answer = Answer::ok(&UserDetails::of_row(row))?;
    // The second factor is another aggregate. Its state is part of the response, so the entity tag
    // also contains its position.
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
