//! Creates and updates streams and consumers from the JSON files under `nats/`, which use the
//! format of the server's API. Provisioning is idempotent.

use std::time::Duration;

use async_nats::Request;
use async_nats::jetstream::response::Response;
use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::{Value, json};

use super::availability::{parsed, patiently};
use super::plan::{Action, Kind, ProvisionError, Step, changes, check_replicas, overlaid};
use super::{EventLog, LogError};

/// Placeholder for the namespace in the JSON files.
const NAMESPACE: &str = "$NS";
/// Placeholder for the worker in [`RETRIES`].
const WORKER: &str = "$WORKER";
/// Suffix in the names of the consumers of workers' timers.
const OF_RETRIES: &str = "_retries";
/// Configuration of the consumer of each worker's timers.
const RETRIES: &str = include_str!("../../nats/consumers/retries.json");

/// Timeout for one response. A busy cluster takes many seconds to create a stream.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// JetStream: consumer not found.
const CONSUMER_NOT_FOUND: u64 = 10014;
/// JetStream: no suitable peers for placement.
const NO_PEERS: u64 = 10005;

/// Streams: name and configuration.
const STREAMS: &[(&str, &str)] = &[
    ("EVENTS", include_str!("../../nats/streams/EVENTS.json")),
    ("TIMERS", include_str!("../../nats/streams/TIMERS.json")),
    ("PUBLIC", include_str!("../../nats/streams/PUBLIC.json")),
    ("PROBE", include_str!("../../nats/streams/PROBE.json")),
    (
        "DEADLETTERS",
        include_str!("../../nats/streams/DEADLETTERS.json"),
    ),
];

/// Durable consumers: stream, name and configuration.
const CONSUMERS: &[(&str, &str, &str)] = &[
    (
        "EVENTS",
        "importer",
        include_str!("../../nats/consumers/importer.json"),
    ),
    (
        "EVENTS",
        "processes",
        include_str!("../../nats/consumers/processes.json"),
    ),
    (
        "EVENTS",
        "renderer",
        include_str!("../../nats/consumers/renderer.json"),
    ),
    (
        "EVENTS",
        "mailer",
        include_str!("../../nats/consumers/mailer.json"),
    ),
    (
        "EVENTS",
        "notifier",
        include_str!("../../nats/consumers/notifier.json"),
    ),
    (
        "TIMERS",
        "timers",
        include_str!("../../nats/consumers/timers.json"),
    ),
    (
        "TIMERS",
        "notice_timers",
        include_str!("../../nats/consumers/notice_timers.json"),
    ),
    (
        "TIMERS",
        "tasks",
        include_str!("../../nats/consumers/tasks.json"),
    ),
    ("TIMERS", "importer_retries", RETRIES),
    ("TIMERS", "processes_retries", RETRIES),
    ("TIMERS", "renderer_retries", RETRIES),
    ("TIMERS", "mailer_retries", RETRIES),
    ("TIMERS", "notifier_retries", RETRIES),
];

/// Stream or consumer with its wanted configuration.
struct Target {
    name: String,
    kind: Kind,
    /// Last part of the API's subjects for this object.
    path: String,
    /// Stream of the consumer; `None` for a stream.
    stream: Option<String>,
    config: Value,
}

impl EventLog {
    /// Creates or updates all streams and consumers of this namespace, and returns the steps taken.
    ///
    /// `replicas` is the number of servers that store each stream: 1, or 3 or 5 in a cluster. With
    /// `None`, existing streams keep their number of replicas, and new streams get the number of
    /// `EVENTS`, or 1 if that doesn't exist. Consumers have as many replicas as their stream.
    ///
    /// # Errors
    /// See [`ProvisionError`]. Steps taken before the error are not undone.
    pub async fn provision(
        &self,
        replicas: impl Into<Option<u8>>,
    ) -> Result<Vec<Step>, ProvisionError> {
        self.go_through(replicas.into(), true).await
    }

    /// Returns the steps that [`Self::provision`] would take. Changes nothing.
    ///
    /// # Errors
    /// See [`ProvisionError`]. This function can't detect that the cluster has too few servers.
    pub async fn plan_provision(
        &self,
        replicas: impl Into<Option<u8>>,
    ) -> Result<Vec<Step>, ProvisionError> {
        self.go_through(replicas.into(), false).await
    }

    async fn go_through(
        &self,
        replicas: Option<u8>,
        apply: bool,
    ) -> Result<Vec<Step>, ProvisionError> {
        if let Some(replicas) = replicas {
            check_replicas(replicas)?;
            if replicas > 1 && self.client().server_info().cluster.is_none() {
                return Err(ProvisionError::NotClustered(replicas));
            }
        }
        let streams = self.streams(replicas)?;
        let of_new = match replicas {
            Some(replicas) => replicas.into(),
            None => self.replicas_of(&streams[0]).await?,
        };
        let mut steps =
            try_join_all(streams.iter().map(|one| self.bring_up(one, of_new, apply))).await?;
        let consumers = self.consumers()?;
        steps.extend(
            try_join_all(
                consumers
                    .iter()
                    .map(|one| self.bring_up(one, of_new, apply)),
            )
            .await?,
        );
        Ok(steps)
    }

    fn streams(&self, replicas: Option<u8>) -> Result<Vec<Target>, ProvisionError> {
        let target = |(name, template): &(&str, &str)| {
            let name = self.names().stream(name);
            let mut config = self.configuration(&name, template)?;
            config["name"] = json!(name);
            if let Some(replicas) = replicas {
                config["num_replicas"] = json!(replicas);
            }
            Ok(Target {
                kind: Kind::Stream,
                path: name.clone(),
                stream: None,
                name,
                config,
            })
        };
        STREAMS.iter().map(target).collect()
    }

    fn consumers(&self) -> Result<Vec<Target>, ProvisionError> {
        let target = |(stream, consumer, template): &(&str, &str, &str)| {
            let stream = self.names().stream(stream);
            let name = format!("{stream}/{consumer}");
            let worker = consumer.trim_end_matches(OF_RETRIES);
            let mut config = self.configuration(&name, &template.replace(WORKER, worker))?;
            config["durable_name"] = json!(consumer);
            config["name"] = json!(consumer);
            // 0 means the number of replicas of the stream, also after it changes.
            config["num_replicas"] = json!(0);
            let path = format!("{stream}.{consumer}");
            Ok(Target {
                name,
                kind: Kind::Consumer,
                path,
                stream: Some(stream),
                config,
            })
        };
        CONSUMERS.iter().map(target).collect()
    }

    fn configuration(&self, name: &str, template: &str) -> Result<Value, ProvisionError> {
        let text = template.replace(NAMESPACE, self.names().namespace());
        serde_json::from_str(&text).map_err(|error| {
            let description = format!("its file under nats/ is not JSON: {error}");
            ProvisionError::Server {
                name: name.to_owned(),
                source: LogError::Refused {
                    code: 0,
                    description,
                },
            }
        })
    }

    async fn replicas_of(&self, stream: &Target) -> Result<u64, ProvisionError> {
        let present = self.configured(stream).await?;
        Ok(present
            .and_then(|config| config["num_replicas"].as_u64())
            .unwrap_or(1))
    }

    /// Compares one stream or consumer with the server's configuration, and creates or updates it
    /// if `apply` is true.
    async fn bring_up(
        &self,
        target: &Target,
        of_new: u64,
        apply: bool,
    ) -> Result<Step, ProvisionError> {
        let present = self.configured(target).await?;
        let changes = present
            .as_ref()
            .map_or_else(Vec::new, |present| changes(present, &target.config));
        let action = match &present {
            None => Action::Create,
            Some(_) if changes.is_empty() => Action::Nothing,
            Some(_) => Action::Change,
        };
        if apply && action != Action::Nothing {
            let mut config =
                present.map_or_else(|| target.config.clone(), |p| overlaid(&p, &target.config));
            if target.kind == Kind::Stream && action == Action::Create {
                config["num_replicas"] = json!(of_new);
            }
            self.write(target, action, config).await?;
        }
        Ok(Step {
            name: target.name.clone(),
            kind: target.kind,
            action,
            changes,
        })
    }

    /// Returns the server's configuration of a stream or consumer, or `None` if it doesn't exist.
    async fn configured(&self, target: &Target) -> Result<Option<Value>, ProvisionError> {
        let path = match target.kind {
            Kind::Stream => format!("STREAM.INFO.{}", target.path),
            Kind::Consumer => format!("CONSUMER.INFO.{}", target.path),
        };
        match self.api(&path, &json!({})).await {
            Ok(info) => Ok(Some(info["config"].clone())),
            Err(
                LogError::NotProvisioned
                | LogError::Refused {
                    code: CONSUMER_NOT_FOUND,
                    ..
                },
            ) => Ok(None),
            Err(source) => Err(ProvisionError::Server {
                name: target.name.clone(),
                source,
            }),
        }
    }

    async fn write(
        &self,
        target: &Target,
        action: Action,
        config: Value,
    ) -> Result<(), ProvisionError> {
        let replicas = config["num_replicas"].as_u64().unwrap_or(1);
        let (verb, ask) = match (&target.stream, action) {
            (Some(stream), _) => (
                "CONSUMER.CREATE",
                json!({ "stream_name": stream, "config": config }),
            ),
            (None, Action::Change) => ("STREAM.UPDATE", config),
            (None, _) => ("STREAM.CREATE", config),
        };
        let name = target.name.clone();
        match self.api(&format!("{verb}.{}", target.path), &ask).await {
            Ok(_) => self.settled(target).await,
            Err(LogError::Refused {
                code: NO_PEERS,
                description: reason,
            }) => Err(ProvisionError::TooFewServers {
                name,
                replicas,
                reason,
            }),
            Err(source) => Err(ProvisionError::Server { name, source }),
        }
    }

    /// Waits until the stream or consumer has a leader. After a change of its replicas, it may have
    /// none for a while.
    async fn settled(&self, target: &Target) -> Result<(), ProvisionError> {
        let path = match target.kind {
            Kind::Stream => format!("STREAM.INFO.{}", target.path),
            Kind::Consumer => format!("CONSUMER.INFO.{}", target.path),
        };
        let led = |_| async {
            let info = self.api(&path, &json!({})).await?;
            let alone = info["cluster"].is_null();
            if alone
                || info["cluster"]["leader"]
                    .as_str()
                    .is_some_and(|leader| !leader.is_empty())
            {
                return Ok(());
            }
            Err(LogError::Unavailable("it has no leader yet".to_owned()))
        };
        let error = |source| ProvisionError::Server {
            name: target.name.clone(),
            source,
        };
        patiently(led).await.map_err(error)
    }

    pub(super) async fn api(&self, subject: &str, ask: &Value) -> Result<Value, LogError> {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Answer(Value);
        let request = Request::new()
            .payload(ask.to_string().into())
            .timeout(Some(ANSWER_WITHIN));
        let answer = self
            .client()
            .send_request(format!("$JS.API.{subject}"), request)
            .await?;
        match parsed::<Answer>(&answer.payload)? {
            Response::Ok(Answer(value)) => Ok(value),
            Response::Err { error } => Err((&error).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_and_consumer_file_is_a_json_object() {
        let files = STREAMS.iter().map(|(name, text)| (*name, *text));
        let consumers = CONSUMERS.iter().map(|(_, name, text)| (*name, *text));
        for (name, text) in files.chain(consumers) {
            let value: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(value.is_object(), "{name}");
        }
    }

    #[test]
    fn log_stream_deletes_nothing_and_is_not_compressed() {
        let events: Value = serde_json::from_str(STREAMS[0].1).expect("EVENTS.json is JSON");
        assert_eq!(events["discard"], "new");
        assert_eq!(events["deny_purge"], true);
        assert_eq!(events["allow_atomic"], true);
        assert_eq!(events["compression"], "none");
        assert!(
            events.get("allow_msg_schedules").is_none(),
            "schedules would clear deny_purge for good"
        );
    }
}
