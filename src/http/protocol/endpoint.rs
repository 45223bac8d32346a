//! Entry of the route table.

use axum::http::Method;
use axum::routing::MethodRouter;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{RefOr, Schema};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::http::HttpState;
use crate::http::auth::access::{Access, Permission};
use crate::http::auth::rate_limit::Limit;

/// Route: a method on a path, the access that it requires, and its handler.
pub struct Endpoint {
    /// HTTP method.
    pub method: Method,
    /// Path in axum's syntax, without the API's prefix.
    pub path: String,
    /// Access that the route requires.
    pub access: Access,
    /// True if the route also accepts users who must first change a password that an administrator
    /// has set.
    pub with_first_password: bool,
    /// True if the route receives a file. It then has a longer timeout.
    pub is_upload: bool,
    /// True if the route also accepts users who must have a second factor and have none yet.
    pub even_without_factor: bool,
    /// True if the route also accepts a ticket instead of a token.
    pub accepts_ticket: bool,
    /// Rate limit by client address.
    pub limit: Option<Limit>,
    /// Operation as the handler's OpenAPI annotation describes it.
    pub(in crate::http) documented: Operation,
    pub(in crate::http) schemas: Vec<(String, RefOr<Schema>)>,
    pub(in crate::http) handler: MethodRouter<HttpState>,
}

/// Creates a route from a handler. Its annotation has the method and the path. The route is public
/// until [`Endpoint::signed_in`], [`Endpoint::may`] or another method restricts it.
///
/// # Panics
/// At start-up, if the handler has no annotation with one operation.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "`routes!` accepts only handlers with an annotation, which has one method and one path"
)]
pub fn on(handler: UtoipaMethodRouter<HttpState>) -> Endpoint {
    let (schemas, documented, handler) = handler;
    let first = documented.paths.first_key_value();
    let (path, item) = first.expect("an annotated handler");
    let path = path.clone();
    let operations = [
        (Method::GET, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ];
    let annotated = operations
        .into_iter()
        .find_map(|(method, operation)| Some((method, operation.clone()?)));
    let (method, documented) = annotated.expect("an annotation with an operation");
    Endpoint {
        method,
        path,
        access: Access::Public,
        with_first_password: false,
        is_upload: false,
        even_without_factor: false,
        accepts_ticket: false,
        limit: None,
        documented,
        schemas,
        handler,
    }
}

impl Endpoint {
    /// Accepts all callers.
    #[must_use]
    pub fn public(self) -> Self {
        Self {
            access: Access::Public,
            ..self
        }
    }

    /// Accepts every signed-in person.
    #[must_use]
    pub fn signed_in(self) -> Self {
        Self {
            access: Access::SignedIn,
            ..self
        }
    }

    /// Accepts every signed-in person, including users who must first change a password that an
    /// administrator has set.
    #[must_use]
    pub fn with_first_password(self) -> Self {
        Self {
            access: Access::SignedIn,
            with_first_password: true,
            ..self
        }
    }

    /// Accepts people and API keys with this permission.
    #[must_use]
    pub fn may(self, permission: Permission) -> Self {
        Self {
            access: Access::May(permission),
            ..self
        }
    }

    /// Accepts signed-in people with this permission. Rejects API keys.
    #[must_use]
    pub fn in_person(self, permission: Permission) -> Self {
        Self {
            access: Access::InPerson(permission),
            ..self
        }
    }

    /// Also accepts users who must have a second factor and have none yet.
    #[must_use]
    pub fn even_without_factor(self) -> Self {
        Self {
            even_without_factor: true,
            ..self
        }
    }

    /// Also accepts a ticket instead of a token.
    #[must_use]
    pub fn with_ticket(self) -> Self {
        Self {
            accepts_ticket: true,
            ..self
        }
    }

    /// Limits the rate of calls by client address. All routes with the same `limit` are counted
    /// together.
    #[must_use]
    pub fn limited(self, limit: Limit) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    /// Marks the route as one that receives a file.
    #[must_use]
    pub fn upload(self) -> Self {
        Self {
            is_upload: true,
            ..self
        }
    }
}
