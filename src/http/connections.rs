//! What one connection may cost before a request of it has a handler, and CORS: settings and their limits.

use axum::http::HeaderValue;
use serde::{Deserialize, Serialize};

/// The smallest room for a request's head, in bytes.
const LEAST_HEAD_BYTES: usize = 8 << 10;

/// The `[http.connections]` section of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionSettings {
    /// Connections that are open at once; more wait until one ends.
    pub max_open: usize,
    /// Connections of one address (IPv6: /64) that are open at once, unless it is a trusted proxy; more are
    /// refused with 429.
    pub max_open_per_client: usize,
    /// How long a request's head may take to arrive, and how long a connection may be idle, in seconds.
    pub head_timeout_seconds: u64,
    /// How long a client may send nothing of a body, or take nothing of an answer, in seconds.
    pub stall_timeout_seconds: u64,
    /// The slowest rate at which a client may take an answer, in bytes a second.
    pub min_bytes_per_second: u32,
    /// Bytes of answers that clients have not taken yet: of all, and a quarter of one client.
    pub max_untaken_bytes: usize,
    /// The largest head of a request, in bytes: request line and headers.
    pub max_head_bytes: usize,
    /// The most headers of a request.
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
    /// The first setting that can't be used, and why.
    pub(super) fn problem(&self) -> Option<(&'static str, &'static str)> {
        let zero = [
            ("connections.max_open", self.max_open as u64),
            ("connections.max_open_per_client", self.max_open_per_client as u64),
            ("connections.min_bytes_per_second", self.min_bytes_per_second.into()),
            ("connections.max_untaken_bytes", self.max_untaken_bytes as u64),
            ("connections.head_timeout_seconds", self.head_timeout_seconds),
            ("connections.stall_timeout_seconds", self.stall_timeout_seconds),
            ("connections.max_headers", self.max_headers as u64),
        ];
        if let Some((setting, _)) = zero.iter().find(|(_, value)| *value == 0) {
            return Some((setting, "must be at least 1"));
        }
        (self.max_head_bytes < LEAST_HEAD_BYTES)
            .then_some(("connections.max_head_bytes", "must be at least 8192"))
    }
}

/// The origins in a list with commas, as browsers send them; `None` if one of them is no origin.
///
/// There is no `*`: a page that may use the API is one that the operator knows.
#[must_use]
pub fn origins(list: &str) -> Option<Vec<HeaderValue>> {
    let given = list.split(',').map(str::trim).filter(|origin| !origin.is_empty());
    given.map(|origin| is_origin(origin).then(|| HeaderValue::from_str(origin).ok()).flatten()).collect()
}

/// Scheme, host and perhaps a port, and nothing after it (RFC 6454 §6.2); in lower case, as browsers write it.
fn is_origin(text: &str) -> bool {
    let Some(host) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:[]".contains(c);
    host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && !host.ends_with(':')
        && host.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_named_one_by_one() {
        let known = origins("https://console.example.com, http://localhost:5173,").expect("origins");
        assert_eq!(known, ["https://console.example.com", "http://localhost:5173"]);
        assert_eq!(origins(""), Some(Vec::new()));
        for odd in
            ["*", "null", "https://", "https://*.example.com", "https://a.b/", "https://A.b", "ftp://a.b"]
        {
            assert_eq!(origins(odd), None, "{odd}");
        }
    }

    #[test]
    fn limits_that_refuse_everything_are_refused() {
        let of = ConnectionSettings::default;
        assert_eq!(of().problem(), None);
        for settings in [
            ConnectionSettings { max_open: 0, ..of() },
            ConnectionSettings { max_open_per_client: 0, ..of() },
            ConnectionSettings { min_bytes_per_second: 0, ..of() },
            ConnectionSettings { max_untaken_bytes: 0, ..of() },
            ConnectionSettings { head_timeout_seconds: 0, ..of() },
            ConnectionSettings { max_headers: 0, ..of() },
            ConnectionSettings { max_head_bytes: 100, ..of() },
        ] {
            assert!(settings.problem().is_some(), "{settings:?}");
        }
    }
}
