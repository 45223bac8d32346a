//! `GET /health/ready`

use std::time::Duration;

use axum::extract::State;
use futures_util::future::join_all;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::answer::Envelope;
use crate::http::{Answer, ApiError, Dependency, HttpState};

/// How long a dependency may take to answer.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// Whether requests can be served.
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    /// `ok`, `degraded` where only something optional is missing, or `unavailable`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Everything that the server depends on.
    dependencies: Vec<DependencyAnswer>,
}

/// Something that the server depends on.
#[derive(Serialize, ToSchema)]
pub struct DependencyAnswer {
    /// What it is.
    #[schema(example = "database")]
    name: &'static str,
    /// `ok` or `unavailable`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Whether requests fail without it.
    required: bool,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Whether requests can be served, dependency by dependency; where not, send none.
#[utoipa::path(
    get, path = "/health/ready",
    responses(
        (status = 200, description = "They can", body = Envelope<Readiness>),
        (status = 503, description = "They can't; success is false", body = Envelope<Readiness>),
    )
)]
pub async fn handle(State(http): State<HttpState>) -> Result<Answer, ApiError> {
    let dependencies = join_all(http.dependencies.iter().map(ask)).await;
    let is_down = |dependency: &&DependencyAnswer| dependency.problem.is_some();
    let unavailable = dependencies.iter().filter(is_down).any(|dependency| dependency.required);
    let status = match dependencies.iter().find(is_down) {
        _ if unavailable => "unavailable",
        Some(_) => "degraded",
        None => "ok",
    };
    let readiness = Readiness { status, dependencies };
    if unavailable { Answer::unavailable(&readiness) } else { Answer::ok(&readiness) }
}

async fn ask(dependency: &Dependency) -> DependencyAnswer {
    let asked = tokio::time::timeout(MAX_WAIT, (dependency.check)()).await;
    let problem =
        asked.unwrap_or_else(|_| Err(format!("no answer within {} seconds", MAX_WAIT.as_secs()))).err();
    let status = if problem.is_none() { "ok" } else { "unavailable" };
    DependencyAnswer { name: dependency.name, status, required: dependency.required, problem }
}
