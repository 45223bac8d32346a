//! Settings of the HTTP interface.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::server::client_address::{ForwardingHeader, TrustedProxies};
use super::server::connections::{ConnectionSettings, origins};
use crate::domain::web_url;

/// The `[http]` section of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Prefix of all paths of the API, such as `/api/v1`. Empty for no prefix.
    pub prefix: String,
    /// Public base URL of this server, or of the CDN in front of it: scheme, host and path, without
    /// `/` at the end.
    pub public_base_url: String,
    /// Size of the largest uploaded file, in bytes.
    pub upload_limit_bytes: u64,
    /// Size of the largest JSON body, in bytes.
    pub json_limit_bytes: usize,
    /// Longest duration of a request, in seconds.
    pub request_timeout_seconds: u64,
    /// Longest duration of a request that uploads a file, in seconds.
    pub upload_timeout_seconds: u64,
    /// Largest number of concurrent requests. Further requests are refused with 503.
    pub max_concurrent_requests: usize,
    /// Largest number of concurrent requests of one client address. Further requests are refused
    /// with 429.
    pub max_concurrent_per_client: usize,
    /// Networks of trusted proxies, separated by commas. Only these proxies may report the address
    /// of a client. Empty for none.
    pub trusted_proxies: TrustedProxies,
    /// Header in which the trusted proxies report the address of the client.
    pub forwarding_header: ForwardingHeader,
    /// Rate limits.
    pub limits: LimitSettings,
    /// Origins whose pages may use the API in a browser, separated by commas. Empty for none.
    pub cors_origins: String,
    /// Data about the person that the public page of a certificate shows.
    pub verification_shows: PersonShown,
    /// Limits of connections.
    pub connections: ConnectionSettings,
    /// Access and refresh tokens.
    pub tokens: TokenSettings,
    /// Cost of password hashes.
    pub passwords: PasswordSettings,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3969)),
            prefix: "/api/v1".to_owned(),
            public_base_url: "http://localhost:3969".to_owned(),
            upload_limit_bytes: 256 << 20,
            json_limit_bytes: 1 << 20,
            request_timeout_seconds: 30,
            upload_timeout_seconds: 120,
            max_concurrent_requests: 512,
            max_concurrent_per_client: 128,
            trusted_proxies: TrustedProxies::default(),
            forwarding_header: ForwardingHeader::default(),
            limits: LimitSettings::default(),
            cors_origins: String::new(),
            verification_shows: PersonShown::default(),
            connections: ConnectionSettings::default(),
            tokens: TokenSettings::default(),
            passwords: PasswordSettings::default(),
        }
    }
}

/// Data about the person that the public page of a certificate shows. Everyone who knows the URL
/// can open this page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PersonShown {
    /// The full name.
    #[default]
    Full,
    /// The first letter of each part of the name.
    Initials,
    /// Nothing.
    Nothing,
}

/// Claims and lifetimes of tokens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenSettings {
    /// The `iss` claim.
    pub issuer: String,
    /// The `aud` claim.
    pub audience: String,
    /// Lifetime of an access token, in seconds.
    pub access_seconds: u32,
    /// Lifetime of a refresh token, in seconds.
    pub refresh_seconds: u32,
    /// Longest lifetime of a session, in seconds. Refreshing does not extend it.
    pub session_seconds: u32,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            issuer: "laureate".to_owned(),
            audience: "laureate-api".to_owned(),
            access_seconds: 15 * 60,
            refresh_seconds: 7 * 24 * 3600,
            session_seconds: 30 * 24 * 3600,
        }
    }
}

/// Rate limits of clients and accounts; see [`super::auth::rate_limit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Calls of routes that accept a password, per minute and address.
    pub password_per_minute: u32,
    /// Calls of expensive public routes, per minute and address.
    pub public_per_minute: u32,
    /// Wrong passwords for one account, per minute and address.
    pub failed_logins_per_minute: u32,
    /// Wrong codes of one user's second factor per hour, from all addresses together.
    pub wrong_codes_per_hour: u32,
    /// Wrong passwords for one account per minute, from all addresses together. Addresses with a
    /// recent successful log-in are not counted.
    pub failed_logins_of_all_per_minute: u32,
    /// Password reset mails to one account, per hour.
    pub reset_links_per_hour: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            password_per_minute: 5,
            public_per_minute: 60,
            failed_logins_per_minute: 5,
            wrong_codes_per_hour: 10,
            failed_logins_of_all_per_minute: 20,
            reset_links_per_hour: 3,
        }
    }
}

/// Parameters of argon2id (RFC 9106 §3.1) for new passwords, and the number of concurrent hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PasswordSettings {
    /// Memory of one hash, in KiB.
    pub memory_kib: u32,
    /// Number of passes over the memory.
    pub iterations: u32,
    /// Number of lanes.
    pub lanes: u32,
    /// Largest number of passwords that are hashed at the same time. Each hash uses `memory_kib`.
    pub max_concurrent: usize,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            memory_kib: 64 * 1024,
            iterations: 3,
            lanes: 4,
            max_concurrent: 4,
        }
    }
}

/// Invalid setting.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{setting} {problem}")]
pub struct HttpSettingsError {
    /// Name of the setting below its section, `http` or `auth`.
    pub setting: &'static str,
    /// Problem, and how to correct it.
    pub problem: &'static str,
}

impl HttpSettings {
    /// Checks the settings for values that the types allow but the program does not.
    ///
    /// # Errors
    /// The first invalid setting.
    pub fn check(&self) -> Result<(), HttpSettingsError> {
        let wrong = |setting, problem| Err(HttpSettingsError { setting, problem });
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
        let prefix_fits = self.prefix.starts_with('/')
            && !self.prefix.ends_with('/')
            && self.prefix.chars().all(plain);
        if !self.prefix.is_empty() && !prefix_fits {
            return wrong(
                "prefix",
                "must start with / and not end with it, such as /api/v1",
            );
        }
        if [
            "/certificate",
            "/certificates",
            "/health",
            "/mails",
            "/reset-password",
            "/verify",
        ]
        .contains(&self.prefix.as_str())
        {
            return wrong(
                "prefix",
                "is a path that the server itself uses; choose another",
            );
        }
        if !is_base_url(&self.public_base_url) {
            return wrong(
                "public_base_url",
                "must be an http or https address without query and without / at the end",
            );
        }
        if origins(&self.cors_origins).is_none() {
            let problem = "must be origins such as https://console.example.com, with commas, in lower case; * is \
                           not taken";
            return wrong("cors_origins", problem);
        }
        if let Some((setting, problem)) = self.connections.problem() {
            return wrong(setting, problem);
        }
        let positive = [
            ("upload_limit_bytes", self.upload_limit_bytes),
            ("json_limit_bytes", self.json_limit_bytes as u64),
            ("request_timeout_seconds", self.request_timeout_seconds),
            ("upload_timeout_seconds", self.upload_timeout_seconds),
            (
                "max_concurrent_requests",
                self.max_concurrent_requests as u64,
            ),
            (
                "max_concurrent_per_client",
                self.max_concurrent_per_client as u64,
            ),
            (
                "limits.password_per_minute",
                u64::from(self.limits.password_per_minute),
            ),
            (
                "limits.public_per_minute",
                u64::from(self.limits.public_per_minute),
            ),
            (
                "limits.failed_logins_per_minute",
                u64::from(self.limits.failed_logins_per_minute),
            ),
            (
                "limits.wrong_codes_per_hour",
                u64::from(self.limits.wrong_codes_per_hour),
            ),
            (
                "limits.failed_logins_of_all_per_minute",
                u64::from(self.limits.failed_logins_of_all_per_minute),
            ),
            (
                "limits.reset_links_per_hour",
                u64::from(self.limits.reset_links_per_hour),
            ),
            (
                "tokens.access_seconds",
                u64::from(self.tokens.access_seconds),
            ),
            (
                "tokens.refresh_seconds",
                u64::from(self.tokens.refresh_seconds),
            ),
            (
                "tokens.session_seconds",
                u64::from(self.tokens.session_seconds),
            ),
            (
                "passwords.max_concurrent",
                self.passwords.max_concurrent as u64,
            ),
        ];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((setting, _)) => wrong(setting, "must be at least 1"),
            None => Ok(()),
        }
    }

    /// Returns true if the public base URL has the scheme https. Responses then tell browsers to
    /// use only https (HSTS).
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_base_url.starts_with("https://")
    }
}

pub(super) fn is_base_url(text: &str) -> bool {
    let url = web_url(text).filter(|url| url.query().is_none() && url.fragment().is_none());
    url.is_some() && !text.ends_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_settings_are_valid() {
        assert_eq!(HttpSettings::default().check(), Ok(()));
    }

    #[test]
    fn invalid_settings_are_rejected_by_name() {
        let settings = HttpSettings::default;
        let refused = [
            (
                "prefix",
                HttpSettings {
                    prefix: "api".to_owned(),
                    ..settings()
                },
            ),
            (
                "prefix",
                HttpSettings {
                    prefix: "/api/".to_owned(),
                    ..settings()
                },
            ),
            (
                "prefix",
                HttpSettings {
                    prefix: "/{x}".to_owned(),
                    ..settings()
                },
            ),
            (
                "prefix",
                HttpSettings {
                    prefix: "/health".to_owned(),
                    ..settings()
                },
            ),
            (
                "public_base_url",
                HttpSettings {
                    public_base_url: "example.com".to_owned(),
                    ..settings()
                },
            ),
            (
                "public_base_url",
                HttpSettings {
                    public_base_url: "https://example.com/".to_owned(),
                    ..settings()
                },
            ),
            (
                "public_base_url",
                HttpSettings {
                    public_base_url: "ftp://example.com".to_owned(),
                    ..settings()
                },
            ),
            (
                "cors_origins",
                HttpSettings {
                    cors_origins: "*".to_owned(),
                    ..settings()
                },
            ),
            (
                "upload_limit_bytes",
                HttpSettings {
                    upload_limit_bytes: 0,
                    ..settings()
                },
            ),
        ];
        for (setting, settings) in refused {
            assert_eq!(
                settings.check().map_err(|error| error.setting),
                Err(setting)
            );
        }
    }

    #[test]
    fn unknown_settings_are_refused() {
        let error =
            serde_json::from_str::<HttpSettings>(r#"{"lisen": 1}"#).expect_err("a typing error");
        assert!(error.to_string().contains("lisen"), "{error}");
    }
}
