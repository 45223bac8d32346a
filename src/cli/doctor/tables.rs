//! Check of the query tables: they exist and are close to the end of the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Context;
use super::finding::Finding;
use crate::database;
use crate::database::DatabaseError;
use crate::event_log::LogInfo;
use crate::projection::{ProjectionHealth, ProjectionSet, Readers};

const CHECK: &str = "tables";
/// Time after which tables that are behind and have not moved are reported as stalled.
const STALLED_AFTER: Duration = Duration::from_secs(3);
/// Interval at which the positions are read while tables are behind.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Maximum lag without a warning, in events. Fewer events take only a moment.
const FAR_BEHIND: u64 = 10_000;

pub async fn check(context: Arc<Context>) -> Vec<Finding> {
    let Ok(log) = context.log().await else {
        return vec![Finding::without_log(CHECK)];
    };
    let info = match log.info().await {
        Ok(info) => info,
        Err(error) => {
            return vec![Finding::warning(
                CHECK,
                format!("not checked: {error}"),
                "see log.streams",
            )];
        }
    };
    let set = match ProjectionSet::embedded(&context.config.namespace) {
        Ok(set) => Arc::new(set),
        Err(error) => {
            return vec![Finding::failed(
                CHECK,
                error.to_string(),
                "correct the namespace",
            )];
        }
    };
    let pool = match database::connect(context.config.database.url.reveal(), None, 1) {
        Ok(pool) => pool,
        Err(error) => {
            return vec![Finding::failed(
                CHECK,
                error.to_string(),
                "see database.server",
            )];
        }
    };
    let readers = Readers::new(pool, set).with_stalled_after(STALLED_AFTER);
    match settled(&readers, &info).await {
        Ok(found) => judge(&found),
        Err(error) => vec![Finding::warning(
            CHECK,
            format!("not checked: {error}"),
            "see database.server and database.migrations",
        )],
    }
}

/// Returns the health of the projections. If some are behind, returns it when they have caught up
/// with the end that the log had at first, or when some of them are known to be stalled.
async fn settled(readers: &Readers, log: &LogInfo) -> Result<Vec<ProjectionHealth>, DatabaseError> {
    let deadline = Instant::now() + 2 * STALLED_AFTER;
    loop {
        let found = readers.status(log).await?;
        let moves = |p: &ProjectionHealth| ["live", "building"].contains(&p.state) && p.lag > 0;
        if !found.iter().any(moves) || Instant::now() > deadline {
            return Ok(found);
        }
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
    }
}

fn judge(found: &[ProjectionHealth]) -> Vec<Finding> {
    let named = |wanted: fn(&ProjectionHealth) -> bool, detail: fn(&ProjectionHealth) -> String| {
        found
            .iter()
            .filter(|p| p.error.is_none() && wanted(p))
            .map(detail)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let lag = |p: &ProjectionHealth| format!("{} ({} events left)", p.name, p.lag);
    let mut findings: Vec<_> = found.iter().filter_map(stopped).collect();
    let stalled = named(|p| p.state == "stalled", lag);
    let absent = named(|p| p.state == "absent", |p| p.name.clone());
    let building = named(|p| p.state == "building", lag);
    let behind = named(|p| p.state == "live" && p.lag > FAR_BEHIND, lag);
    let mut warn = |names: &str, what: &str, advice: &str| {
        if !names.is_empty() {
            findings.push(Finding::warning(CHECK, format!("{what}: {names}"), advice));
        }
    };
    warn(
        &absent,
        "not started by this version of the program",
        "start a process with the role projector",
    );
    warn(
        &building,
        "being built",
        "keep a process with the role projector running",
    );
    warn(
        &behind,
        "far behind",
        "check whether a process with the role projector runs",
    );
    if !stalled.is_empty() {
        findings.push(Finding::failed(
            CHECK,
            format!("behind the log and not moving: {stalled}"),
            "start or restart a process with the role projector",
        ));
    }
    if findings.is_empty() {
        let lag = found
            .iter()
            .map(|projection| projection.lag)
            .max()
            .unwrap_or(0);
        findings.push(Finding::ok(
            CHECK,
            format!(
                "{} projections live, at most {lag} events behind",
                found.len()
            ),
        ));
    }
    findings
}

/// Returns a failure if an event has stopped the projection.
fn stopped(projection: &ProjectionHealth) -> Option<Finding> {
    let error = projection.error.as_ref()?;
    let name = &projection.name;
    let position = projection.position;
    Some(Finding::failed(
        CHECK,
        format!("{name} stopped after position {position}: {error}"),
        "look at the event with `laureate events list --from`; restart with a version that can apply it",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    fn projection(state: &'static str, lag: u64, error: Option<&str>) -> ProjectionHealth {
        let error = error.map(str::to_owned);
        ProjectionHealth {
            name: "jobs".to_owned(),
            state,
            position: 7,
            lag,
            ready: true,
            error,
        }
    }

    #[test]
    fn projection_that_is_not_live_or_lags_is_a_warning_or_a_failure() {
        let level = |state, lag, error| {
            judge(&[projection("live", 0, None), projection(state, lag, error)])[0].level
        };
        assert_eq!(level("live", FAR_BEHIND, None), Level::Ok);
        assert_eq!(level("live", FAR_BEHIND + 1, None), Level::Warning);
        assert_eq!(level("stalled", 1, None), Level::Failed);
        assert_eq!(level("building", 1, None), Level::Warning);
        assert_eq!(level("absent", 1, None), Level::Warning);
        assert_eq!(level("stopped", 1, Some("no such column")), Level::Failed);
        let two = judge(&[projection("absent", 1, None), projection("absent", 1, None)]);
        assert_eq!(
            two.iter().map(|f| f.found.as_str()).collect::<Vec<_>>(),
            ["not started by this version of the program: jobs, jobs"]
        );
    }
}
