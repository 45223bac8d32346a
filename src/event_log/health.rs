//! What the log's server tells about itself: for those who operate it.

use std::time::Duration;

use async_nats::Request;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{EventLog, LogError};

/// How long the server may take to tell; where it is not permitted, nobody answers.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

/// One nats-server, as it greeted us.
#[derive(Clone, Debug)]
pub struct ServerSeen {
    /// Its version, such as `2.15.1`.
    pub version: String,
    /// Whether JetStream is on.
    pub jetstream: bool,
    /// The largest message that it takes, in bytes.
    pub max_payload: usize,
    /// The cluster that it belongs to.
    pub cluster: Option<String>,
}

/// What our account uses and may use; no limit where there is `None`.
#[derive(Clone, Copy, Debug)]
pub struct AccountSeen {
    /// Bytes on disk.
    pub storage: u64,
    /// The most bytes on disk.
    pub max_storage: Option<u64>,
    /// Streams.
    pub streams: u64,
    /// The most streams.
    pub max_streams: Option<u64>,
    /// Consumers.
    pub consumers: u64,
    /// The most consumers.
    pub max_consumers: Option<u64>,
}

/// Who keeps a stream.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Keepers {
    /// The server that leads; none during an election.
    pub leader: Option<String>,
    /// The others.
    #[serde(default)]
    pub replicas: Vec<Peer>,
}

/// A server that follows.
#[derive(Clone, Debug, Deserialize)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// Whether it has all that the leader has.
    #[serde(default)]
    pub current: bool,
    /// Whether it is away.
    #[serde(default)]
    pub offline: bool,
    /// How many operations it is behind.
    #[serde(default)]
    pub lag: u64,
}

impl EventLog {
    /// The server that we are connected to.
    #[must_use]
    pub fn server(&self) -> ServerSeen {
        let info = self.client().server_info();
        ServerSeen {
            version: info.version,
            jetstream: info.jetstream,
            max_payload: info.max_payload,
            cluster: info.cluster,
        }
    }

    /// What our account uses and may use.
    ///
    /// # Errors
    /// JetStream is off, for the server or for our account, or the server can't be reached.
    pub async fn account(&self) -> Result<AccountSeen, LogError> {
        let answer = self.api("INFO", &json!({})).await?;
        let limit = |name: &str| answer["limits"][name].as_u64();
        let number = |name: &str| answer[name].as_u64().unwrap_or(0);
        Ok(AccountSeen {
            storage: number("storage"),
            max_storage: limit("max_storage"),
            streams: number("streams"),
            max_streams: limit("max_streams"),
            consumers: number("consumers"),
            max_consumers: limit("max_consumers"),
        })
    }

    /// The server's clock; `None` where it doesn't tell.
    pub async fn server_time(&self) -> Option<OffsetDateTime> {
        let answer = self.ask_system("$SYS.REQ.USER.INFO").await?;
        OffsetDateTime::parse(answer["server"]["time"].as_str()?, &Rfc3339).ok()
    }

    /// The server's variables as its monitoring shows them; `None` where our account may not ask.
    pub async fn variables(&self) -> Option<Value> {
        self.ask_system("$SYS.REQ.SERVER.PING.VARZ").await.map(|mut answer| answer["data"].take())
    }

    async fn ask_system(&self, subject: &'static str) -> Option<Value> {
        let ask = Request::new().timeout(Some(TOLD_WITHIN));
        let answer = self.client().send_request(subject, ask).await.ok()?;
        serde_json::from_slice(&answer.payload).ok()
    }

    /// Who keeps a stream, as the server names it; `None` on a server that stands alone.
    ///
    /// # Errors
    /// The stream is not there, or the server can't be reached.
    pub async fn keepers(&self, stream: &str) -> Result<Option<Keepers>, LogError> {
        let mut answer = self.api(&format!("STREAM.INFO.{stream}"), &json!({})).await?;
        match answer["cluster"].take() {
            Value::Null => Ok(None),
            keepers => serde_json::from_value(keepers).map(Some).map_err(|error| {
                LogError::Unavailable(format!("the server's answer is not readable: {error}"))
            }),
        }
    }
}
