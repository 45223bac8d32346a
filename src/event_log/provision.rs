//! Streams and consumers, from the JSON under `nats/` (the server's own API format), idempotently.

use async_nats::jetstream::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{EventLog, LogError};

/// Stands for the namespace in the files.
const NAMESPACE: &str = "$NS";

/// JetStream: the stream exists with another configuration.
const STREAM_NAME_IN_USE: u64 = 10058;

/// The streams, by name.
const STREAMS: &[(&str, &str)] = &[
    ("EVENTS", include_str!("../../nats/streams/EVENTS.json")),
    ("TIMERS", include_str!("../../nats/streams/TIMERS.json")),
    ("PUBLIC", include_str!("../../nats/streams/PUBLIC.json")),
    ("DEADLETTERS", include_str!("../../nats/streams/DEADLETTERS.json")),
    ("ADVISORIES", include_str!("../../nats/streams/ADVISORIES.json")),
];

/// The durable consumers, by stream and name.
const CONSUMERS: &[(&str, &str, &str)] = &[
    ("EVENTS", "importer", include_str!("../../nats/consumers/importer.json")),
    ("EVENTS", "processes", include_str!("../../nats/consumers/processes.json")),
    ("EVENTS", "renderer", include_str!("../../nats/consumers/renderer.json")),
    ("EVENTS", "mailer", include_str!("../../nats/consumers/mailer.json")),
    ("ADVISORIES", "deadletters", include_str!("../../nats/consumers/deadletters.json")),
];

/// What one provisioning step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioned {
    /// The stream or consumer, as the server names it.
    pub name: String,
    /// Whether it was there before and only brought up to date.
    pub existed: bool,
}

impl EventLog {
    /// Creates or updates every stream and consumer of this namespace.
    ///
    /// `replicas` is 1 for a single server, 3 for a cluster.
    ///
    /// # Errors
    /// The server can't be reached or refuses a configuration.
    pub async fn provision(&self, replicas: u8) -> Result<Vec<Provisioned>, LogError> {
        let mut done = Vec::new();
        for (name, template) in STREAMS {
            let mut config = self.configuration(name, template)?;
            config["name"] = json!(self.names().stream(name));
            config["num_replicas"] = json!(replicas);
            done.push(self.provision_stream(&config).await?);
        }
        for (stream, name, template) in CONSUMERS {
            let mut config = self.configuration(name, template)?;
            config["durable_name"] = json!(name);
            config["name"] = json!(name);
            done.push(self.provision_consumer(stream, name, &config).await?);
        }
        Ok(done)
    }

    fn configuration(&self, name: &str, template: &str) -> Result<Value, LogError> {
        let text = template.replace(NAMESPACE, self.names().namespace());
        serde_json::from_str(&text).map_err(|error| LogError::Refused {
            code: 0,
            description: format!("nats/ holds a file for {name} that is not JSON: {error}"),
        })
    }

    async fn provision_stream(&self, config: &Value) -> Result<Provisioned, LogError> {
        let name = config["name"].as_str().unwrap_or_default().to_owned();
        // The answer to creating a stream that is there with this configuration says that it was created.
        let existed = self.api(&format!("STREAM.INFO.{name}"), &json!({})).await.is_ok();
        match self.api(&format!("STREAM.CREATE.{name}"), config).await {
            Ok(_) => {}
            Err(LogError::Refused { code: STREAM_NAME_IN_USE, .. }) => {
                self.api(&format!("STREAM.UPDATE.{name}"), config).await?;
            }
            Err(error) => return Err(error),
        }
        Ok(Provisioned { name, existed })
    }

    async fn provision_consumer(
        &self,
        stream: &str,
        name: &str,
        config: &Value,
    ) -> Result<Provisioned, LogError> {
        let stream = self.names().stream(stream);
        let existed = self.api(&format!("CONSUMER.INFO.{stream}.{name}"), &json!({})).await.is_ok();
        let ask = json!({ "stream_name": stream, "config": config });
        self.api(&format!("CONSUMER.CREATE.{stream}.{name}"), &ask).await?;
        Ok(Provisioned { name: format!("{stream}/{name}"), existed })
    }

    async fn api(&self, subject: &str, ask: &Value) -> Result<Value, LogError> {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Answer(Value);
        let body = ask.to_string().into();
        let answer = self.client().request(format!("$JS.API.{subject}"), body).await?;
        match serde_json::from_slice::<Response<Answer>>(&answer.payload) {
            Ok(Response::Ok(Answer(value))) => Ok(value),
            Ok(Response::Err { error }) => Err((&error).into()),
            Err(error) => Err(LogError::Unavailable(format!("the server's answer is not readable: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_json_that_names_the_namespace() {
        let files = STREAMS.iter().map(|(name, text)| (*name, *text));
        let consumers = CONSUMERS.iter().map(|(_, name, text)| (*name, *text));
        for (name, text) in files.chain(consumers) {
            let value: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(value.is_object(), "{name}");
        }
    }

    #[test]
    fn the_log_keeps_everything_and_is_not_compressed() {
        let events: Value = serde_json::from_str(STREAMS[0].1).expect("EVENTS.json is JSON");
        assert_eq!(events["discard"], "new");
        assert_eq!(events["deny_purge"], true);
        assert_eq!(events["allow_atomic"], true);
        assert_eq!(events["compression"], "none");
        assert!(events.get("allow_msg_schedules").is_none(), "schedules would clear deny_purge for good");
    }
}
