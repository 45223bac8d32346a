//! Builds the axum router from the route table.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;

use super::layers::{
    arrival, bodies, conditional, envelope, error_pages, guard, headers, observe, public_address,
    wire,
};
use crate::http::protocol::endpoint::Endpoint;
use crate::http::protocol::openapi;
use crate::http::router::{api, caught_mails, root};
use crate::http::{ApiError, ErrorCode, HttpState};

/// Creates the router with all routes and layers.
pub fn router(http: HttpState) -> Router {
    router_with(http, Router::new())
}

impl From<HttpState> for Router {
    fn from(http: HttpState) -> Self {
        router(http)
    }
}

/// Creates the router with additional `pages`, such as those of the console. They get the same
/// layers.
pub fn router_with(http: HttpState, pages: Router) -> Router {
    let mut routes = Router::new();
    for endpoint in api() {
        let path = http.api_path(&endpoint.path);
        routes = mount(routes, &http, &path, endpoint);
    }
    let demo = http
        .caught_mails
        .is_some()
        .then(caught_mails)
        .into_iter()
        .flatten();
    for endpoint in root().into_iter().chain(demo) {
        let path = endpoint.path.clone();
        routes = mount(routes, &http, &path, endpoint);
    }
    let routes = routes
        .with_state(http.clone())
        .merge(pages)
        .fallback(async || ApiError::new(ErrorCode::NotFound, "there is nothing at this address"))
        .layer(DefaultBodyLimit::max(http.settings.json_limit_bytes))
        .layer(from_fn(conditional::not_modified))
        .layer(from_fn_with_state(http.clone(), arrival::arrival))
        .layer(CatchPanicLayer::custom(envelope::panicked))
        .layer(from_fn_with_state(http.clone(), guard::room))
        .layer(from_fn_with_state(http.clone(), bodies::bodies))
        .layer(from_fn(envelope::envelope))
        .layer(from_fn_with_state(http.clone(), error_pages::error_pages));
    let routes = match wire::cors(&http.settings) {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    let routes = routes
        .layer(wire::compression())
        .layer(from_fn_with_state(http.clone(), headers::headers))
        .layer(from_fn_with_state(http.clone(), observe::observe));
    Router::new()
        .fallback_service(routes)
        .layer(from_fn(arrival::options))
        .layer(from_fn_with_state(http, public_address::canonical))
}

fn mount(
    routes: Router<HttpState>,
    http: &HttpState,
    path: &str,
    endpoint: Endpoint,
) -> Router<HttpState> {
    let settings = &http.settings;
    let seconds = if endpoint.is_upload {
        settings.upload_timeout_seconds
    } else {
        settings.request_timeout_seconds
    };
    let guard = guard::Guard {
        http: http.clone(),
        access: endpoint.access,
        even_without_factor: endpoint.even_without_factor,
        with_first_password: endpoint.with_first_password,
        limit: endpoint.limit,
        has_body: endpoint.documented.request_body.is_some(),
        accepts_ticket: endpoint.accepts_ticket,
        readers: http.readers.of(endpoint.tables),
        timeout: Duration::from_secs(seconds),
    };
    routes.route(
        path,
        endpoint
            .handler
            .route_layer(from_fn_with_state(guard, guard::guard)),
    )
}

/// Returns the OpenAPI document with the prefix of this server. The document is built once.
#[must_use]
pub(in crate::http) fn served_document(http: &HttpState) -> Bytes {
    let document = || Bytes::from(openapi::document(&http.settings.prefix).to_string());
    http.document.get_or_init(document).clone()
}
