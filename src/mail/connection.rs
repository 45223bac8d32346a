//! Connections to the mail server, and a pool of idle connections.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use lettre::transport::smtp::{
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Certificate, TlsParameters},
    extension::ClientId,
};
use tokio::{net::TcpStream, time::timeout};

use super::settings::{MailSettings, Security, SettingsError};

/// Maximum age of an idle connection. Many servers close idle connections after about one minute.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// Time limit for the final QUIT. Its reply is ignored.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

/// Parameters for connections to the mail server.
pub(super) struct Connector {
    host: String,
    port: u16,
    security: Security,
    tls: TlsParameters,
    credentials: Option<Credentials>,
    hello: ClientId,
    timeout: Duration,
}

impl Connector {
    /// Creates a connector from validated settings. `domain` is the EHLO name if the settings don't
    /// give one.
    pub(super) fn new(settings: &MailSettings, domain: &str) -> Result<Self, SettingsError> {
        let tls = tls_parameters(settings)?;
        let credentials = settings.username.as_ref().zip(settings.password.as_ref());
        let hello = settings.helo_name.as_deref().unwrap_or(domain);
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        if hello.is_empty() || !hello.chars().all(fits) {
            return Err(SettingsError::Invalid(
                "helo_name",
                "must be an ASCII domain name",
            ));
        }
        Ok(Self {
            host: settings.host.clone(),
            port: settings.port,
            security: settings.security,
            tls,
            credentials: credentials.map(|(name, password)| {
                Credentials::new(name.clone(), password.reveal().to_owned())
            }),
            hello: ClientId::Domain(hello.to_owned()),
            timeout: settings.timeout(),
        })
    }

    /// Opens a connection and performs the steps that the settings require: greeting, STARTTLS and
    /// login. The error describes the failed step and its cause. Callers treat every error as
    /// temporary, because even a rejected login doesn't depend on the mail.
    pub(super) async fn connect(&self) -> Result<AsyncSmtpConnection, String> {
        let mut connection = match self.security {
            Security::Tls => {
                let target = (self.host.as_str(), self.port);
                let tls = Some(self.tls.clone());
                let opening = AsyncSmtpConnection::connect_tokio1(
                    target,
                    Some(self.timeout),
                    &self.hello,
                    tls,
                    None,
                );
                self.step("connecting with TLS", opening).await?
            }
            Security::None | Security::StartTls => {
                let socket = self.step("connecting", self.open_socket()).await?;
                let greeting =
                    AsyncSmtpConnection::connect_with_transport(Box::new(socket), &self.hello);
                self.step("the server's greeting", greeting).await?
            }
        };
        if self.security == Security::StartTls {
            self.step(
                "STARTTLS",
                connection.starttls(self.tls.clone(), &self.hello),
            )
            .await?;
        }
        if let Some(credentials) = &self.credentials {
            self.step(
                "logging in",
                connection.auth(DEFAULT_MECHANISMS, credentials),
            )
            .await?;
        }
        Ok(connection)
    }

    async fn open_socket(&self) -> std::io::Result<TcpStream> {
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await?;
        // Nagle's algorithm would delay the end-of-data line, which is a small write after a large
        // one.
        socket.set_nodelay(true)?;
        Ok(socket)
    }

    /// Applies the time limit to one step. lettre limits only the opening of the socket.
    async fn step<T, E: std::fmt::Display>(
        &self,
        what: &str,
        action: impl Future<Output = Result<T, E>>,
    ) -> Result<T, String> {
        match timeout(self.timeout, action).await {
            Ok(result) => result.map_err(|error| format!("{what} failed: {error}")),
            Err(_) => Err(format!(
                "{what} took longer than {} s",
                self.timeout.as_secs()
            )),
        }
    }
}

fn tls_parameters(settings: &MailSettings) -> Result<TlsParameters, SettingsError> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(file) = &settings.ca_file {
        let pem = std::fs::read(file).map_err(|error| SettingsError::CaFile(error.to_string()))?;
        let certificate = Certificate::from_pem(&pem)
            .map_err(|error| SettingsError::CaFile(error.to_string()))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder
        .build()
        .map_err(|error| SettingsError::Tls(error.to_string()))
}

/// Pool of idle connections. Only connections whose last dialogue ended without an error are in it.
#[derive(Default)]
pub(super) struct IdleConnections(Mutex<Vec<(AsyncSmtpConnection, Instant)>>);

impl IdleConnections {
    /// Removes and returns the most recently used connection. Closes connections that have been
    /// idle for [`MAX_IDLE`] or longer.
    pub(super) fn take(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < MAX_IDLE);
        idle.pop().map(|(connection, _)| connection)
    }

    /// Returns true if [`Self::take`] may return a connection.
    pub(super) fn has_any(&self) -> bool {
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().any(|(_, since)| since.elapsed() < MAX_IDLE)
    }

    /// Adds a connection to the pool.
    pub(super) fn put(&self, connection: AsyncSmtpConnection) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((connection, Instant::now()));
    }

    /// Sends QUIT on every idle connection and closes it.
    pub(super) async fn close(&self) {
        let idle = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (connection, _) in idle {
            quit(connection).await;
        }
    }
}

/// Sends QUIT and closes the connection.
pub(super) async fn quit(mut connection: AsyncSmtpConnection) {
    // A missing reply makes no difference, because the connection is closed here.
    let _ = timeout(QUIT_TIMEOUT, connection.abort()).await;
}
