//! Authenticated caller of a request: a person or a program.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::access::Permission;
use super::api_key_token::{ApiKeyToken, PREFIX};
use super::last_use;
use super::principal::{By, Principal};
use super::tokens::Bearer;
use crate::commands::CommandContext;
use crate::domain::accounts::user::Role;
use crate::domain::{ApiKeyId, CommandId, SessionId, UserId};
use crate::event_log::Via;
use crate::http::server::layers::observe::RequestId;
use crate::http::{ApiError, ErrorCode, HttpState};

/// Authenticated caller of a request: a signed-in person, or a program with an API key. Requests to
/// public routes have no `Caller`.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Id of the user. For a program, this is the owner of its API key.
    pub user_id: UserId,
    principal: Principal,
    request_id: String,
}

impl Caller {
    /// Creates the command context of this caller. The actor is the user id of a person, or the API
    /// key of a program.
    #[must_use]
    pub fn context(&self, command_id: CommandId) -> CommandContext {
        let (actor, via) = match &self.principal.by {
            By::Session(id) => (self.user_id.to_string(), Via::Session(*id)),
            By::ApiKey(key, _) => (format!("apikey {key}"), Via::ApiKey(*key)),
        };
        CommandContext {
            via: Some(via),
            ..CommandContext::of_person(command_id, actor).in_request(&self.request_id)
        }
    }

    /// Returns the session that the access token belongs to, or `None` for a program.
    #[must_use]
    pub const fn session_id(&self) -> Option<SessionId> {
        match &self.principal.by {
            By::Session(id) => Some(*id),
            By::ApiKey(..) => None,
        }
    }

    /// Returns the content of the access token, or `None` for a program.
    #[must_use]
    pub fn bearer(&self) -> Option<Bearer> {
        Some(Bearer {
            user_id: self.user_id,
            role: self.principal.role,
            session_id: self.session_id()?,
            epoch: self.principal.epoch,
            has_first_password: self.principal.has_first_password,
        })
    }

    /// Returns true if the caller is a program, which authenticates with an API key.
    #[must_use]
    pub const fn is_program(&self) -> bool {
        matches!(self.principal.by, By::ApiKey(..))
    }

    /// Returns the user's epoch at the time of authentication: for a person, the epoch in the
    /// access token.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.principal.epoch
    }

    /// Returns the role of the user.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.principal.role
    }

    /// Returns the id of the API key, or `None` for a person.
    #[must_use]
    pub const fn api_key_id(&self) -> Option<ApiKeyId> {
        match &self.principal.by {
            By::Session(_) => None,
            By::ApiKey(id, _) => Some(*id),
        }
    }

    /// Returns true if the caller has `permission`.
    #[must_use]
    pub fn holds(&self, permission: Permission) -> bool {
        self.principal.holds(permission)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let principal = parts.extensions.get::<Principal>().cloned();
        let principal =
            principal.ok_or_else(|| ApiError::internal("a public route has no caller"))?;
        let RequestId(request_id) = RequestId::from_request_parts(parts, state).await?;
        Ok(Self {
            user_id: principal.user_id,
            principal,
            request_id,
        })
    }
}

/// Context of a command of the caller, with a random id.
impl FromRequestParts<HttpState> for CommandContext {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, http: &HttpState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, http).await?;
        Ok(caller.context(http.random_id().into()))
    }
}

/// Authenticates a request by its bearer token (RFC 6750 §2.1): an access token or an API key.
///
/// # Errors
/// 401 if there is no valid token; 503 if the authorization state is not current.
pub(in crate::http) async fn authenticate(
    http: &HttpState,
    headers: &HeaderMap,
) -> Result<Principal, ApiError> {
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(bearer);
    let Some(token) = token else {
        let message = "log in first, and send the header `Authorization: Bearer <access_token>`";
        return Err(ApiError::new(ErrorCode::Unauthenticated, message));
    };
    if token.starts_with(PREFIX) {
        let message =
            "the API key is unknown, has expired or was revoked; ask an administrator for another";
        let unknown = || ApiError::new(ErrorCode::Unauthenticated, message);
        let token = ApiKeyToken::parse(token).ok_or_else(unknown)?;
        http.authorizations.fresh().await?;
        let principal = http
            .authorizations
            .of_key(&token, http.now())
            .ok_or_else(unknown)?;
        last_use::note(http, token.id);
        return Ok(principal);
    }
    let message = "the access token is not valid or has expired; refresh it or log in again";
    let not_valid = || ApiError::new(ErrorCode::Unauthenticated, message);
    let bearer = http
        .tokens
        .verify(token, http.now())
        .map_err(|_| not_valid())?;
    http.authorizations.fresh().await?;
    http.authorizations.of_token(&bearer).ok_or_else(not_valid)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_tokens_are_read_from_the_header() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer abc"), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("abc"), None);
    }
}
