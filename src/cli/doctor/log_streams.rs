//! Check that streams and consumers are configured as required, and that their replicas are
//! available.

use std::sync::Arc;

use super::Context;
use super::finding::{Finding, Level};
use crate::event_log::health::{Keepers, Peer};
use crate::event_log::plan::{Action, Kind};
use crate::event_log::{EventLog, LogError, ProvisionError, Step};

const CHECK: &str = "log.streams";
const REPLICAS: &str = "log.replicas";
const PROVISION: &str = "run `laureate provision`; with --dry-run it only shows the changes";

pub async fn check(context: Arc<Context>) -> Vec<Finding> {
    let Ok(log) = context.log().await else {
        return vec![Finding::without_log(CHECK)];
    };
    let steps = match log.plan_provision(context.config.nats.replicas).await {
        Ok(steps) => steps,
        Err(error @ (ProvisionError::NotClustered(_) | ProvisionError::Replicas(_))) => {
            return vec![Finding::failed(
                CHECK,
                error.to_string(),
                "set nats.replicas to 1, or set up a cluster",
            )];
        }
        Err(error) => return vec![Finding::failed(CHECK, error.to_string(), "see log.server")],
    };
    let mut findings = vec![provisioned(&steps)];
    let streams = steps
        .iter()
        .filter(|step| step.kind == Kind::Stream && step.action != Action::Create);
    let names: Vec<&str> = streams.map(|step| step.name.as_str()).collect();
    findings.extend(kept(log, &names).await);
    findings
}

fn provisioned(steps: &[Step]) -> Finding {
    let names = |action| {
        let chosen = steps
            .iter()
            .filter(|step| step.action == action)
            .map(|step| match step.changes.as_slice() {
                [] => step.name.clone(),
                changes => {
                    let fields: Vec<_> =
                        changes.iter().map(|change| change.field.as_str()).collect();
                    format!("{} ({})", step.name, fields.join(", "))
                }
            });
        chosen.collect::<Vec<_>>().join(", ")
    };
    let missing = names(Action::Create);
    let other = names(Action::Change);
    match (missing.as_str(), other.as_str()) {
        ("", "") => Finding::ok(
            CHECK,
            format!(
                "{} streams and consumers are configured correctly",
                steps.len()
            ),
        ),
        ("", other) => {
            Finding::warning(CHECK, format!("configured differently: {other}"), PROVISION)
        }
        (missing, "") => Finding::failed(CHECK, format!("missing: {missing}"), PROVISION),
        (missing, other) => Finding::failed(
            CHECK,
            format!("missing: {missing}; configured differently: {other}"),
            PROVISION,
        ),
    }
}

/// Checks the replicas of streams in a cluster. A single server has none to check.
async fn kept(log: &EventLog, streams: &[&str]) -> Vec<Finding> {
    if log.server().cluster.is_none() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    // Streams with the same problem share a finding, because most problems concern all of them.
    let mut wrong: Vec<(Wrong, Vec<&str>)> = Vec::new();
    let mut fit = 0;
    for stream in streams {
        match log
            .keepers(stream)
            .await
            .map(|keepers| keepers.map(|keepers| judge(&keepers)))
        {
            Ok(None) | Err(LogError::NotProvisioned) => {}
            Ok(Some(None)) => fit += 1,
            Ok(Some(Some(what))) => match wrong.iter_mut().find(|(known, _)| *known == what) {
                Some((_, streams)) => streams.push(stream),
                None => wrong.push((what, vec![stream])),
            },
            Err(error) => {
                findings.push(Finding::failed(
                    REPLICAS,
                    format!("{stream}: {error}"),
                    "see log.server",
                ));
            }
        }
    }
    if fit > 0 {
        let found = format!("all replicas of {fit} streams are current");
        findings.push(Finding::ok(REPLICAS, found));
    }
    findings.extend(wrong.into_iter().map(|(wrong, streams)| Finding {
        check: REPLICAS,
        level: wrong.level,
        found: format!("{}: {}", streams.join(", "), wrong.what),
        advice: Some(wrong.advice.to_owned()),
    }));
    findings
}

/// Problem with the replicas of a stream.
#[derive(Debug, PartialEq, Eq)]
struct Wrong {
    level: Level,
    what: String,
    advice: &'static str,
}

fn judge(keepers: &Keepers) -> Option<Wrong> {
    let named = |wanted: fn(&Peer) -> bool| {
        let names = keepers
            .replicas
            .iter()
            .filter(|peer| wanted(peer))
            .map(|peer| peer.name.clone());
        names.collect::<Vec<_>>().join(", ")
    };
    let warning = |what, advice| {
        Some(Wrong {
            level: Level::Warning,
            what,
            advice,
        })
    };
    let away = named(|peer| peer.offline);
    let behind = named(|peer| !peer.offline && !peer.current);
    if keepers.leader.as_deref().unwrap_or_default().is_empty() {
        let what = "no leader: nothing can be written".to_owned();
        return Some(Wrong {
            level: Level::Failed,
            what,
            advice: "start the servers of the cluster that are down",
        });
    }
    if !away.is_empty() {
        return warning(
            format!("{away} is offline"),
            "restart it before another server fails",
        );
    }
    if !behind.is_empty() {
        return warning(
            format!("{behind} lags behind"),
            "wait until it has caught up before you stop another server",
        );
    }
    if keepers.replicas.is_empty() {
        let advice = "set nats.replicas = 3 and run `laureate provision`";
        return warning(
            "stored on only one server of the cluster".to_owned(),
            advice,
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn level(keepers: serde_json::Value) -> Option<Level> {
        judge(&serde_json::from_value(keepers).expect("the server's form")).map(|wrong| wrong.level)
    }

    #[test]
    fn stream_requires_a_leader_and_current_followers() {
        let peer = |current, offline| json!({ "name": "n2", "current": current, "offline": offline, "lag": 3 });
        let good = peer(true, false);
        assert_eq!(
            level(json!({ "leader": "n1", "replicas": [good, good] })),
            None
        );
        assert_eq!(
            level(json!({ "leader": "n1", "replicas": [good, peer(false, false)] })),
            Some(Level::Warning)
        );
        assert_eq!(
            level(json!({ "leader": "n1", "replicas": [good, peer(false, true)] })),
            Some(Level::Warning)
        );
        assert_eq!(level(json!({ "leader": "n1" })), Some(Level::Warning));
        assert_eq!(
            level(json!({ "replicas": [good, good] })),
            Some(Level::Failed)
        );
    }
}
