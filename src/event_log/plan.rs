//! What provisioning does, or would do: wanted configurations compared with those that the server has.

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use super::LogError;

/// A stream or a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A stream.
    Stream,
    /// A durable consumer.
    Consumer,
}

/// What one step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is not there yet.
    Create,
    /// It is there with another configuration.
    Change,
    /// It is as it should be.
    Nothing,
}

/// A setting that is to have another value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The server's name for it.
    pub field: String,
    /// Its value on the server; null where the server doesn't name it.
    pub from: Value,
    /// Its value afterwards.
    pub to: Value,
}

/// One stream or consumer, and what is done to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// As the server names it; a consumer after its stream and a slash.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What is done.
    pub action: Action,
    /// What changes; empty unless the action is a change.
    pub changes: Vec<Change>,
}

/// Why streams and consumers could not be brought up to date.
#[derive(Debug, Error)]
pub enum ProvisionError {
    /// A number that is no use: with an even one, no more nodes may fail than with one less.
    #[error("{0} replicas are not usable; give 1, or in a cluster 3 or 5")]
    Replicas(u8),
    /// Several replicas on a server that stands alone.
    #[error(
        "{0} replicas need a cluster of as many servers, and this server stands alone; \
         set up a cluster (nats/cluster/server.conf) or give 1"
    )]
    NotClustered(u8),
    /// More replicas than servers.
    #[error(
        "{name}: the cluster has too few servers for {replicas} replicas ({reason}); start more or give fewer"
    )]
    TooFewServers {
        /// The stream.
        name: String,
        /// How many were wanted.
        replicas: u64,
        /// What the server says.
        reason: String,
    },
    /// The server can't be asked, or refuses.
    #[error("{name}: {source}")]
    Server {
        /// The stream or consumer.
        name: String,
        /// Why.
        source: LogError,
    },
}

/// Whether so many replicas may be asked for.
///
/// # Errors
/// The number is not 1, 3 or 5.
pub const fn check_replicas(replicas: u8) -> Result<u8, ProvisionError> {
    match replicas {
        1 | 3 | 5 => Ok(replicas),
        other => Err(ProvisionError::Replicas(other)),
    }
}

/// What is to change in a configuration. Settings that we say nothing about stay as they are.
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

/// The present configuration with what we want.
pub(crate) fn overlaid(present: &Value, wanted: &Value) -> Value {
    let mut config = present.clone();
    for (field, value) in wanted.as_object().into_iter().flatten() {
        config[field.as_str()] = value.clone();
    }
    config
}

/// The server leaves out what has its default, which is nothing, zero or "none".
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
    fn only_what_differs_is_changed_and_what_we_say_nothing_about_stays() {
        let present = json!({ "max_age": 5, "discard": "old", "placement": { "tags": ["ssd"] } });
        let wanted = json!({ "max_age": 0, "discard": "old", "compression": "none", "deny_purge": true });
        let change = |field: &str, from, to| Change { field: field.to_owned(), from, to };
        assert_eq!(
            changes(&present, &wanted),
            [change("deny_purge", Value::Null, json!(true)), change("max_age", json!(5), json!(0))]
        );
        let config = overlaid(&present, &wanted);
        assert_eq!(config["placement"], present["placement"]);
        assert_eq!((&config["max_age"], &config["deny_purge"]), (&json!(0), &json!(true)));
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
