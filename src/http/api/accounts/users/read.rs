//! Endpoints that show users.

use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{RoleName, UserDetails};
use crate::domain::accounts::user::Role;
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Direction, Listing, Path, Query, Sorting, filter_text};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::listing::SortKey;
use crate::projection::queries::users;
use crate::projection::queries::users::UserFilter;

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

/// Query parameters of the list of users. An entry must meet all given filters.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
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
    sort: Option<UserSort>,
    /// Sort direction. If absent: latest first for times, A to Z for texts.
    #[param(inline)]
    order: Option<Direction>,
    /// Words that the user name, first name, last name or e-mail address contains. Case and accents
    /// are ignored.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Only users with this role.
    role: Option<RoleName>,
    /// If true, only users who may log in. If false, only users who may not.
    is_active: Option<bool>,
}

/// Sort keys of users.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum UserSort {
    /// Order of creation.
    CreatedAt,
    /// Order of the last change.
    UpdatedAt,
    /// User name. Case and accents are ignored.
    UserName,
    /// E-mail address.
    Email,
}

impl Sorting for UserSort {
    fn key(self) -> SortKey {
        match self {
            Self::CreatedAt => users::BY_CREATION,
            Self::UpdatedAt => users::BY_CHANGE,
            Self::UserName => users::BY_USER_NAME,
            Self::Email => users::BY_EMAIL,
        }
    }
}

/// Lists users, newest first by default.
#[utoipa::path(
    get, path = "/users", params(UsersQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<UserDetails>),
    )
)]
pub async fn list_users(
    State(http): State<HttpState>,
    Query(query): Query<UsersQuery>,
) -> Result<Answer, ApiError> {
    let UsersQuery {
        cursor,
        page,
        limit,
        sort,
        order,
        ..
    } = query;
    let filter = UserFilter {
        search: filter_text("search", query.search)?,
        role: query.role.map(|role| Role::from(role).name()),
        is_active: query.is_active,
    };
    let listing = Listing {
        cursor,
        page,
        limit,
        sort,
        order,
    };
    listing
        .answer(
            &http,
            &users::TABLE,
            filter.conditions(),
            UserDetails::of_row,
        )
        .await
}
