//! The signed-in person behind a request.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::tokens::Principal;
use super::{ApiError, ErrorCode, HttpState};
use crate::commands::CommandContext;
use crate::domain::{CommandId, UserId};

/// The signed-in person behind a request; only routes that ask for a token have one.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The user.
    pub user_id: UserId,
}

impl Caller {
    /// The context of what this person wants.
    #[must_use]
    pub fn context(&self, command_id: CommandId) -> CommandContext {
        CommandContext::of_person(command_id, self.user_id)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let principal = parts.extensions.get::<Principal>();
        let principal = principal.ok_or_else(|| ApiError::internal("a public route asks who calls it"))?;
        Ok(Self { user_id: principal.user_id })
    }
}

/// Who sent these headers, by their bearer token (RFC 6750 §2.1).
///
/// # Errors
/// 401, if there is no valid token.
pub(super) fn authenticate(state: &HttpState, headers: &HeaderMap) -> Result<Principal, ApiError> {
    let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
    let Some(token) = token else {
        let message = "log in first, and send the header `Authorization: Bearer <access_token>`";
        return Err(ApiError::new(ErrorCode::Unauthenticated, message));
    };
    state.tokens.verify(token, state.now()).map_err(|_| {
        let message = "the access token is not valid or has expired; refresh it or log in again";
        ApiError::new(ErrorCode::Unauthenticated, message)
    })
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_tokens_count() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer abc"), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("abc"), None);
    }
}
