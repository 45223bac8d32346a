//! Information that nats-server reports about itself, for operators.

use std::time::Duration;

use async_nats::Request;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{EventLog, LogError};

/// Timeout for a response to a system request. The server sends no response to an account without
/// permission.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

/// Information about one nats-server, from the `INFO` message that it sends to new connections.
#[derive(Clone, Debug)]
pub struct ServerSeen {
    /// Version, such as `2.15.1`.
    pub version: String,
    /// True if JetStream is enabled.
    pub jetstream: bool,
    /// Maximum message size in bytes.
    pub max_payload: usize,
    /// Name of the cluster that the server belongs to, if any.
    pub cluster: Option<String>,
}

/// Usage and limits of this program's account. `None` means unlimited.
#[derive(Clone, Copy, Debug)]
pub struct AccountSeen {
    /// Used storage in bytes.
    pub storage: u64,
    /// Limit of the storage in bytes.
    pub max_storage: Option<u64>,
    /// Number of streams.
    pub streams: u64,
    /// Limit of the number of streams.
    pub max_streams: Option<u64>,
    /// Number of consumers.
    pub consumers: u64,
    /// Limit of the number of consumers.
    pub max_consumers: Option<u64>,
}

/// Leader and followers of a stream.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Keepers {
    /// Name of the leader; `None` during an election.
    pub leader: Option<String>,
    /// Followers.
    #[serde(default)]
    pub replicas: Vec<Peer>,
}

/// Follower of a stream.
#[derive(Clone, Debug, Deserialize)]
pub struct Peer {
    /// Name of the server.
    pub name: String,
    /// True if it has all messages of the leader.
    #[serde(default)]
    pub current: bool,
    /// True if it is offline.
    #[serde(default)]
    pub offline: bool,
    /// Number of operations by which it lags behind the leader.
    #[serde(default)]
    pub lag: u64,
}

impl EventLog {
    /// Returns information about the connected server.
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

    /// Returns the usage and limits of this program's account.
    ///
    /// # Errors
    /// JetStream is disabled for the server or the account, or the server can't be reached.
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

    /// Returns the time of the server's clock, or `None` if the server doesn't respond.
    pub async fn server_time(&self) -> Option<OffsetDateTime> {
        let answer = self.ask_system("$SYS.REQ.USER.INFO").await?;
        OffsetDateTime::parse(answer["server"]["time"].as_str()?, &Rfc3339).ok()
    }

    /// Returns the server's variables (`VARZ` of its monitoring), or `None` if the account has no
    /// permission or the server doesn't respond.
    pub async fn variables(&self) -> Option<Value> {
        self.ask_system("$SYS.REQ.SERVER.PING.VARZ")
            .await
            .map(|mut answer| answer["data"].take())
    }

    async fn ask_system(&self, subject: &'static str) -> Option<Value> {
        let ask = Request::new().timeout(Some(TOLD_WITHIN));
        let answer = self.client().send_request(subject, ask).await.ok()?;
        serde_json::from_slice(&answer.payload).ok()
    }

    /// Returns the leader and followers of a stream, or `None` if the server is not in a cluster.
    ///
    /// # Errors
    /// The stream does not exist, or the server can't be reached.
    pub async fn keepers(&self, stream: &str) -> Result<Option<Keepers>, LogError> {
        let mut answer = self
            .api(&format!("STREAM.INFO.{stream}"), &json!({}))
            .await?;
        match answer["cluster"].take() {
            Value::Null => Ok(None),
            keepers => serde_json::from_value(keepers).map(Some).map_err(|error| {
                LogError::Unavailable(format!("the server's response is not readable: {error}"))
            }),
        }
    }
}
