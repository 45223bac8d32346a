//! Management listener: serves metrics and the state of each dependency to operators. Every role
//! has it. Its address must not be reachable from outside.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::{Deserialize, Serialize};

use super::readiness::Readiness;

/// The Prometheus text format, version 0.0.4.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Time for which the rendered metrics are reused.
const KEPT: Duration = Duration::from_secs(1);
/// Headers of every response.
const HEADERS: [(HeaderName, &str); 2] = [
    (CACHE_CONTROL, "no-store"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// The `[management]` section of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ManagementSettings {
    /// Address to listen on. If it is absent, there is no management listener. Requests are not
    /// authenticated.
    pub listen: Option<SocketAddr>,
    /// Time in seconds after which query tables that are behind the log and do not change are
    /// reported as stalled.
    pub stalled_after_seconds: u64,
}

impl Default for ManagementSettings {
    fn default() -> Self {
        Self {
            listen: None,
            stalled_after_seconds: 30,
        }
    }
}

/// Metrics of this process, rendered at most once per second. Cheap to clone.
#[derive(Clone)]
pub struct MetricsPage {
    handle: PrometheusHandle,
    last: Arc<Mutex<Option<(Instant, Bytes)>>>,
}

impl MetricsPage {
    /// Creates the page with the metrics of a recorder.
    #[must_use]
    pub fn new(handle: PrometheusHandle) -> Self {
        Self {
            handle,
            last: Arc::default(),
        }
    }

    fn text(&self) -> Bytes {
        // The lock is kept while the page is rendered, so concurrent requests share one rendering.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, text)) = &*last
            && at.elapsed() < KEPT
        {
            return text.clone();
        }
        self.handle.run_upkeep();
        let text = Bytes::from(self.handle.render());
        *last = Some((Instant::now(), text.clone()));
        text
    }
}

/// Creates the router of the management listener.
pub fn management(readiness: Readiness, metrics: MetricsPage) -> Router {
    let alive = || async { (HEADERS, axum::Json(serde_json::json!({ "status": "ok" }))) };
    Router::new()
        .route(
            "/metrics",
            get(
                async |State((readiness, metrics)): State<(Readiness, MetricsPage)>| {
                    readiness.update_metrics().await;
                    page(&metrics)
                },
            ),
        )
        .route(
            "/health/ready",
            get(
                async |State((readiness, _)): State<(Readiness, MetricsPage)>| {
                    ready(&readiness).await
                },
            ),
        )
        .route("/health", get(alive))
        .route("/health/live", get(alive))
        .with_state((readiness, metrics))
}

fn page(metrics: &MetricsPage) -> Response {
    (HEADERS, [(CONTENT_TYPE, TEXT)], metrics.text()).into_response()
}

async fn ready(readiness: &Readiness) -> Response {
    let report = readiness.report().await;
    let status = if report.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, HEADERS, axum::Json(&*report)).into_response()
}
