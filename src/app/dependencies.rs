//! Dependencies of a process, as `/health/ready` reports them.

use std::sync::Arc;

use futures_util::FutureExt;

use super::{App, Role};
use crate::database;
use crate::http::Dependency;
use crate::http::auth::authorizations::Authorizations;
use crate::http::server::readiness::Problem;
use crate::projection::ProjectionHealth;

/// Returns all dependencies, each with its check. Complete query tables are required only for the
/// API. The mail server is not required, because requests don't use it and mails stay queued while
/// it is down. The workers of this process are not required: a paused worker resumes by itself, and
/// another process may do the work of a stopped one.
pub(super) fn all(
    app: &App,
    roles: &[Role],
    authorizations: &Arc<Authorizations>,
) -> Vec<Dependency> {
    let authorizations = authorizations.clone();
    let serves = roles.contains(&Role::Api);
    let log = app.commands.log().clone();
    let pool = app.pool.clone();
    let storage = app.storage.clone();
    let mailer = app.mailer.clone();
    let workers = app.workers.clone();
    vec![
        dependency("log", true, move || {
            let log = log.clone();
            async move {
                log.info().await.map_err(Problem::of)?;
                log.check_stores_writes().await.map_err(Problem::of)
            }
        }),
        dependency("database", true, move || {
            let pool = pool.clone();
            async move { database::check(&pool).await.map_err(Problem::of) }
        }),
        projections(app, serves),
        dependency("storage", true, move || {
            let storage = storage.clone();
            async move { storage.check().await.map_err(Problem::of) }
        }),
        dependency("mail", false, move || {
            let mailer = mailer.clone();
            async move { mailer.check().await.map_err(Problem::of) }
        }),
        dependency("workers", false, move || {
            let problems = workers.problems();
            std::future::ready(if problems.is_empty() {
                Ok(())
            } else {
                Err(Problem::of(problems.join("; ")))
            })
        }),
        // The authorization state stops at an event of a newer program.
        dependency("permissions", serves, move || {
            let stopped = authorizations.unknown_event().map_or(Ok(()), |unknown| {
                Err(Problem::of(format!("a newer program is needed: {unknown}")))
            });
            std::future::ready(stopped)
        }),
    ]
}

fn dependency<F>(
    name: &'static str,
    required: bool,
    check: impl Fn() -> F + Send + Sync + 'static,
) -> Dependency
where
    F: Future<Output = Result<(), Problem>> + Send + 'static,
{
    Dependency {
        name,
        required,
        check: Arc::new(move || check().boxed()),
    }
}

/// Query tables. They are unavailable until every projection has caught up, or if no projection
/// moves. They are degraded if an error has stopped some projections.
fn projections(app: &App, required: bool) -> Dependency {
    let log = app.commands.log().clone();
    let readers = app.readers.clone();
    dependency("projections", required, move || {
        let log = log.clone();
        let readers = readers.clone();
        async move {
            let info = log.info().await.map_err(Problem::of)?;
            let found = readers.status(&info).await.map_err(Problem::of)?;
            for projection in &found {
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a lag of more than 2^52 events does not occur"
                )]
                let lag = projection.lag as f64;
                let name = projection.name.clone();
                metrics::gauge!("laureate_projection_lag", "projection" => name).set(lag);
            }
            judge(&found)
        }
    })
}

fn judge(found: &[ProjectionHealth]) -> Result<(), Problem> {
    let unfit: Vec<_> = found
        .iter()
        .filter(|p| !p.ready || p.has_stopped())
        .collect();
    if unfit.is_empty() {
        return Ok(());
    }
    let text = |p: &&ProjectionHealth| {
        format!(
            "{} is {} at {}, {} behind",
            p.name, p.state, p.position, p.lag
        )
    };
    // A copy that is being built and does not move has never been readable.
    let is_unreadable = |p: &&ProjectionHealth| p.state == "stalled" && !p.ready;
    let is_partial = unfit.iter().all(|p| p.has_stopped())
        && !unfit.iter().any(is_unreadable)
        && unfit.len() < found.len();
    Err(Problem {
        text: unfit.iter().map(text).collect::<Vec<_>>().join("; "),
        is_partial,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn projection(state: &'static str, ready: bool) -> ProjectionHealth {
        ProjectionHealth {
            name: "jobs".to_owned(),
            state,
            position: 7,
            lag: 1,
            ready,
            error: (state == "stopped").then(|| "no such column".to_owned()),
        }
    }

    #[test]
    fn stopped_projection_degrades_and_unbuilt_or_only_stopped_ones_are_unavailable() {
        let live = || projection("live", true);
        let judged =
            |found: &[ProjectionHealth]| judge(found).map_err(|problem| problem.is_partial);
        assert_eq!(judged(&[live(), live()]), Ok(()));
        for stopped in [
            projection("stopped", true),
            projection("stopped", false),
            projection("stalled", true),
        ] {
            assert_eq!(judged(&[live(), stopped.clone()]), Err(true));
            assert_eq!(judged(&[stopped.clone(), stopped]), Err(false));
        }
        for unready in ["absent", "building", "live", "stalled"] {
            assert_eq!(judged(&[live(), projection(unready, false)]), Err(false));
        }
    }
}
