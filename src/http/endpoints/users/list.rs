//! `GET /users`

use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{RoleName, UserDetails};
use crate::domain::user::Role;
use crate::http::answer::ListEnvelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{Direction, Listing, Query, Sorting, filter_text};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::listing::SortKey;
use crate::projection::queries::users::{self, UserFilter};

/// Which users, in which order: those that meet all that is given.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
    /// Where to go on: `meta.nextCursor` of the page before. It counts for the same filters, sort and order.
    cursor: Option<String>,
    /// Which page, from 1, instead of a cursor; `meta.total` is told then. Pages end at entry 10,000, cursors don't.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Entries per page; 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// What to sort by; `createdAt` if absent.
    #[param(inline)]
    sort: Option<UserSort>,
    /// Which way round; if absent, times go from the latest and texts from A.
    #[param(inline)]
    order: Option<Direction>,
    /// Words that user name, name, last name or e-mail address contain, whatever the case and accents.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Only those who may do this.
    role: Option<RoleName>,
    /// Only those who may log in, or only those who may not.
    is_active: Option<bool>,
}

/// What users can be sorted by.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum UserSort {
    /// The order in which they were added.
    CreatedAt,
    /// The order of their last change.
    UpdatedAt,
    /// User name, whatever the case and accents.
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

/// Users, newest first where nothing else is said.
#[utoipa::path(
    get, path = "/users", params(UsersQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<UserDetails>),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor is of another list", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<UsersQuery>,
) -> Result<Answer, ApiError> {
    let UsersQuery { cursor, page, limit, sort, order, .. } = query;
    let filter = UserFilter {
        search: filter_text("search", query.search)?,
        role: query.role.map(|role| Role::from(role).name()),
        is_active: query.is_active,
    };
    let listing = Listing { cursor, page, limit, sort, order };
    listing.answer(&http, &users::TABLE, filter.conditions(), UserDetails::of_row).await
}
