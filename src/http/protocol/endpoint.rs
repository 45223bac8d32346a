//! Entry of the route table.

use axum::http::Method;
use axum::routing::MethodRouter;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{RefOr, Schema};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::http::HttpState;
use crate::http::auth::access::{Access, Permission};
use crate::http::auth::rate_limit::Limit;
use crate::projection::Tables;

/// Route: a method on a path, the access that it requires, and its handler.
pub struct Endpoint {
    /// HTTP method.
    pub method: Method,
    /// Path in axum's syntax, without the API's prefix.
    pub path: String,
    /// Access that the route requires.
    pub access: Access,
    /// True if the route also accepts users who must replace a password that an administrator has
    /// set.
    pub with_first_password: bool,
    /// True if the route accepts a file upload. Such a route has a longer timeout.
    pub is_upload: bool,
    /// True if the route also accepts users who must set up a second factor but have not done so.
    pub even_without_factor: bool,
    /// True if the route also accepts a ticket instead of a token.
    pub accepts_ticket: bool,
    /// Rate limit by client address.
    pub limit: Option<Limit>,
    /// Projections from which the resource of the route is read.
    pub tables: Tables,
    /// OpenAPI operation from the annotation of the handler.
    pub(in crate::http) documented: Operation,
    pub(in crate::http) schemas: Vec<(String, RefOr<Schema>)>,
    pub(in crate::http) handler: MethodRouter<HttpState>,
}

/// Route whose access is not chosen yet. Only the methods that choose it give an [`Endpoint`], so no
/// route is public by omission.
pub struct WithoutAccess(Endpoint);

/// Creates a route from a handler. Its annotation has the method and the path.
///
/// # Panics
/// At start-up, if the annotation of the handler has no operation.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "`routes!` accepts only handlers with an annotation, which has one method and one path"
)]
pub fn on(handler: UtoipaMethodRouter<HttpState>) -> WithoutAccess {
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
    WithoutAccess(Endpoint {
        method,
        path,
        access: Access::Public,
        with_first_password: false,
        is_upload: false,
        even_without_factor: false,
        accepts_ticket: false,
        limit: None,
        tables: &[],
        documented,
        schemas,
        handler,
    })
}

impl WithoutAccess {
    /// Accepts all callers.
    #[must_use]
    pub fn public(self) -> Endpoint {
        self.with(Access::Public)
    }

    /// Accepts every signed-in person.
    #[must_use]
    pub fn signed_in(self) -> Endpoint {
        self.with(Access::SignedIn)
    }

    /// Accepts every signed-in person, including users who must replace a password that an
    /// administrator has set.
    #[must_use]
    pub fn with_first_password(self) -> Endpoint {
        Endpoint {
            with_first_password: true,
            ..self.signed_in()
        }
    }

    /// Accepts people and API keys that have this permission.
    #[must_use]
    pub fn may(self, permission: Permission) -> Endpoint {
        self.with(Access::May(permission))
    }

    /// Accepts signed-in people who have this permission. Rejects API keys.
    #[must_use]
    pub fn in_person(self, permission: Permission) -> Endpoint {
        self.with(Access::InPerson(permission))
    }

    fn with(self, access: Access) -> Endpoint {
        Endpoint { access, ..self.0 }
    }
}

impl Endpoint {
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

    /// Limits the rate of calls by client address. Calls of all routes with the same `limit` count
    /// together.
    #[must_use]
    pub fn limited(self, limit: Limit) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    /// Names the projections from which the resource of the route is read. A read is unavailable if
    /// one of them has stopped, and can wait until they contain a position. A write is answered
    /// when they contain it.
    #[must_use]
    pub fn reads(self, tables: Tables) -> Self {
        Self { tables, ..self }
    }

    /// Marks the route as one that accepts a file upload.
    #[must_use]
    pub fn upload(self) -> Self {
        Self {
            is_upload: true,
            ..self
        }
    }
}
