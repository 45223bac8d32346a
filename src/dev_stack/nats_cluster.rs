//! Test cluster of three nats-servers on free ports of 127.0.0.1. It uses the configuration for
//! production clusters from `nats/cluster/`. Its data is removed at the end.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::data_dir::{DataDir, private_folder, write_private};
use super::nats::{jetstream_answers, quoted};
use super::server_process::{Launch, ServerProcess};
use super::supervise::StopSignal;
use super::{StackError, pid_in, programs};

/// Number of nodes in the cluster.
pub const NODES: usize = 3;

const CONFIG: &str = include_str!("../../nats/cluster/server.conf");
/// Maximum start time. The nodes wait 4 to 9 s before they elect their first leader.
const READY_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
const PORT_ATTEMPTS: u32 = 5;

/// Running cluster. Dropping it stops the nodes and blocks until they have ended.
#[derive(Debug)]
pub struct NatsCluster {
    nodes: Vec<Node>,
    program: PathBuf,
    supervisor: PathBuf,
    // Dropped last: it is removed after the nodes have ended.
    data: DataDir,
}

#[derive(Debug)]
struct Node {
    name: String,
    clients: SocketAddr,
    routes: SocketAddr,
    /// Addresses at which this node reaches each node, itself too.
    ways: Vec<SocketAddr>,
    folder: PathBuf,
    /// `None` while the node is down.
    process: Option<ServerProcess>,
}

impl NatsCluster {
    /// Starts the nodes and waits until they accept connections. Call [`Self::ready`] to wait for
    /// the election of a leader. `supervisor` is the path of the `laureate` binary; `None` means
    /// the current program.
    ///
    /// # Errors
    /// Fails if nats-server is not found, or if a node can't be started.
    pub async fn start(supervisor: Option<PathBuf>) -> Result<Self, StackError> {
        Self::start_behind(supervisor, |_, routes| routes.to_vec()).await
    }

    /// Starts a cluster whose nodes reach each other through other addresses, such as those of
    /// relays. `ways` gets the index of a node and the address for routes of each node. It returns
    /// the addresses at which that node reaches each node.
    ///
    /// # Errors
    /// Fails if nats-server is not found, or if a node can't be started.
    pub async fn start_behind(
        supervisor: Option<PathBuf>,
        ways: impl Fn(usize, &[SocketAddr]) -> Vec<SocketAddr>,
    ) -> Result<Self, StackError> {
        let supervisor = super::supervisor(supervisor)?;
        let program = programs::nats_server(None)?;
        let data = DataDir::temporary(None)?;
        let mut cluster = Self {
            nodes: Vec::new(),
            program,
            supervisor,
            data,
        };
        let mut attempt = 0;
        loop {
            attempt += 1;
            cluster.nodes = nodes(cluster.data.root())?;
            let routes: Vec<SocketAddr> = cluster.nodes.iter().map(|node| node.routes).collect();
            for (from, node) in cluster.nodes.iter_mut().enumerate() {
                node.ways = ways(from, &routes);
            }
            match cluster.start_all().await {
                Ok(()) => return Ok(cluster),
                // Another program took a port between the search and the start of the node.
                Err(StackError::Ended { log, .. })
                    if attempt < PORT_ATTEMPTS && log.contains("in use") =>
                {
                    cluster.nodes.clear();
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn start_all(&mut self) -> Result<(), StackError> {
        for index in 0..self.nodes.len() {
            self.start_node(index)?;
        }
        let start = Instant::now();
        while !self.all_listen().await? {
            if let Some(process) = self.nodes[0]
                .process
                .as_ref()
                .filter(|_| start.elapsed() > READY_WITHIN)
            {
                return Err(process.not_ready_error(READY_WITHIN));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    async fn all_listen(&mut self) -> Result<bool, StackError> {
        for node in &mut self.nodes {
            if let Some(process) = &mut node.process
                && process.ended().is_some()
            {
                return Err(process.ended_error());
            }
            if tokio::net::TcpStream::connect(node.clients).await.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Starts a node that is down, with its previous ports and data. The node then needs time to
    /// catch up.
    ///
    /// # Errors
    /// Fails if the node can't be started.
    pub fn start_node(&mut self, index: usize) -> Result<(), StackError> {
        let node = &mut self.nodes[index];
        let config = node.folder.join("server.conf");
        write_private(&config, CONFIG).map_err(|source| StackError::Io {
            what: format!("cannot write {}", config.display()),
            source,
        })?;
        let process = Launch {
            name: "nats-server",
            command: vec![
                self.program.clone().into(),
                "-c".into(),
                config.into(),
                "-P".into(),
                node.pid_file().into(),
            ],
            env: node.environment(index),
            log: node.folder.join("nats.log"),
            stop_signal: StopSignal::Terminate,
            grace: Duration::from_secs(15),
            user: None,
            supervisor: &self.supervisor,
        }
        .start()?;
        node.process = Some(process);
        Ok(())
    }

    /// Waits until a killed node has ended. It can then be started again.
    pub async fn node_ended(&mut self, index: usize) {
        if let Some(process) = self.nodes[index].process.take() {
            process.stop().await;
        }
    }

    /// Waits until every node responds for the whole cluster. This requires a leader.
    ///
    /// # Errors
    /// Fails if a node has ended, or if the cluster has no leader within 60 s.
    pub async fn ready(&mut self) -> Result<(), StackError> {
        let start = Instant::now();
        for node in self.nodes.iter_mut() {
            let url = url(node.clients);
            while !jetstream_answers(&url).await {
                if let Some(process) = &mut node.process {
                    if process.ended().is_some() {
                        return Err(process.ended_error());
                    }
                    if start.elapsed() > READY_WITHIN {
                        return Err(process.not_ready_error(READY_WITHIN));
                    }
                }
                tokio::time::sleep(POLL).await;
            }
        }
        Ok(())
    }

    /// Returns the URL of each node, without user and password.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| url(node.clients)).collect()
    }

    /// Returns the names of the nodes, in the order of [`Self::urls`].
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.nodes.iter().map(|node| node.name.as_str()).collect()
    }

    /// Returns the data folder.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.data.root()
    }

    /// Returns the process id from a node's pid file, or `None` if the file doesn't exist yet.
    #[must_use]
    pub fn pid(&self, index: usize) -> Option<u32> {
        pid_in(&self.nodes[index].pid_file())
    }

    /// Stops all nodes.
    pub async fn stop(self) {
        let Self { nodes, data, .. } = self;
        let stops = nodes
            .into_iter()
            .filter_map(|node| node.process)
            .map(ServerProcess::stop);
        futures_util::future::join_all(stops).await;
        drop(data);
    }
}

impl Node {
    fn pid_file(&self) -> PathBuf {
        self.folder.join("nats.pid")
    }

    /// Returns the environment variables that the configuration reads, quoted for the server's
    /// parser.
    /// `index` is the index of this node.
    fn environment(&self, index: usize) -> Vec<(&'static str, OsString)> {
        let text = |value: &str| OsString::from(format!("\"{value}\""));
        let mut variables = vec![
            ("NATS_NAME", text(&self.name)),
            ("NATS_LISTEN", text(&self.clients.to_string())),
            ("NATS_CLUSTER_LISTEN", text(&self.routes.to_string())),
            (
                "NATS_CLUSTER_ADVERTISE",
                text(&self.ways[index].to_string()),
            ),
            ("NATS_STORE_DIR", text(&quoted(&self.folder.join("store")))),
        ];
        for (name, route) in ["NATS_ROUTE_1", "NATS_ROUTE_2", "NATS_ROUTE_3"]
            .into_iter()
            .zip(&self.ways)
        {
            variables.push((name, text(&url(*route))));
        }
        variables
    }
}

fn url(address: SocketAddr) -> String {
    format!("nats://{address}")
}

/// Returns nodes with free ports. All ports stay bound until the last one is found, so that no port
/// is returned twice.
fn nodes(root: &Path) -> Result<Vec<Node>, StackError> {
    let mut held = Vec::new();
    let mut free = || {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        held.push(listener);
        Ok(address)
    };
    let failed = |source| StackError::Io {
        what: "cannot find a free port on 127.0.0.1".to_owned(),
        source,
    };
    (1..=NODES)
        .map(|number| {
            let name = format!("nats-{number}");
            let folder = root.join(&name);
            private_folder(&folder)?;
            let clients = free().map_err(failed)?;
            let routes = free().map_err(failed)?;
            Ok(Node {
                name,
                clients,
                routes,
                ways: Vec::new(),
                folder,
                process: None,
            })
        })
        .collect()
}
