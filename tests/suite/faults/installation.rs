//! Complete installation for faults: servers, a mail server, a folder of objects, and one process
//! for each role.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use laureate::app::Role;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use super::mail_server::MailServer;
use super::program::{self, Program};
use super::small_disk::SmallDisk;
use crate::log::nodes::Nodes;
use crate::support::{Restarting, hold, laureate, until};

/// Prefix of streams, subjects and schemas.
pub const NAMESPACE: &str = "faults";
/// Password of all users.
pub const PASSWORD: &str = "La1-of-the-tests-0123456789abcdef";
const ADMIN: &str = "admin@faults.example.com";
/// Size of each disk that may become full.
const DISK_MIB: u32 = 96;
const LOOK: Duration = Duration::from_millis(100);

/// Servers that have the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    OneServer,
    /// Like `OneServer`. nats-server and the objects have small disks, which can be filled.
    SmallDisks,
    /// Three nodes whose replication can be slowed.
    Cluster,
}

pub struct Disks {
    pub nats: SmallDisk,
    pub objects: SmallDisk,
}

pub struct Installation {
    pub programs: Vec<Program>,
    /// Programs that were stopped for good.
    pub retired: Vec<Program>,
    /// Executable of the newest program.
    newest: PathBuf,
    /// Disks in the topology `SmallDisks`. They are unmounted before the folder of the servers is
    /// removed.
    pub disks: Option<Disks>,
    pub servers: Restarting,
    pub nodes: Option<Nodes>,
    pub mail: MailServer,
    pub client: reqwest::Client,
    /// Processes that ended although they were not killed, failed stops, and wrong reports.
    pub incidents: Vec<String>,
    environment: Vec<(String, String)>,
    folder: TempDir,
}

impl Installation {
    /// Starts everything and creates an administrator. `settings` are pairs such as
    /// `("mail.timeout_seconds", "5")`. Returns `None` if this machine doesn't allow a small disk.
    pub async fn start(topology: Topology, settings: &[(&str, &str)]) -> Option<Self> {
        let mut installation = Self::without_programs(topology, settings).await?;
        installation.begin_with(laureate()).await;
        Some(installation)
    }

    /// Starts everything but the programs.
    pub async fn without_programs(topology: Topology, settings: &[(&str, &str)]) -> Option<Self> {
        let data = TempDir::new().expect("a temporary folder");
        let folder = TempDir::new().expect("a temporary folder");
        let objects = folder.path().join("objects");
        let disks = if topology == Topology::SmallDisks {
            Some(Disks {
                nats: SmallDisk::mount(&data.path().join("nats"), DISK_MIB)?,
                objects: SmallDisk::mount(&objects, DISK_MIB)?,
            })
        } else {
            fs::create_dir(&objects).expect("a folder");
            None
        };
        let nodes = async {
            match topology {
                Topology::Cluster => Some(Nodes::start_slowable().await),
                _ => None,
            }
        };
        let (servers, nodes) = tokio::join!(Restarting::start_in(data), nodes);
        let mail = MailServer::start().await;
        let urls = match &nodes {
            Some(nodes) => nodes.urls().join(","),
            None => servers.nats_url(),
        };
        let mut environment = environment(&servers, &mail, folder.path(), &urls);
        if nodes.is_some() {
            environment.push(variable("nats.replicas", "3"));
        }
        environment.extend(settings.iter().map(|(key, value)| variable(key, value)));
        Some(Self {
            programs: Vec::new(),
            retired: Vec::new(),
            newest: laureate().to_owned(),
            servers,
            nodes,
            mail,
            client: client(),
            disks,
            incidents: Vec::new(),
            environment,
            folder,
        })
    }

    /// Creates an administrator and starts the first programs.
    pub async fn begin_with(&mut self, build: &Path) {
        self.prepare_for(build).await;
        let create = ["admin", "create", "--email", ADMIN, "--password-file", "-"];
        let (code, out) = self.run(&create, PASSWORD).await;
        assert_eq!(code, 0, "{out}");
        for role in Role::ALL {
            self.add(role, build);
        }
        self.ready().await;
    }

    /// Prepares the servers for a newer program.
    pub async fn prepare_for(&mut self, newest: &Path) {
        newest.clone_into(&mut self.newest);
        for arguments in [&["provision"][..], &["migrate"]] {
            let (code, out) = self.run(arguments, "").await;
            assert_eq!(code, 0, "{arguments:?}: {out}");
        }
    }

    /// Starts a process beside the others.
    pub fn add(&mut self, role: Role, build: &Path) {
        let environment = self.environment.clone();
        let program = Program::start(role, build, environment, self.folder.path());
        self.programs.push(program);
    }

    /// Stops the process of `build` with a role for good.
    pub async fn retire(&mut self, role: Role, build: &Path) {
        let is_it = |p: &Program| p.role == role && p.build == build;
        let n = self.programs.iter().position(is_it).expect("running");
        self.stop(n).await;
        let retired = self.programs.remove(n);
        self.retired.push(retired);
    }

    /// Stops a process with SIGTERM, which must succeed.
    pub async fn stop(&mut self, n: usize) {
        let code = self.programs[n].stop().await;
        if code != Some(0) {
            let role = self.programs[n].role;
            let stop = format!("{role:?} ended after SIGTERM with exit code {code:?}");
            self.incidents.push(stop);
        }
    }

    /// Waits until all processes of the newest program are ready.
    pub async fn ready(&self) {
        let newest = self.programs.iter().filter(|p| p.build == self.newest);
        for program in newest {
            until(&format!("{:?} is ready", program.role), async || {
                let readiness = program.readiness(&self.client).await;
                readiness.is_some_and(|(status, _)| status == 200)
            })
            .await;
        }
    }

    /// Runs the newest program until it ends. Returns its exit code and its output.
    pub async fn run(&self, arguments: &[&str], input: &str) -> (i32, String) {
        let mut command = program::command(&self.newest, &self.environment, arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut command = tokio::process::Command::from(command);
        let mut child = command.kill_on_drop(true).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("piped");
        // A command that reads no input may have ended.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await.expect("it ends");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        (output.status.code().unwrap_or(-1), text)
    }

    /// Returns the first process with a role.
    pub fn program(&mut self, role: Role) -> &mut Program {
        let found = self.programs.iter_mut().find(|p| p.role == role);
        found.expect("every role is running")
    }

    /// Returns the URLs of all APIs.
    pub fn urls(&self) -> Vec<String> {
        let apis = self.programs.iter().filter(|p| p.role == Role::Api);
        apis.map(|api| format!("http://{}/api/v1", api.listen))
            .collect()
    }

    /// Logs the administrator in and returns the access token.
    pub async fn token(&self) -> String {
        let body = serde_json::json!({ "email": ADMIN, "password": PASSWORD });
        let login = format!("{}/auth/login", self.urls()[0]);
        let request = self.client.post(login).json(&body);
        let answer = request.send().await.expect("answered");
        let answer: serde_json::Value = answer.json().await.expect("JSON");
        let token = answer["data"]["access_token"].as_str();
        token.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Returns the folder of stored objects.
    pub fn objects(&self) -> PathBuf {
        self.folder.path().join("objects")
    }

    /// Returns the URLs of nats-server, or of the nodes.
    pub fn nats_urls(&self) -> Vec<String> {
        match &self.nodes {
            Some(nodes) => nodes.urls(),
            None => Vec::from([self.servers.nats_url()]),
        }
    }

    /// Keeps a fault for some time. Meanwhile, starts processes again that have ended, and records
    /// them.
    pub async fn hold(&mut self, time: Duration) {
        let end = tokio::time::Instant::now() + time;
        loop {
            self.check();
            let left = end.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                return;
            }
            hold(left.min(LOOK)).await;
        }
    }

    /// Starts processes again that have ended, and records them.
    pub fn check(&mut self) {
        let ended = self.programs.iter_mut().filter_map(Program::check);
        self.incidents.extend(ended);
    }

    /// Copies the logs of all processes to `folder`.
    pub fn keep_logs(&self, folder: &Path) {
        fs::create_dir_all(folder).expect("a folder");
        for program in self.programs.iter().chain(&self.retired) {
            program.keep_log(folder);
        }
    }
}

fn variable(key: &str, value: &str) -> (String, String) {
    let name = key.to_uppercase().replace('.', "__");
    (format!("LAUREATE_{name}"), value.to_owned())
}

fn environment(
    servers: &Restarting,
    mail: &MailServer,
    folder: &Path,
    nats: &str,
) -> Vec<(String, String)> {
    let postgres = servers.postgres_url();
    let objects = folder.join("objects");
    let port = mail.address.port().to_string();
    let settings = [
        ("namespace", NAMESPACE),
        ("nats.url", nats),
        ("database.url", &postgres),
        ("storage.url", objects.to_str().expect("UTF-8")),
        ("mail.host", "127.0.0.1"),
        ("mail.port", &port),
        ("mail.security", "none"),
        ("mail.from_name", "Laureate"),
        ("mail.from_address", "certificates@laureate.example"),
        ("mail.timeout_seconds", "10"),
        ("mail.message_timeout_seconds", "10"),
        ("mail.first_retry_seconds", "1"),
        ("http.public_base_url", "http://localhost:3969"),
        // Password hashes are cheap here. Other tests check their cost.
        ("http.passwords.memory_kib", "64"),
        ("http.passwords.iterations", "1"),
        ("http.passwords.lanes", "1"),
        // All clients have one address.
        ("http.limits.password_per_minute", "100000"),
        ("http.limits.reset_links_per_hour", "100000"),
        (
            "secrets.claim_key",
            "claim-key-of-the-tests-0123456789abcdef",
        ),
        (
            "secrets.token_key",
            "token-key-of-the-tests-0123456789abcdef",
        ),
    ];
    settings
        .iter()
        .map(|(key, value)| variable(key, value))
        .collect()
}

fn client() -> reqwest::Client {
    // reqwest is built without a TLS provider. Plain HTTP does not need one, but the client can't
    // be created without it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(Duration::from_secs(60))
        .build()
        .expect("a client")
}
