//! Dependencies of a process, as `/health/ready` reports them.

use std::sync::Arc;

use futures_util::FutureExt;

use super::{App, Role};
use crate::database;
use crate::http::Dependency;
use crate::http::auth::authorizations::Authorizations;

/// Returns all dependencies, each with its check. Complete query tables are required only for the
/// API.
pub(super) fn all(
    app: &App,
    roles: &[Role],
    authorizations: &Arc<Authorizations>,
) -> Vec<Dependency> {
    let projections = Dependency {
        required: roles.contains(&Role::Api),
        ..projections(app)
    };
    vec![
        log(app),
        tables(app),
        projections,
        storage(app),
        mail(app),
        workers(app),
        Dependency {
            required: roles.contains(&Role::Api),
            ..permissions(authorizations.clone())
        },
    ]
}

fn log(app: &App) -> Dependency {
    let log = app.commands.log().clone();
    let check = move || {
        let log = log.clone();
        async move {
            log.info()
                .await
                .map(|_| ())
                .map_err(|error| error.to_string())
        }
        .boxed()
    };
    Dependency {
        name: "log",
        required: true,
        check: Arc::new(check),
    }
}

fn tables(app: &App) -> Dependency {
    let pool = app.pool.clone();
    let check = move || {
        let pool = pool.clone();
        async move {
            database::check(&pool)
                .await
                .map_err(|error| error.to_string())
        }
        .boxed()
    };
    Dependency {
        name: "database",
        required: true,
        check: Arc::new(check),
    }
}

/// Returns the dependency on the query tables. The check fails until every projection has caught
/// up, or if an error has stopped one.
fn projections(app: &App) -> Dependency {
    let log = app.commands.log().clone();
    let readers = app.readers.clone();
    let check = move || {
        let log = log.clone();
        let readers = readers.clone();
        async move {
            let info = log.info().await.map_err(|error| error.to_string())?;
            let found = readers
                .status(&info)
                .await
                .map_err(|error| error.to_string())?;
            let unfit = found.iter().filter(|p| !p.ready || p.error.is_some());
            let texts: Vec<_> = unfit
                .map(|p| {
                    format!(
                        "{} is {} at {}, {} behind",
                        p.name, p.state, p.position, p.lag
                    )
                })
                .collect();
            if texts.is_empty() {
                Ok(())
            } else {
                Err(texts.join("; "))
            }
        }
        .boxed()
    };
    Dependency {
        name: "projections",
        required: true,
        check: Arc::new(check),
    }
}

fn storage(app: &App) -> Dependency {
    let storage = app.storage.clone();
    let check = move || {
        let storage = storage.clone();
        async move { storage.check().await.map_err(|error| error.to_string()) }.boxed()
    };
    Dependency {
        name: "storage",
        required: true,
        check: Arc::new(check),
    }
}

/// Returns the dependency on the mail server. It is not required: requests don't use it, and mails
/// stay queued while it is down.
fn mail(app: &App) -> Dependency {
    let mailer = app.mailer.clone();
    let check = move || {
        let mailer = mailer.clone();
        async move { mailer.check().await.map_err(|error| error.to_string()) }.boxed()
    };
    Dependency {
        name: "mail",
        required: false,
        check: Arc::new(check),
    }
}

/// Authorization state. The check fails if it has stopped at an event of a newer program.
fn permissions(authorizations: Arc<Authorizations>) -> Dependency {
    let check = move || {
        let stopped = authorizations.unknown_event().map_or(Ok(()), |unknown| {
            Err(format!("a newer program is needed: {unknown}"))
        });
        std::future::ready(stopped).boxed()
    };
    Dependency {
        name: "permissions",
        required: true,
        check: Arc::new(check),
    }
}

/// Workers of this process. They are not required: a paused worker resumes by itself, and another
/// process may do the work of a stopped one.
fn workers(app: &App) -> Dependency {
    let states = app.workers.clone();
    let check = move || {
        let problems = states.problems();
        let state = if problems.is_empty() {
            Ok(())
        } else {
            Err(problems.join("; "))
        };
        std::future::ready(state).boxed()
    };
    Dependency {
        name: "workers",
        required: false,
        check: Arc::new(check),
    }
}
