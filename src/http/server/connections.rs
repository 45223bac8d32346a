//! Settings of connections and of CORS, with their bounds.

use axum::http::HeaderValue;
use serde::{Deserialize, Serialize};

use crate::domain::web_url;

/// Smallest valid value of `max_head_bytes`.
const LEAST_HEAD_BYTES: usize = 8 << 10;

/// The `[http.connections]` section of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionSettings {
    /// Largest number of open connections. A further connection waits until another one ends.
    pub max_open: usize,
    /// Largest number of open connections of one client address (for IPv6, a network of 64 bits).
    /// Further connections get the response 429. Connections of trusted proxies have no such limit.
    pub max_open_per_client: usize,
    /// Longest time in seconds until the head of a request must have arrived, and for which a
    /// connection may be idle.
    pub head_timeout_seconds: u64,
    /// Longest time in seconds for which a client may send nothing of a request body, or read
    /// nothing of a response.
    pub stall_timeout_seconds: u64,
    /// Slowest rate at which a client may read a response, in bytes per second.
    pub min_bytes_per_second: u32,
    /// Largest number of bytes of response bodies in memory that clients have not read yet. One
    /// client may use a quarter of this number.
    pub max_untaken_bytes: usize,
    /// Size of the largest head of a request, in bytes. The head is the request line and the
    /// headers.
    pub max_head_bytes: usize,
    /// Largest number of headers of a request.
    pub max_headers: usize,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            max_open: 4096,
            max_open_per_client: 256,
            head_timeout_seconds: 30,
            stall_timeout_seconds: 20,
            min_bytes_per_second: 4096,
            max_untaken_bytes: 256 << 20,
            max_head_bytes: 32 << 10,
            max_headers: 100,
        }
    }
}

impl ConnectionSettings {
    /// Returns the first invalid setting and its problem, or `None` if all are valid.
    pub(in crate::http) fn problem(&self) -> Option<(&'static str, &'static str)> {
        let zero = [
            ("connections.max_open", self.max_open as u64),
            (
                "connections.max_open_per_client",
                self.max_open_per_client as u64,
            ),
            (
                "connections.min_bytes_per_second",
                self.min_bytes_per_second.into(),
            ),
            (
                "connections.max_untaken_bytes",
                self.max_untaken_bytes as u64,
            ),
            (
                "connections.head_timeout_seconds",
                self.head_timeout_seconds,
            ),
            (
                "connections.stall_timeout_seconds",
                self.stall_timeout_seconds,
            ),
            ("connections.max_headers", self.max_headers as u64),
        ];
        if let Some((setting, _)) = zero.iter().find(|(_, value)| *value == 0) {
            return Some((setting, "must be at least 1"));
        }
        (self.max_head_bytes < LEAST_HEAD_BYTES)
            .then_some(("connections.max_head_bytes", "must be at least 8192"))
    }
}

/// Parses a comma-separated list of origins, in the form in which browsers send them. Returns
/// `None` if an entry is not an origin.
///
/// The wildcard `*` is rejected, so that the operator names each site whose pages may use the API.
#[must_use]
pub fn origins(list: &str) -> Option<Vec<HeaderValue>> {
    let given = list
        .split(',')
        .map(str::trim)
        .filter(|origin| !origin.is_empty());
    given
        .map(|origin| {
            is_origin(origin)
                .then(|| HeaderValue::from_str(origin).ok())
                .flatten()
        })
        .collect()
}

/// Returns true if `text` is an origin in the form in which browsers send it (RFC 6454 §6.2):
/// scheme and host in lower case, with a port only if it is not the default.
fn is_origin(text: &str) -> bool {
    let origin = web_url(text).map(|url| url.origin().ascii_serialization());
    origin.as_deref() == Some(text) && !text.contains('*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_listed_without_wildcards_or_paths() {
        let known =
            origins("https://console.example.com, http://localhost:5173,").expect("origins");
        assert_eq!(
            known,
            ["https://console.example.com", "http://localhost:5173"]
        );
        assert_eq!(origins(""), Some(Vec::new()));
        for odd in [
            "*",
            "null",
            "https://",
            "https://*.example.com",
            "https://a.b/",
            "https://A.b",
            "ftp://a.b",
            "https://a.b:443",
            "https://u@a.b",
        ] {
            assert_eq!(origins(odd), None, "{odd}");
        }
    }

    #[test]
    fn limits_of_zero_are_rejected() {
        let of = ConnectionSettings::default;
        assert_eq!(of().problem(), None);
        for settings in [
            ConnectionSettings {
                max_open: 0,
                ..of()
            },
            ConnectionSettings {
                max_open_per_client: 0,
                ..of()
            },
            ConnectionSettings {
                min_bytes_per_second: 0,
                ..of()
            },
            ConnectionSettings {
                max_untaken_bytes: 0,
                ..of()
            },
            ConnectionSettings {
                head_timeout_seconds: 0,
                ..of()
            },
            ConnectionSettings {
                max_headers: 0,
                ..of()
            },
            ConnectionSettings {
                max_head_bytes: 100,
                ..of()
            },
        ] {
            assert!(settings.problem().is_some(), "{settings:?}");
        }
    }
}
