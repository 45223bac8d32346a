//! Cluster for one test. The test can kill and freeze its nodes.

use std::net::SocketAddr;
use std::time::Duration;

use laureate::dev_stack::NatsCluster;
use laureate::event_log::{EventLog, LogError};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::fixture::open_any;
use super::slow_routes::SlowRoutes;
use crate::support::{laureate, until};

pub struct Nodes {
    cluster: NatsCluster,
    routes: SlowRoutes,
}

impl Nodes {
    pub async fn start() -> Self {
        let mut cluster = NatsCluster::start(Some(laureate().to_path_buf()))
            .await
            .unwrap();
        cluster.ready().await.unwrap();
        Self {
            cluster,
            routes: SlowRoutes::default(),
        }
    }

    /// Starts nodes whose replication can be slowed; see [`Self::slow`].
    pub async fn start_slowable() -> Self {
        let routes = SlowRoutes::default();
        let ways = |from: usize, addresses: &[SocketAddr]| {
            let proxy = |(to, address): (usize, &SocketAddr)| routes.proxy(from, to, *address);
            addresses.iter().enumerate().map(proxy).collect()
        };
        let mut cluster = NatsCluster::start_behind(Some(laureate().to_path_buf()), ways)
            .await
            .unwrap();
        cluster.ready().await.unwrap();
        Self { cluster, routes }
    }

    /// Delays the replication to and from a node, but not the messages of its clients.
    pub fn slow(&self, node: usize, delay: Duration) {
        self.routes.slow(node, delay);
    }

    /// Returns the URLs of all nodes.
    pub fn urls(&self) -> Vec<String> {
        self.cluster.urls()
    }

    /// Returns a process that is connected to `node`. If that node goes down, it connects to
    /// another one.
    pub async fn process(&self, node: usize) -> EventLog {
        let mut urls = self.cluster.urls();
        urls.rotate_left(node);
        open_any(&urls, "own").await
    }

    /// Returns a process that connects only to `node`.
    pub async fn process_on(&self, node: usize) -> EventLog {
        open_any(&self.cluster.urls()[node..=node], "own").await
    }

    /// Returns the number of the node that is the leader of the log's stream, according to the
    /// process of `log`.
    pub async fn leader(&self, log: &EventLog) -> usize {
        let mut leader = None;
        until("the log has a leader", async || {
            let name = cluster_of(log).await["leader"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            leader = self.cluster.names().iter().position(|node| **node == name);
            leader.is_some()
        })
        .await;
        leader.unwrap()
    }

    /// Waits until all nodes have the same messages as the leader.
    pub async fn level(&self, log: &EventLog) {
        until("all nodes have caught up", async || {
            let cluster = cluster_of(log).await;
            let replicas = cluster["replicas"].as_array().cloned().unwrap_or_default();
            replicas.len() == 2
                && replicas
                    .iter()
                    .all(|r| r["current"] == true && r["lag"].as_u64().is_none())
        })
        .await;
    }

    pub fn signal(&self, node: usize, signal: Signal) {
        let pid = Pid::from_raw(self.cluster.pid(node).unwrap().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Kills the node with SIGKILL.
    pub async fn kill(&mut self, node: usize) {
        self.signal(node, Signal::KILL);
        self.ended(node).await;
    }

    /// Waits until a node has ended after a signal.
    pub async fn ended(&mut self, node: usize) {
        self.cluster.node_ended(node).await;
    }

    /// Waits until all nodes answer for the whole cluster.
    pub async fn ready(&mut self) {
        self.cluster.ready().await.unwrap();
    }

    pub fn start_again(&mut self, node: usize) {
        self.cluster.start_node(node).unwrap();
    }
}

/// Asks the leader to step down.
pub async fn step_down(log: &EventLog) {
    let api = format!("$JS.API.STREAM.LEADER.STEPDOWN.{}", log.names().events());
    until("the leader steps down", async || {
        let answer = log.client().request(api.clone(), "".into()).await;
        answer.is_ok_and(|a| String::from_utf8_lossy(&a.payload).contains("\"success\":true"))
    })
    .await;
}

/// Returns the leader's information about its cluster, or null if there is no answer.
async fn cluster_of(log: &EventLog) -> Value {
    let api = format!("$JS.API.STREAM.INFO.{}", log.names().events());
    let answer = log
        .client()
        .request(api, "".into())
        .await
        .map_err(LogError::from);
    let info = answer
        .ok()
        .and_then(|answer| serde_json::from_slice::<Value>(&answer.payload).ok());
    info.map_or(Value::Null, |info| info["cluster"].clone())
}
