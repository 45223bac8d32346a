//! Connecting to the event log's server: addresses, log-in, TLS.

use std::path::Path;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, ServerAddr};
use thiserror::Error;

use crate::domain::Secret;

/// How long one answer of the server may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How often the server is asked for a sign of life. One that hangs without closing its connections
/// is left for another node after three questions without an answer.
const PING_EVERY: Duration = Duration::from_secs(10);

/// How to reach the server. Borrowed from the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// `nats://` or `tls://user:password@host:port`; several with commas.
    pub url: &'a Secret,
    /// A file with JWT and key seed, as `nsc generate creds` writes it.
    pub credentials: Option<&'a Path>,
    /// PEM file of the authority that signed the server's certificate, where the system doesn't know it.
    pub ca_file: Option<&'a Path>,
}

/// There is no connection. Shows neither user nor password.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The address can't be read.
    #[error("nats.url is not usable; give nats://user:password@host:port")]
    Url,
    /// The credentials can't be used.
    #[error("nats.credentials: {0}")]
    Credentials(std::io::Error),
    /// The server is not there or refuses us.
    #[error("the event log's server is not available: {0}")]
    Unavailable(String),
}

/// Connects, and goes on connecting when the connection breaks later.
///
/// # Errors
/// The server can't be reached within that time, or refuses the log-in.
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
    // async-nats does not take user and password from the address by itself.
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
