//! Servers that all tests of a run share. `laureate with-servers` passes their addresses in
//! environment variables. If these are absent, this process starts servers, which end together with
//! it.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use laureate::dev_stack::{NatsCluster, Stack, StackOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Addresses of the servers. Each test has its own [`super::Namespace`] and its own e-mail
/// addresses, so that tests do not affect each other.
pub struct Servers {
    pub nats_url: String,
    pub postgres_url: String,
    pub smtp_addr: SocketAddr,
    pub mail_dir: PathBuf,
    s3_url: Option<String>,
    /// Servers that this process has started.
    _own: Option<Stack>,
}

/// Returns the path of the `laureate` program of this build.
pub fn laureate() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_laureate"))
}

/// Returns the addresses of the three nodes of the shared cluster. The first call starts the
/// cluster if it is not running. The nodes may not have elected a leader yet; see
/// [`super::nats_cluster`].
pub fn nats_cluster_urls() -> &'static [String] {
    static CLUSTER: OnceLock<(Vec<String>, Option<NatsCluster>)> = OnceLock::new();
    let of_run = || {
        let urls = env::var("LAUREATE_TEST_NATS_CLUSTER_URL").ok()?;
        Some((urls.split(',').map(str::to_owned).collect(), None))
    };
    let of_this_process = || {
        let start = NatsCluster::start(Some(laureate().to_path_buf()));
        let cluster = started(start).unwrap_or_else(|error| panic!("{error}"));
        (cluster.urls(), Some(cluster))
    };
    &CLUSTER
        .get_or_init(|| of_run().unwrap_or_else(of_this_process))
        .0
}

/// Runs `start` on a new thread, because the caller may be inside a runtime.
fn started<T: Send + 'static>(start: impl Future<Output = T> + Send + 'static) -> T {
    let run = move || {
        tokio::runtime::Runtime::new()
            .expect("a runtime")
            .block_on(start)
    };
    std::thread::spawn(run)
        .join()
        .expect("starting does not panic")
}

/// Returns the shared servers. The first call starts them if they are not running.
pub fn servers() -> &'static Servers {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    SERVERS.get_or_init(|| Servers::from_environment().unwrap_or_else(Servers::start))
}

impl Servers {
    fn from_environment() -> Option<Self> {
        let value = |name: &str| env::var(format!("LAUREATE_TEST_{name}")).ok();
        Some(Self {
            nats_url: value("NATS_URL")?,
            postgres_url: value("POSTGRES_URL")?,
            smtp_addr: value("SMTP_ADDR")?.parse().expect("an address with port"),
            mail_dir: value("MAIL_DIR")?.into(),
            s3_url: value("S3_URL"),
            _own: None,
        })
    }

    fn start() -> Self {
        let options = StackOptions {
            supervisor: Some(laureate().to_path_buf()),
            ..StackOptions::for_tests()
        };
        let stack = started(Stack::start(options)).unwrap_or_else(|error| panic!("{error}"));
        Self {
            nats_url: stack.nats_url().to_owned(),
            postgres_url: stack.postgres_url().to_owned(),
            smtp_addr: stack.smtp_addr(),
            mail_dir: stack.mail_dir().to_path_buf(),
            s3_url: stack.s3_url().map(str::to_owned),
            _own: Some(stack),
        }
    }

    /// Returns the URL of an S3 server that accepts any credentials.
    pub fn s3_url(&self) -> &str {
        self.s3_url
            .as_deref()
            .expect("the S3 server is installed: run `make setup-test`")
    }

    /// Creates a bucket. The `object_store` crate has no function for this.
    pub async fn make_s3_bucket(&self, name: &str) {
        let address = self.s3_url().trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.expect("S3 answers");
        let request = format!(
            "PUT /{name} HTTP/1.0\r\nHost: {address}\r\nContent-Length: 0\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        assert!(answer.contains(" 200 "), "bucket {name}: {answer}");
    }
}
