//! Readiness of the process: the state of its dependencies. Concurrent requests share one check,
//! whose report is cached.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Longest time that a dependency may take to answer.
const MAX_WAIT: Duration = Duration::from_secs(3);
/// Time for which a report with the status `ok` is cached.
const KEPT: Duration = Duration::from_secs(1);
/// Largest age of the report from which metrics are taken. A scrape of the metrics then rarely
/// causes a check.
const KEPT_FOR_METRICS: Duration = Duration::from_secs(10);
/// Time for which any other report is cached. It is short, so that a recovered dependency is
/// reported soon.
const KEPT_BAD: Duration = Duration::from_millis(100);

/// Dependency with the check of its state.
#[derive(Clone)]
pub struct Dependency {
    /// Name of the dependency: `log`, `database`, `projections`, `storage`, `mail`, `workers` or
    /// `permissions`.
    pub name: &'static str,
    /// True if requests fail without this dependency. If an optional dependency fails, it is only
    /// reported.
    pub required: bool,
    /// Checks the dependency.
    pub check: Arc<dyn Fn() -> BoxFuture<'static, Result<(), Problem>> + Send + Sync>,
}

/// Problem of a dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Description, without personal data and secrets.
    pub text: String,
    /// True if only some requests fail because of it.
    pub is_partial: bool,
}

impl Problem {
    /// Creates a problem because of which all requests that use the dependency fail.
    pub fn of(error: impl std::fmt::Display) -> Self {
        Self {
            text: error.to_string(),
            is_partial: false,
        }
    }
}

/// Report with the time at which it was created.
type LastReport = (Instant, Arc<ReadinessReport>);

/// Dependencies and the last report on them. Cheap to clone.
#[derive(Clone)]
pub struct Readiness {
    dependencies: Arc<[Dependency]>,
    last: Arc<Mutex<Option<LastReport>>>,
}

/// State of all dependencies.
#[derive(Debug, Serialize)]
pub struct ReadinessReport {
    /// `ok` if all dependencies work, `degraded` if only optional ones fail or only some requests
    /// can't be served, or `unavailable`.
    pub status: &'static str,
    /// All dependencies of the server.
    pub dependencies: Vec<DependencyState>,
}

/// State of one dependency.
#[derive(Debug, Serialize)]
pub struct DependencyState {
    /// Name of the dependency.
    pub name: &'static str,
    /// `ok`, `degraded` or `unavailable`.
    pub status: &'static str,
    /// True if requests fail without this dependency.
    pub required: bool,
    /// Description of the problem. Absent if the dependency works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl ReadinessReport {
    /// Returns true if the process can serve requests.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status != "unavailable"
    }

    /// Sets the metric `laureate_dependency_up` of each dependency.
    fn record(&self) {
        for DependencyState { name, status, .. } in &self.dependencies {
            let up = if *status == "ok" { 1.0 } else { 0.0 };
            metrics::gauge!("laureate_dependency_up", "dependency" => *name).set(up);
        }
    }
}

impl Readiness {
    /// Creates the readiness of a process with these dependencies.
    #[must_use]
    pub fn new(dependencies: Vec<Dependency>) -> Self {
        Self {
            dependencies: dependencies.into(),
            last: Arc::default(),
        }
    }

    /// Returns the state of all dependencies, which is at most 1 s old. Concurrent calls share one
    /// check.
    pub async fn report(&self) -> Arc<ReadinessReport> {
        self.report_kept_for(KEPT, KEPT_BAD).await
    }

    /// Makes sure that the metrics of the dependencies are at most 10 s old.
    pub async fn update_metrics(&self) {
        self.report_kept_for(KEPT_FOR_METRICS, KEPT_FOR_METRICS)
            .await;
    }

    /// Returns the last report if it is recent enough, which depends on its status. Otherwise makes
    /// a new one, and records it in the metrics.
    async fn report_kept_for(&self, if_ok: Duration, otherwise: Duration) -> Arc<ReadinessReport> {
        let mut last = self.last.clone().lock_owned().await;
        if let Some((at, report)) = &*last {
            let kept = if report.status == "ok" {
                if_ok
            } else {
                otherwise
            };
            if at.elapsed() < kept {
                return report.clone();
            }
        }
        let dependencies = self.dependencies.clone();
        // The check runs in a separate task. If the client disconnects, the check still ends, and
        // its report is cached.
        let asking = tokio::spawn(async move {
            let report = Arc::new(ask_all(&dependencies).await);
            report.record();
            *last = Some((Instant::now(), report.clone()));
            report
        });
        asking.await.unwrap_or_else(|_| {
            Arc::new(ReadinessReport {
                status: "unavailable",
                dependencies: Vec::new(),
            })
        })
    }
}

async fn ask_all(dependencies: &[Dependency]) -> ReadinessReport {
    let dependencies = join_all(dependencies.iter().map(ask)).await;
    let is_down =
        |dependency: &DependencyState| dependency.required && dependency.status == "unavailable";
    let status = if dependencies.iter().any(is_down) {
        "unavailable"
    } else if dependencies.iter().any(|d| d.problem.is_some()) {
        "degraded"
    } else {
        "ok"
    };
    ReadinessReport {
        status,
        dependencies,
    }
}

async fn ask(dependency: &Dependency) -> DependencyState {
    let asked = tokio::time::timeout(MAX_WAIT, (dependency.check)()).await;
    let late = || Problem::of(format!("no answer within {} seconds", MAX_WAIT.as_secs()));
    let problem = asked.unwrap_or_else(|_| Err(late())).err();
    let status = match &problem {
        None => "ok",
        Some(problem) if problem.is_partial => "degraded",
        Some(_) => "unavailable",
    };
    DependencyState {
        name: dependency.name,
        status,
        required: dependency.required,
        problem: problem.map(|problem| problem.text),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt as _;

    use super::*;

    fn dependency(
        required: bool,
        asked: &Arc<AtomicUsize>,
        answer: Result<(), Problem>,
    ) -> Dependency {
        let asked = asked.clone();
        let check = move || {
            let answer = answer.clone();
            asked.fetch_add(1, Ordering::Relaxed);
            async move {
                let _ =
                    tokio::time::timeout(Duration::from_millis(20), std::future::pending::<()>())
                        .await;
                answer
            }
            .boxed()
        };
        Dependency {
            name: "log",
            required,
            check: Arc::new(check),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_requests_share_one_check_that_is_cached_for_a_second() {
        let asked = Arc::new(AtomicUsize::new(0));
        let readiness = Readiness::new(vec![dependency(true, &asked, Ok(()))]);
        let all = join_all((0..500).map(|_| readiness.report())).await;
        assert!(all.iter().all(|report| report.is_ready()));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        tokio::time::advance(KEPT / 2).await;
        readiness.report().await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        tokio::time::advance(KEPT).await;
        readiness.report().await;
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        tokio::time::advance(KEPT_FOR_METRICS / 2).await;
        readiness.update_metrics().await;
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn check_continues_after_its_client_disconnects() {
        let asked = Arc::new(AtomicUsize::new(0));
        let readiness = Readiness::new(vec![dependency(true, &asked, Ok(()))]);
        for _ in 0..10 {
            let hung_up = tokio::time::timeout(Duration::from_millis(1), readiness.report()).await;
            assert!(hung_up.is_err());
        }
        readiness.report().await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_required_and_wholly_failed_dependency_makes_the_server_unavailable() {
        let asked = Arc::new(AtomicUsize::new(0));
        let of = |required, answer| dependency(required, &asked, answer);
        let down = || Err(Problem::of("gone"));
        let partial = || {
            Err(Problem {
                is_partial: true,
                ..Problem::of("half gone")
            })
        };
        for (dependencies, status) in [
            (vec![of(true, Ok(())), of(false, Ok(()))], "ok"),
            (vec![of(true, Ok(())), of(false, down())], "degraded"),
            (vec![of(true, Ok(())), of(true, partial())], "degraded"),
            (
                vec![of(false, down()), of(true, down()), of(false, down())],
                "unavailable",
            ),
        ] {
            assert_eq!(Readiness::new(dependencies).report().await.status, status);
        }
    }
}
