//! Requests for messages of one stream that reach the server.

use async_nats::{Client, Subscriber};
use futures_util::{FutureExt, StreamExt};
use serde_json::Value;

use super::fixture::Log;

/// Tap on the requests of all processes for messages of a stream.
pub struct Tap {
    client: Client,
    leader: Subscriber,
    replicas: Subscriber,
}

/// Requests in two lists, each in order.
#[derive(Debug)]
pub struct Requests {
    /// Requests that only the leader answers.
    pub leader: Vec<Value>,
    /// Requests that any replica answers.
    pub replicas: Vec<Value>,
}

impl Tap {
    pub async fn on(log: &Log) -> Self {
        Self::on_stream(log, &log.log.names().events()).await
    }

    pub async fn on_stream(log: &Log, stream: &str) -> Self {
        let client = log.another_process().await.client().clone();
        let requests = |api: &str| client.subscribe(format!("$JS.API.{api}.{stream}"));
        let leader = requests("STREAM.MSG.GET").await.unwrap();
        let replicas = requests("DIRECT.GET").await.unwrap();
        let mut tap = Self {
            client: client.clone(),
            leader,
            replicas,
        };
        tap.requests().await;
        tap
    }

    /// Returns the requests since the previous call.
    pub async fn requests(&mut self) -> Requests {
        // The server sends the answer on the same connection after the requests.
        self.client
            .request("$JS.API.INFO", "".into())
            .await
            .unwrap();
        let seen = |from: &mut Subscriber| {
            let mut seen = Vec::new();
            while let Some(Some(message)) = from.next().now_or_never() {
                seen.push(serde_json::from_slice(&message.payload).unwrap());
            }
            seen
        };
        Requests {
            leader: seen(&mut self.leader),
            replicas: seen(&mut self.replicas),
        }
    }
}
