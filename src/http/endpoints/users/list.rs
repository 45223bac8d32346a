//! `GET /users`

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{RoleName, UserDetails};
use crate::domain::user::Role;
use crate::http::answer::ListEnvelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{Paging, Query};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::users;

/// Which users.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
    /// Where to go on: `meta.nextCursor` of the page before.
    cursor: Option<String>,
    /// Entries per page, 1–200; 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Only those who may do this.
    role: Option<RoleName>,
    /// Only those who may log in, or only those who may not.
    is_active: Option<bool>,
}

/// Users, newest first.
#[utoipa::path(
    get, path = "/users", params(UsersQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<UserDetails>),
        (status = 400, description = "VALIDATION_ERROR: details name the parameter", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<UsersQuery>,
) -> Result<Answer, ApiError> {
    let paging = Paging::of(query.cursor.as_deref(), query.limit)?;
    let role = query.role.map(|role| Role::from(role).name());
    let listed = users::list(&http.database().await?, paging.page(), role, query.is_active).await?;
    let shown: Vec<_> = listed.items.into_iter().map(UserDetails::of_row).collect();
    Answer::list(&shown, &paging.meta(listed.next_cursor))
}
