//! Settings of outgoing mail: server, sender and limits.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::domain::Secret;
use crate::domain::certification::mail::OnUnknown;

/// Protection of the connection to the mail server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// No encryption. Suitable for a relay on the same machine, a trusted network, or a mail
    /// catcher.
    None,
    /// The connection starts unencrypted and changes to TLS with STARTTLS (RFC 3207). A server
    /// without STARTTLS is rejected.
    #[default]
    StartTls,
    /// TLS from the first byte (RFC 8314), usually on port 465.
    Tls,
}

/// Settings of outgoing mail.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// Host name or IP address of the mail server. Its TLS certificate must match this name.
    pub host: String,
    /// TCP port. Default 587, the submission port (RFC 6409).
    #[serde(default = "default_port")]
    pub port: u16,
    /// Protection of the connection. Default `starttls`.
    #[serde(default)]
    pub security: Security,
    /// Path of a PEM file with the server's certificate authority, if it is not a publicly trusted
    /// one.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// User name, if the server requires login. The connection must then be encrypted, unless the
    /// server is on the same machine.
    #[serde(default)]
    pub username: Option<String>,
    /// Password for `username`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Display name in the From header.
    pub from_name: String,
    /// Address in the From header and the envelope. Bounces are sent to it.
    pub from_address: String,
    /// Address in the Reply-To header. Needed only if replies go to another address.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// Maximum number of connections for certificates, 1 to 256. Default 8.
    #[serde(default = "default_max_connections")]
    pub max_connections: usize,
    /// Maximum number of further connections for certificates that wait for a slow answer, 1 to
    /// 1024. Default 8. Notices have half as many.
    #[serde(default = "default_max_slow_connections")]
    pub max_slow_connections: usize,
    /// Maximum number of connections for notices to users, 1 to 256. Default 2.
    #[serde(default = "default_notice_connections")]
    pub notice_connections: usize,
    /// Time limit in seconds for each step before the message: connecting, TLS, and each command.
    /// Default 30.
    #[serde(default = "default_timeout_seconds")]
    pub timeout_seconds: u64,
    /// Time limit in seconds for the transfer of a message and for the reply to it. The default is
    /// 600, as RFC 5321 section 4.5.3.2.6 requires. With a shorter limit, more mails have an
    /// unknown outcome.
    #[serde(default = "default_message_timeout_seconds")]
    pub message_timeout_seconds: u64,
    /// Time in seconds after which an answer is slow. While the server takes longer, for example
    /// because it checks the message, another mail uses the place of this one. Default 10.
    #[serde(default = "default_slow_after_seconds")]
    pub slow_after_seconds: u64,
    /// Delay in seconds before the second attempt to send a certificate, after a temporary failure.
    /// Each further delay is 4 times as long, and each is varied at random by half. Default 60. For
    /// notices to users, it is a quarter of this, and doubles.
    #[serde(default = "default_first_retry_seconds")]
    pub first_retry_seconds: u64,
    /// Policy for a mail with an unknown outcome, which may have been sent. With `park`, a person
    /// decides, and the mail arrives at most once. With `retry`, the mail is sent again with the
    /// same Message-ID, and it may arrive twice.
    #[serde(default)]
    pub on_unknown: OnUnknown,
    /// Name for EHLO, preferably a domain name of the sender. Default: the domain of the From
    /// address.
    #[serde(default)]
    pub helo_name: Option<String>,
}

impl MailSettings {
    /// Returns the time limit for each step before the message.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }

    /// Returns the maximum number of further connections for notices that wait for a slow answer.
    #[must_use]
    pub const fn slow_notice_connections(&self) -> usize {
        self.max_slow_connections.div_ceil(2)
    }

    pub(super) const fn slow_after(&self) -> Duration {
        Duration::from_secs(self.slow_after_seconds)
    }

    /// Returns the time limit for the transfer of a message and for the reply to it.
    #[must_use]
    pub const fn message_timeout(&self) -> Duration {
        Duration::from_secs(self.message_timeout_seconds)
    }

    /// Checks the rules that the types can't express.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`] with the name of the first invalid setting.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.host.trim().is_empty()
            || self
                .host
                .chars()
                .any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(SettingsError::Invalid(
                "host",
                "must be a host name or an IP address",
            ));
        }
        if self.port == 0 {
            return Err(SettingsError::Invalid(
                "port",
                "must be between 1 and 65535",
            ));
        }
        if !(1..=256).contains(&self.max_connections) {
            return Err(SettingsError::Invalid(
                "max_connections",
                "must be between 1 and 256",
            ));
        }
        if !(1..=1024).contains(&self.max_slow_connections) {
            return Err(SettingsError::Invalid(
                "max_slow_connections",
                "must be between 1 and 1024",
            ));
        }
        if !(1..=256).contains(&self.notice_connections) {
            return Err(SettingsError::Invalid(
                "notice_connections",
                "must be between 1 and 256",
            ));
        }
        if !(1..=3600).contains(&self.timeout_seconds) {
            return Err(SettingsError::Invalid(
                "timeout_seconds",
                "must be between 1 and 3600",
            ));
        }
        if !(1..=3600).contains(&self.message_timeout_seconds) {
            return Err(SettingsError::Invalid(
                "message_timeout_seconds",
                "must be between 1 and 3600",
            ));
        }
        if !(1..=3600).contains(&self.slow_after_seconds) {
            return Err(SettingsError::Invalid(
                "slow_after_seconds",
                "must be between 1 and 3600",
            ));
        }
        if !(1..=3600).contains(&self.first_retry_seconds) {
            return Err(SettingsError::Invalid(
                "first_retry_seconds",
                "must be between 1 and 3600",
            ));
        }
        if self.from_name.chars().any(char::is_control) {
            return Err(SettingsError::Invalid(
                "from_name",
                "must not contain line breaks or control characters",
            ));
        }
        match (&self.username, &self.password) {
            (Some(_), None) => {
                return Err(SettingsError::Invalid(
                    "password",
                    "is missing although username is set",
                ));
            }
            (None, Some(_)) => {
                return Err(SettingsError::Invalid(
                    "username",
                    "is missing although password is set",
                ));
            }
            (Some(_), Some(_)) if self.security == Security::None && !self.is_on_this_machine() => {
                return Err(SettingsError::Invalid(
                    "security",
                    "must be starttls or tls when a password is sent to another machine",
                ));
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns true if the mail server is on the same machine, where nobody can intercept the
    /// connection.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// Error in the mail settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A field has an invalid value.
    #[error("mail setting `{0}` {1}")]
    Invalid(&'static str, &'static str),
    /// The TLS library rejected the host name or the TLS configuration.
    #[error("mail setting `host` cannot be used for TLS: {0}")]
    Tls(String),
    /// The file of the certificate authority can't be read.
    #[error("mail setting `ca_file` cannot be used: {0}")]
    CaFile(String),
    /// An embedded template can't be parsed.
    #[error("a mail template cannot be parsed: {0}")]
    Template(#[from] minijinja::Error),
}

const fn default_port() -> u16 {
    587
}

const fn default_max_connections() -> usize {
    8
}

const fn default_max_slow_connections() -> usize {
    8
}

const fn default_notice_connections() -> usize {
    2
}

const fn default_timeout_seconds() -> u64 {
    30
}

const fn default_message_timeout_seconds() -> u64 {
    600
}

const fn default_slow_after_seconds() -> u64 {
    10
}

const fn default_first_retry_seconds() -> u64 {
    60
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(extra: &str) -> Result<MailSettings, serde_json::Error> {
        serde_json::from_str(&format!(
            r#"{{"host": "mail.example.org", "from_name": "Academy", "from_address": "a@example.org"{extra}}}"#
        ))
    }

    #[test]
    fn defaults_are_submission_with_starttls() {
        let settings = settings("").expect("these fields are enough");
        assert_eq!(
            (settings.port, settings.security, settings.max_connections),
            (587, Security::StartTls, 8)
        );
        settings.check().expect("the defaults are valid");
    }

    #[test]
    fn an_unknown_field_is_named() {
        let error = settings(r#", "hots": 1"#).expect_err("unknown fields are refused");
        assert!(error.to_string().contains("hots"), "{error}");
    }

    #[test]
    fn password_requires_encryption_except_to_this_machine() {
        let credentials = r#", "security": "none", "username": "u", "password": "hunter2""#;
        let remote = settings(credentials).expect("well-formed");
        assert_eq!(
            remote.check().expect_err("refused").to_string(),
            "mail setting `security` must be starttls or tls when a password is sent to another machine"
        );
        let local = MailSettings {
            host: "127.0.0.1".to_owned(),
            ..remote
        };
        local.check().expect("loopback is not a network");
        assert!(!format!("{local:?}").contains("hunter2"));
    }

    #[test]
    fn invalid_values_are_refused_with_their_field() {
        for (extra, field) in [
            (r#", "port": 0"#, "port"),
            (r#", "max_connections": 0"#, "max_connections"),
            (r#", "max_slow_connections": 0"#, "max_slow_connections"),
            (r#", "notice_connections": 0"#, "notice_connections"),
            (r#", "timeout_seconds": 0"#, "timeout_seconds"),
            (
                r#", "message_timeout_seconds": 4000"#,
                "message_timeout_seconds",
            ),
            (r#", "slow_after_seconds": 0"#, "slow_after_seconds"),
            (r#", "first_retry_seconds": 0"#, "first_retry_seconds"),
            (r#", "username": "u""#, "password"),
            (r#", "password": "p""#, "username"),
        ] {
            let error = settings(extra)
                .expect("well-formed")
                .check()
                .expect_err(field)
                .to_string();
            assert!(error.contains(&format!("`{field}`")), "{error}");
        }
    }
}
