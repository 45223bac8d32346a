//! Connection to nats-server: addresses, authentication, TLS.

use std::path::Path;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, ServerAddr};
use thiserror::Error;

use crate::domain::Secret;

/// Timeout for one answer of the server.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Interval of pings. A server that hangs without closing its connections is replaced by another node after
/// 3 pings without an answer.
const PING_EVERY: Duration = Duration::from_secs(10);

/// Connection settings, borrowed from the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// `nats://` or `tls://user:password@host:port`; several addresses are separated by commas.
    pub url: &'a Secret,
    /// File with a JWT and a key seed, as written by `nsc generate creds`.
    pub credentials: Option<&'a Path>,
    /// PEM file of the certificate authority that signed the server's certificate, if the system doesn't
    /// trust it.
    pub ca_file: Option<&'a Path>,
}

/// Error of connecting. Contains neither user nor password.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The address can't be parsed.
    #[error("nats.url is not usable; give nats://user:password@host:port")]
    Url,
    /// The credentials file can't be used.
    #[error("nats.credentials: {0}")]
    Credentials(std::io::Error),
    /// The server can't be reached or refuses the connection.
    #[error("the event log's server is not available: {0}")]
    Unavailable(String),
}

/// Connects to the server. The client reconnects by itself if the connection breaks later.
///
/// # Errors
/// The server can't be reached within the time `within`, or refuses the log-in. An address or the
/// credentials file is not usable.
pub async fn connect(address: Address<'_>, within: Duration) -> Result<Client, ConnectError> {
    let servers: Vec<ServerAddr> = address
        .url
        .reveal()
        .split(',')
        .map(|server| server.trim().parse())
        .collect::<Result<_, _>>()
        .map_err(|_| ConnectError::Url)?;
    let mut options =
        ConnectOptions::new().name("laureate").request_timeout(Some(ANSWER_WITHIN)).ping_interval(PING_EVERY);
    // async-nats doesn't use the user and password of the address by itself.
    if let Some((user, password)) = servers.iter().find_map(|s| s.username().zip(s.password())) {
        options = options.user_and_password(user.to_owned(), password.to_owned());
    }
    if let Some(file) = address.credentials {
        options = options.credentials_file(file).await.map_err(ConnectError::Credentials)?;
    }
    if let Some(file) = address.ca_file {
        options = options.add_root_certificates(file.to_owned());
    }
    match tokio::time::timeout(within, options.connect(servers)).await {
        Ok(client) => client.map_err(|error| ConnectError::Unavailable(error.to_string())),
        Err(_) => Err(ConnectError::Unavailable(format!("it did not answer within {} s", within.as_secs()))),
    }
}
