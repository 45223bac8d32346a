//! Connection to nats-server: addresses, authentication, TLS.

use std::path::Path;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;
use thiserror::Error;

use crate::domain::Secret;

/// Timeout for one response of the server.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Interval of pings. If a server hangs without closing its connections, the client connects to
/// another node after 3 pings without a response.
const PING_EVERY: Duration = Duration::from_secs(10);

/// Connection settings, borrowed from the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// `nats://` or `tls://user:password@host:port`; several addresses are separated by commas. In
    /// the user and password, `@ : / ? # % ,` are percent-encoded.
    pub url: &'a Secret,
    /// File with a JWT and a key seed, as written by `nsc generate creds`.
    pub credentials: Option<&'a Path>,
    /// PEM file of the certificate authority that signed the server's certificate, if the system
    /// doesn't trust it.
    pub ca_file: Option<&'a Path>,
}

/// Error of connecting. Contains neither user nor password.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The address can't be parsed.
    #[error(
        "nats.url is not usable; give nats://user:password@host:port, with @ : / ? # % , encoded as in %40"
    )]
    Url,
    /// Two addresses have different users or passwords. The client uses the same user and password
    /// for all servers.
    #[error("nats.url has addresses with different users or passwords; give the same at each")]
    Differ,
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
/// The server can't be reached within the time `within`, or rejects the login. An address or the
/// credentials file is not usable.
pub async fn connect(address: Address<'_>, within: Duration) -> Result<Client, ConnectError> {
    let servers: Vec<ServerAddr> = address
        .url
        .reveal()
        .split(',')
        .map(|server| server.trim().parse())
        .collect::<Result<_, _>>()
        .map_err(|_| ConnectError::Url)?;
    let mut options = ConnectOptions::new()
        .name("laureate")
        .request_timeout(Some(ANSWER_WITHIN))
        .ping_interval(PING_EVERY);
    // async-nats ignores the user and password in the address.
    if let Some((user, password)) = login(&servers)? {
        options = options.user_and_password(user, password);
    }
    if let Some(file) = address.credentials {
        options = options
            .credentials_file(file)
            .await
            .map_err(ConnectError::Credentials)?;
    }
    if let Some(file) = address.ca_file {
        options = options.add_root_certificates(file.to_owned());
    }
    match tokio::time::timeout(within, options.connect(servers)).await {
        Ok(client) => client.map_err(|error| ConnectError::Unavailable(error.to_string())),
        Err(_) => Err(ConnectError::Unavailable(format!(
            "it did not respond within {} s",
            within.as_secs()
        ))),
    }
}

/// Returns the decoded user and password of the addresses. They also apply to addresses without a
/// user and password.
fn login(servers: &[ServerAddr]) -> Result<Option<(String, String)>, ConnectError> {
    let decoded = |text: &str| {
        let text = percent_decode_str(text)
            .decode_utf8()
            .map_err(|_| ConnectError::Url)?;
        Ok::<_, ConnectError>(text.into_owned())
    };
    let mut found = None;
    for server in servers {
        let given = match (server.username(), server.password()) {
            (None, None) => continue,
            (Some(user), Some(password)) => Some((decoded(user)?, decoded(password)?)),
            _ => return Err(ConnectError::Url),
        };
        if found.is_some() && found != given {
            return Err(ConnectError::Differ);
        }
        found = given;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login_of(addresses: &[&str]) -> Result<Option<(String, String)>, String> {
        let servers: Vec<ServerAddr> = addresses.iter().map(|a| a.parse().expect(a)).collect();
        login(&servers).map_err(|error| error.to_string())
    }

    #[test]
    fn user_and_password_are_decoded() {
        for (address, user, password) in [
            ("nats://ada:secret@host:4222", "ada", "secret"),
            ("nats://a%40b:p%3A%2F%40%25%2C@host", "a@b", "p:/@%,"),
            ("tls://%C3%A1:%C3%B1@host", "á", "ñ"),
            ("nats://ada:50%off@host", "ada", "50%off"),
            ("nats://ada:two words@host", "ada", "two words"),
        ] {
            assert_eq!(
                login_of(&[address]),
                Ok(Some((user.to_owned(), password.to_owned()))),
                "{address}"
            );
        }
        assert_eq!(login_of(&["nats://host:4222"]), Ok(None));
    }

    #[test]
    fn addresses_with_different_credentials_are_refused() {
        let same = Ok(Some(("ada".to_owned(), "p@ss".to_owned())));
        assert_eq!(
            login_of(&["nats://ada:p%40ss@a", "nats://ada:p%40ss@b", "nats://c"]),
            same
        );
        assert_eq!(login_of(&["nats://c", "nats://ada:p%40ss@a"]), same);
        for other in ["nats://bob:p%40ss@b", "nats://ada:other@b"] {
            let error = login_of(&["nats://ada:p%40ss@a", other]).expect_err(other);
            assert!(
                error.contains("different users or passwords") && !error.contains("p@ss"),
                "{error}"
            );
        }
    }

    #[test]
    fn incomplete_or_damaged_login_is_refused() {
        for address in [
            "nats://ada@host",
            "nats://:secret@host",
            "nats://ada:%FF@host",
        ] {
            let error = login_of(&[address]).expect_err(address);
            assert!(
                error.contains("nats.url is not usable") && !error.contains("secret"),
                "{error}"
            );
        }
    }
}
