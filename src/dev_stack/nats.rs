//! nats-server with JetStream, on a free port of 127.0.0.1. It has no password, because async-nats
//! 0.51 ignores a password in a URL. So every user of this machine can connect. Production
//! deployments run a separate server.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::data_dir::{DataDir, write_private};
use super::server_process::{Launch, ServerProcess, stop_leftover};
use super::supervise::StopSignal;
use super::{StackError, StackOptions, programs};

/// Maximum start time. The server reads its log before it responds: about 2.5 s per million
/// subjects.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// Running nats-server.
#[derive(Debug)]
pub(crate) struct Nats {
    pub process: ServerProcess,
    pub url: String,
    pub pid_file: PathBuf,
}

pub(crate) async fn start(
    options: &StackOptions,
    data: &DataDir,
    supervisor: &Path,
) -> Result<Nats, StackError> {
    let program = programs::nats_server(options.nats_server.as_deref())?;
    let folder = data.folder("nats")?;
    let config = folder.join("nats.conf");
    let pid_file = folder.join("nats.pid");
    stop_leftover(&pid_file, &config, Signal::TERM).await;
    remove_ports_files(&folder);
    write_private(&config, &configuration(&folder, options.sync_always)).map_err(|source| {
        StackError::Io {
            what: format!("cannot write {}", config.display()),
            source,
        }
    })?;
    let mut process = Launch {
        name: "nats-server",
        command: vec![program.into(), "-c".into(), config.into()],
        env: Vec::new(),
        log: data.root().join("nats.log"),
        stop_signal: StopSignal::Terminate,
        grace: Duration::from_secs(15),
        user: None,
        supervisor,
    }
    .start()?;
    let url = ready(&mut process, &folder).await?;
    Ok(Nats {
        process,
        url,
        pid_file,
    })
}

fn configuration(folder: &Path, sync_always: bool) -> String {
    let sync = if sync_always {
        "sync_interval: always"
    } else {
        "# sync_interval: the server's default"
    };
    let folder = quoted(folder);
    format!(
        r#"# Written by laureate at each start.
host: "127.0.0.1"
port: -1
server_name: "laureate"
max_payload: 8MB
pid_file: "{folder}/nats.pid"
ports_file_dir: "{folder}"
jetstream {{
  store_dir: "{folder}/store"
  {sync}
}}
"#
    )
}

/// Escapes a path for a quoted string in a configuration file.
pub(super) fn quoted(path: &Path) -> String {
    path.to_string_lossy()
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
}

/// Waits until the server has written its port to a file and JetStream responds. Returns the URL.
async fn ready(process: &mut ServerProcess, folder: &Path) -> Result<String, StackError> {
    let start = Instant::now();
    loop {
        if let Some(port) = port_in(folder) {
            let url = format!("nats://127.0.0.1:{port}");
            if jetstream_answers(&url).await {
                return Ok(url);
            }
        }
        process.starting(start, READY_WITHIN).await?;
    }
}

/// Returns true if JetStream responds. A cluster responds only if it has a leader.
pub(super) async fn jetstream_answers(url: &str) -> bool {
    let options = async_nats::ConnectOptions::new().connection_timeout(Duration::from_secs(2));
    let Ok(client) = options.connect(url).await else {
        return false;
    };
    async_nats::jetstream::new(client)
        .query_account()
        .await
        .is_ok()
}

fn ports_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "ports"))
        .collect()
}

/// Removes the ports files of a killed server.
fn remove_ports_files(folder: &Path) {
    for path in ports_files(folder) {
        let _ = fs::remove_file(path);
    }
}

/// Returns the port from the ports file. Its content looks like `{"nats":
/// ["nats://127.0.0.1:43210"], …}`.
fn port_in(folder: &Path) -> Option<u16> {
    let text = fs::read_to_string(ports_files(folder).first()?).ok()?;
    let ports: serde_json::Value = serde_json::from_str(&text).ok()?;
    let url = ports["nats"][0].as_str()?;
    url.rsplit(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_read_from_the_ports_file_of_the_server() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(port_in(folder.path()), None);
        let path = folder.path().join("nats-server_7.ports");
        fs::write(&path, r#"{"nats":["nats://127.0.0.1:43210"]}"#).unwrap();
        assert_eq!(port_in(folder.path()), Some(43210));
        remove_ports_files(folder.path());
        assert!(!path.exists());
    }

    #[test]
    fn quotation_marks_in_the_folder_path_are_escaped() {
        let text = configuration(Path::new("/tmp/a \"b\""), true);
        assert!(
            text.contains(r#"store_dir: "/tmp/a \"b\"/store""#),
            "{text}"
        );
        assert!(text.contains("sync_interval: always"));
    }
}
