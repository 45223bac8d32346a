//! Plan of provisioning: the wanted configurations compared with those of the server.

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use super::LogError;

/// Kind of a provisioned object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A stream.
    Stream,
    /// A durable consumer.
    Consumer,
}

/// Action that one step takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The object does not exist and is created.
    Create,
    /// The object has another configuration and is updated.
    Change,
    /// The object is up to date.
    Nothing,
}

/// Change of one setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Name of the setting in the server's configuration.
    pub field: String,
    /// Current value; null if the server's configuration lacks it.
    pub from: Value,
    /// New value.
    pub to: Value,
}

/// Step of provisioning: one stream or consumer and its action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Name on the server; for a consumer `<stream>/<consumer>`.
    pub name: String,
    /// Stream or consumer.
    pub kind: Kind,
    /// Action.
    pub action: Action,
    /// Settings to change; empty unless the action is `Change`.
    pub changes: Vec<Change>,
}

/// Error of provisioning.
#[derive(Debug, Error)]
pub enum ProvisionError {
    /// The number of replicas is not supported. An even number is refused because it tolerates no
    /// more failed nodes than the odd number below it.
    #[error("{0} replicas are not usable; give 1, or in a cluster 3 or 5")]
    Replicas(u8),
    /// The caller requested several replicas on a server that is not in a cluster.
    #[error(
        "{0} replicas need a cluster of as many servers, and this server stands alone; \
         set up a cluster (nats/cluster/server.conf) or give 1"
    )]
    NotClustered(u8),
    /// The cluster has fewer servers than the requested replicas.
    #[error(
        "{name}: the cluster has too few servers for {replicas} replicas ({reason}); start more or give fewer"
    )]
    TooFewServers {
        /// Name of the stream.
        name: String,
        /// Requested number of replicas.
        replicas: u64,
        /// Reason given by the server.
        reason: String,
    },
    /// The server can't be reached, or refuses the request.
    #[error("{name}: {source}")]
    Server {
        /// Name of the stream or consumer.
        name: String,
        /// Cause.
        source: LogError,
    },
}

/// Returns `replicas` if this number is supported.
///
/// # Errors
/// The number is not 1, 3 or 5.
pub const fn check_replicas(replicas: u8) -> Result<u8, ProvisionError> {
    match replicas {
        1 | 3 | 5 => Ok(replicas),
        other => Err(ProvisionError::Replicas(other)),
    }
}

/// Returns the settings that differ. Settings that are missing in `wanted` are ignored.
pub(crate) fn changes(present: &Value, wanted: &Value) -> Vec<Change> {
    let settings = wanted.as_object().into_iter().flatten();
    let differing = settings.filter(|(field, to)| !same(&present[field.as_str()], to));
    differing
        .map(|(field, to)| Change {
            field: field.clone(),
            from: present[field.as_str()].clone(),
            to: to.clone(),
        })
        .collect()
}

/// Returns the current configuration, overwritten with the wanted settings.
pub(crate) fn overlaid(present: &Value, wanted: &Value) -> Value {
    let mut config = present.clone();
    for (field, value) in wanted.as_object().into_iter().flatten() {
        config[field.as_str()] = value.clone();
    }
    config
}

/// Returns true if both values are equal. A default value (null, false, zero, empty or "none")
/// equals a missing setting, because the server omits defaults.
fn same(present: &Value, wanted: &Value) -> bool {
    let is_default = |value: &Value| match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "none",
        Value::Array(values) => values.is_empty(),
        Value::Object(values) => values.is_empty(),
    };
    present == wanted || (is_default(present) && is_default(wanted))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_differing_fields_change_and_other_fields_are_kept() {
        let present = json!({ "max_age": 5, "discard": "old", "placement": { "tags": ["ssd"] } });
        let wanted =
            json!({ "max_age": 0, "discard": "old", "compression": "none", "deny_purge": true });
        let change = |field: &str, from, to| Change {
            field: field.to_owned(),
            from,
            to,
        };
        assert_eq!(
            changes(&present, &wanted),
            [
                change("deny_purge", Value::Null, json!(true)),
                change("max_age", json!(5), json!(0))
            ]
        );
        let config = overlaid(&present, &wanted);
        assert_eq!(config["placement"], present["placement"]);
        assert_eq!(
            (&config["max_age"], &config["deny_purge"]),
            (&json!(0), &json!(true))
        );
        assert_eq!(changes(&config, &wanted), []);
    }

    #[test]
    fn replicas_are_odd_and_at_most_five() {
        for good in [1, 3, 5] {
            assert_eq!(check_replicas(good).ok(), Some(good));
        }
        for bad in [0, 2, 4, 6, 7, 255] {
            let error = check_replicas(bad).expect_err("not usable").to_string();
            assert!(error.starts_with(&format!("{bad} replicas")), "{error}");
        }
    }
}
