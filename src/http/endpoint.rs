//! One line of the route table.

use axum::http::Method;
use axum::routing::MethodRouter;
use utoipa::openapi::path::Paths;
use utoipa::openapi::{RefOr, Schema};
use utoipa_axum::router::UtoipaMethodRouter;

use super::HttpState;
use super::access::{Access, Permission};
use super::rate_limit::Limit;

/// A method on a path, who may call it, and what answers.
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path as axum writes it, without the API's prefix.
    pub path: &'static str,
    /// What it asks of the caller.
    pub access: Access,
    /// Whether it works also with a password that somebody else has set.
    pub with_first_password: bool,
    /// Whether it takes a file, and so more bytes and time.
    pub is_upload: bool,
    /// Whether it lets in somebody who has to have a second factor and has none yet.
    pub even_without_factor: bool,
    /// What its callers are counted for, by their address.
    pub limit: Option<Limit>,
    /// What the OpenAPI annotation says.
    pub(super) documented: Paths,
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
    pub(super) handler: MethodRouter<HttpState>,
}

/// A line of the table; public until [`Endpoint::signed_in`] or [`Endpoint::may`] says otherwise.
#[must_use]
pub fn on(method: Method, path: &'static str, handler: UtoipaMethodRouter<HttpState>) -> Endpoint {
    let (schemas, documented, handler) = handler;
    let access = Access::Public;
    Endpoint {
        method,
        path,
        access,
        with_first_password: false,
        is_upload: false,
        even_without_factor: false,
        limit: None,
        documented,
        schemas,
        handler,
    }
}

impl Endpoint {
    /// Anybody may call it.
    #[must_use]
    pub fn public(self) -> Self {
        Self { access: Access::Public, ..self }
    }

    /// Whoever is signed in may call it.
    #[must_use]
    pub fn signed_in(self) -> Self {
        Self { access: Access::SignedIn, ..self }
    }

    /// Whoever is signed in may call it, also before a password that somebody else has set is changed.
    #[must_use]
    pub fn with_first_password(self) -> Self {
        Self { access: Access::SignedIn, with_first_password: true, ..self }
    }

    /// Whoever has this permission may call it.
    #[must_use]
    pub fn may(self, permission: Permission) -> Self {
        Self { access: Access::May(permission), ..self }
    }

    /// A person who is signed in and has this permission may call it; an API key may not.
    #[must_use]
    pub fn in_person(self, permission: Permission) -> Self {
        Self { access: Access::InPerson(permission), ..self }
    }

    /// Also somebody who has to have a second factor and has none yet may call it.
    #[must_use]
    pub fn even_without_factor(self) -> Self {
        Self { even_without_factor: true, ..self }
    }

    /// One address may call it, and all routes of this limit together, only so often.
    #[must_use]
    pub fn limited(self, limit: Limit) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// It takes a file.
    #[must_use]
    pub fn upload(self) -> Self {
        Self { is_upload: true, ..self }
    }
}
