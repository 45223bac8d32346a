//! S3 server for tests: moto, from the Python packages that `make test` installs.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::data_dir::DataDir;
use super::postgres::free_port;
use super::server_process::{Launch, ServerProcess};
use super::supervise::StopSignal;
use super::{StackError, programs};

const READY_WITHIN: Duration = Duration::from_secs(60);
const PORT_ATTEMPTS: u32 = 5;

/// Running S3 server.
#[derive(Debug)]
pub(crate) struct S3 {
    pub process: ServerProcess,
    pub url: String,
}

/// Starts the server. Returns `None` if its packages are not installed.
pub(crate) async fn start(data: &DataDir, supervisor: &Path) -> Result<Option<S3>, StackError> {
    let Some(packages) = programs::s3_packages() else {
        return Ok(None);
    };
    let mut attempt = 0;
    loop {
        attempt += 1;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let mut process = Launch {
            name: "the S3 test server (moto)",
            command: vec![
                packages.python.clone().into(),
                "-m".into(),
                "moto.server".into(),
                "-H".into(),
                address.ip().to_string().into(),
                "-p".into(),
                address.port().to_string().into(),
            ],
            env: vec![
                ("PYTHONPATH", packages.folder.clone().into()),
                ("PYTHONDONTWRITEBYTECODE", "1".into()),
            ],
            log: data.root().join("s3.log"),
            stop_signal: StopSignal::Terminate,
            grace: Duration::from_secs(5),
            user: None,
            supervisor,
        }
        .start()?;
        match ready(&mut process, address).await {
            Ok(()) => {
                let url = format!("http://{address}");
                return Ok(Some(S3 { process, url }));
            }
            Err(StackError::Ended { log, .. })
                if attempt < PORT_ATTEMPTS && log.contains("in use") => {}
            Err(error) => return Err(error),
        }
    }
}

async fn ready(process: &mut ServerProcess, address: SocketAddr) -> Result<(), StackError> {
    let start = Instant::now();
    loop {
        let answer = tokio::time::timeout(Duration::from_secs(5), ask(address)).await;
        if matches!(answer, Ok(Ok(true))) {
            return Ok(());
        }
        process.starting(start, READY_WITHIN).await?;
    }
}

/// Returns true if the server responds with the XML of S3's list of buckets.
async fn ask(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET / HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(65536).read_to_string(&mut answer).await?;
    Ok(answer.contains("ListAllMyBucketsResult"))
}
