//! The complete program in this process, on the servers of the suite, with a client and an
//! administrator.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use laureate::app::{App, Extras, Role};
use laureate::cli::admin;
use laureate::config::{Config, Sources};
use laureate::domain::accounts::user::Profile;
use laureate::sandbox::Sandbox;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Namespace, laureate, nats_cluster, servers};

/// Running program. It stops when this value is dropped.
pub struct TestApp {
    pub app: App,
    pub address: SocketAddr,
    /// Address of the management listener.
    pub management: SocketAddr,
    pub client: reqwest::Client,
    pub email: String,
    pub password: String,
    /// Number of seconds by which the clock of the program is ahead.
    ahead: Arc<AtomicI64>,
    shutdown: CancellationToken,
    storage: TempDir,
    /// Removes the streams and schemas when it is dropped.
    namespace: Namespace,
}

impl TestApp {
    /// Starts all roles and creates an administrator.
    pub async fn start() -> Self {
        Self::with_roles(&Role::ALL, &[]).await
    }

    /// Starts all roles, with the log on the shared cluster.
    pub async fn on_cluster() -> Self {
        let urls = format!("nats.url={}", nats_cluster().await.join(","));
        Self::start_in(
            Namespace::on_cluster(),
            &Role::ALL,
            &[&urls, "nats.replicas=3"],
        )
        .await
    }

    /// Starts some roles, with additional settings of the form `KEY=VALUE`.
    pub async fn with_roles(roles: &[Role], settings: &[&str]) -> Self {
        Self::start_in(Namespace::new(), roles, settings).await
    }

    async fn start_in(namespace: Namespace, roles: &[Role], settings: &[&str]) -> Self {
        let storage = TempDir::new().expect("a temporary folder");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let config = config(&namespace, &storage, address, settings);
        let app = App::connect(config).await.expect("the servers are there");
        let app = app.with_sandbox(Sandbox::new(laureate().to_path_buf()));
        let ahead = Arc::new(AtomicI64::new(0));
        let by = ahead.clone();
        let app = app.with_clock(Arc::new(move || {
            OffsetDateTime::now_utc() + time::Duration::seconds(by.load(Ordering::Relaxed))
        }));
        app.prepare().await.expect("prepared");
        let shutdown = CancellationToken::new();
        let extras = Extras {
            listener: Some(listener),
            caught_mails: Some(servers().mail_dir.clone()),
        };
        let running = app
            .start(roles, extras, shutdown.clone())
            .await
            .expect("started");
        let management = running.management_address().expect("configured");
        tokio::spawn(running.wait());
        // reqwest is built without a TLS provider. Plain HTTP does not need one, but the client
        // can't be created without it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .build()
            .expect("a client");
        let email = format!("admin@{namespace}.example.com");
        let password = admin::made_up_password();
        let profile = Profile {
            user_name: format!("admin-{namespace}").into(),
            name: "Ada".to_owned().into(),
            last_name: "Admin".to_owned().into(),
            email: email.clone().into(),
        };
        let position = admin::create(&app, profile, &password, None)
            .await
            .expect("an admin");
        app.readers()
            .wait_for(position, Duration::from_secs(60))
            .await
            .expect("the tables catch up");
        Self {
            app,
            address,
            management,
            client,
            email,
            password,
            ahead,
            shutdown,
            storage,
            namespace,
        }
    }

    /// Advances the clock of the program, without waiting.
    pub fn pass(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Returns an absolute URL.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Logs the administrator in and returns the access token.
    pub async fn token(&self) -> String {
        let body = json!({ "email": self.email, "password": self.password });
        let answer = self
            .client
            .post(self.url("/api/v1/auth/login"))
            .json(&body)
            .send()
            .await
            .expect("answered");
        let answer: Value = answer.json().await.expect("JSON");
        answer["data"]["access_token"]
            .as_str()
            .unwrap_or_else(|| panic!("no token in {answer}"))
            .to_owned()
    }

    /// Stops the program in the same way as a signal does.
    pub fn stop(&self) {
        self.shutdown.cancel();
    }

    /// Starts another API on the same log and tables. Returns its address. It stops together with
    /// this program.
    pub async fn second_api(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let extras = Extras {
            listener: Some(listener),
            caught_mails: None,
        };
        let running = self
            .app
            .start(&[Role::Api], extras, self.shutdown.clone())
            .await
            .expect("started");
        tokio::spawn(running.wait());
        address
    }

    /// Starts another process with the API role, and with other settings of the form `KEY=VALUE`.
    /// Returns its address.
    pub async fn second_api_with(&self, settings: &[&str]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let config = config(&self.namespace, &self.storage, address, settings);
        let app = App::connect(config).await.expect("the servers are there");
        let app = app.with_sandbox(Sandbox::new(laureate().to_path_buf()));
        let extras = Extras {
            listener: Some(listener),
            caught_mails: None,
        };
        let running = app
            .start(&[Role::Api], extras, self.shutdown.clone())
            .await
            .expect("started");
        tokio::spawn(running.wait());
        address
    }

    /// Returns the folder of stored objects.
    pub fn storage(&self) -> &std::path::Path {
        self.storage.path()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Returns a configuration that uses the servers of the suite.
fn config(
    namespace: &Namespace,
    storage: &TempDir,
    address: SocketAddr,
    settings: &[&str],
) -> Config {
    let servers = servers();
    let stack = vec![
        ("namespace", namespace.name().to_owned()),
        ("log_format", "text".to_owned()),
        ("nats.url", servers.nats_url.clone()),
        ("database.url", servers.postgres_url.clone()),
        ("database.connections", "6".to_owned()),
        ("storage.url", storage.path().to_string_lossy().into_owned()),
        ("mail.host", servers.smtp_addr.ip().to_string()),
        ("mail.port", servers.smtp_addr.port().to_string()),
        ("mail.security", "none".to_owned()),
        ("mail.from_name", "Laureate".to_owned()),
        (
            "mail.from_address",
            "certificates@laureate.example".to_owned(),
        ),
        ("http.listen", address.to_string()),
        ("http.public_base_url", format!("http://{address}")),
        ("management.listen", "127.0.0.1:0".to_owned()),
        // Password hashes are cheap here. Other tests check their cost.
        ("http.passwords.memory_kib", "64".to_owned()),
        ("http.passwords.iterations", "1".to_owned()),
        ("http.passwords.lanes", "1".to_owned()),
        // Tests log in often, all from one address. The limits have their own tests.
        ("http.limits.password_per_minute", "100000".to_owned()),
        ("http.limits.public_per_minute", "100000".to_owned()),
        (
            "secrets.claim_key",
            "claim-key-of-the-tests-0123456789abcdef".to_owned(),
        ),
        (
            "secrets.token_key",
            "token-key-of-the-tests-0123456789abcdef".to_owned(),
        ),
    ];
    let flags = settings
        .iter()
        .map(|setting| (*setting).to_owned())
        .collect();
    Config::load(Sources {
        stack,
        flags,
        ..Sources::default()
    })
    .expect("usable")
}
