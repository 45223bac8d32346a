//! nats-server for a single test, with its own configuration.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::until;

/// Running server. It is killed when this value is dropped.
pub struct OwnNats {
    child: Child,
    folder: TempDir,
    /// Address for clients.
    pub url: String,
    /// Address of the monitoring endpoint.
    pub monitor: String,
}

impl OwnNats {
    /// Starts a server with additional lines of configuration. In these lines, `{folder}` is
    /// replaced by the path of a temporary folder.
    pub async fn start(configuration: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().to_string_lossy().into_owned();
        let file = folder.path().join("nats.conf");
        let text = format!(
            "host: 127.0.0.1\nport: -1\nhttp: \"127.0.0.1:-1\"\nports_file_dir: \"{path}\"\n{}\n",
            configuration.replace("{folder}", &path)
        );
        std::fs::write(&file, text).expect("written");
        let program = laureate::dev_stack::nats_server(None).expect("installed");
        let child = Command::new(program)
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut server = Self {
            child,
            folder,
            url: String::new(),
            monitor: String::new(),
        };
        until("nats-server reports its ports", || async {
            server.ports().is_some()
        })
        .await;
        let ports = server.ports().expect("just seen");
        server.url = ports["nats"][0].as_str().expect("an address").to_owned();
        server.monitor = ports["monitoring"][0]
            .as_str()
            .expect("an address")
            .to_owned();
        until("nats-server answers", || async { server.answers().await }).await;
        server
    }

    fn ports(&self) -> Option<Value> {
        let mut files = std::fs::read_dir(self.folder.path()).ok()?.flatten();
        let file =
            files.find(|entry| entry.path().extension().is_some_and(|ext| ext == "ports"))?;
        serde_json::from_str(&std::fs::read_to_string(file.path()).ok()?).ok()
    }

    async fn answers(&self) -> bool {
        let address = self.url.rsplit('/').next().unwrap_or_default();
        let connect = tokio::net::TcpStream::connect(address);
        tokio::time::timeout(Duration::from_secs(1), connect)
            .await
            .is_ok_and(|connected| connected.is_ok())
    }
}

impl Drop for OwnNats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
