//! Where mail goes out and who it is from.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::domain::Secret;
use crate::domain::email::OnUnknown;

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// No encryption: a relay on this machine or a trusted network, or a mail catcher.
    None,
    /// Plain at first, then STARTTLS (RFC 3207), demanded: a server without it is refused.
    #[default]
    StartTls,
    /// TLS from the first byte (RFC 8314), usually port 465.
    Tls,
}

/// The settings of outgoing mail.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// Host name or IP address of the mail server; the name is also checked against its TLS certificate.
    pub host: String,
    /// TCP port. Default 587, the submission port (RFC 6409).
    #[serde(default = "default_port")]
    pub port: u16,
    /// Protection of the connection. Default `starttls`.
    #[serde(default)]
    pub security: Security,
    /// PEM file with the certificate authority of the mail server, if it is not one that browsers know.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// User name, if the server wants one. Needs a protected connection unless the server is on this machine.
    #[serde(default)]
    pub username: Option<String>,
    /// Password that goes with `username`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Display name in the From header.
    pub from_name: String,
    /// Address in the From header and envelope sender (bounces go there).
    pub from_address: String,
    /// Address in the Reply-To header, if answers should go elsewhere.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// Connections open at the same time, 1 to 256. Default 8.
    #[serde(default = "default_max_connections")]
    pub max_connections: usize,
    /// Limit in seconds for connecting, for TLS and for each command before the message itself. Default 30.
    #[serde(default = "default_timeout_seconds")]
    pub timeout_seconds: u64,
    /// Limit in seconds for handing over a message and for the server's answer to it. Default 600, as
    /// RFC 5321 section 4.5.3.2.6 demands: giving up earlier leaves mails whose outcome is unknown.
    #[serde(default = "default_message_timeout_seconds")]
    pub message_timeout_seconds: u64,
    /// What becomes of a mail whose sending was begun and never told about: `park` leaves it to a person, so
    /// that it arrives once at the most; `retry` sends it again with the same Message-ID, perhaps twice.
    #[serde(default)]
    pub on_unknown: OnUnknown,
    /// The name that we give in EHLO; a domain name of this sender is best. Default: the From address's domain.
    #[serde(default)]
    pub helo_name: Option<String>,
}

impl MailSettings {
    pub(super) const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }

    pub(super) const fn message_timeout(&self) -> Duration {
        Duration::from_secs(self.message_timeout_seconds)
    }

    /// Checks what the types do not.
    ///
    /// # Errors
    /// The first setting that can't be used, by name.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.host.trim().is_empty() || self.host.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(SettingsError::Invalid("host", "must be a host name or an IP address"));
        }
        if self.port == 0 {
            return Err(SettingsError::Invalid("port", "must be between 1 and 65535"));
        }
        if !(1..=256).contains(&self.max_connections) {
            return Err(SettingsError::Invalid("max_connections", "must be between 1 and 256"));
        }
        if !(1..=3600).contains(&self.timeout_seconds) {
            return Err(SettingsError::Invalid("timeout_seconds", "must be between 1 and 3600"));
        }
        if !(1..=3600).contains(&self.message_timeout_seconds) {
            return Err(SettingsError::Invalid("message_timeout_seconds", "must be between 1 and 3600"));
        }
        if self.from_name.chars().any(char::is_control) {
            return Err(SettingsError::Invalid(
                "from_name",
                "must not contain line breaks or control characters",
            ));
        }
        match (&self.username, &self.password) {
            (Some(_), None) => {
                return Err(SettingsError::Invalid("password", "is missing although username is set"));
            }
            (None, Some(_)) => {
                return Err(SettingsError::Invalid("username", "is missing although password is set"));
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

    /// Whether the mail server is on this machine, where nobody listens in.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// What is wrong with the mail settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A field's value cannot be used.
    #[error("mail setting `{0}` {1}")]
    Invalid(&'static str, &'static str),
    /// The TLS library refused the host name or its own set-up.
    #[error("mail setting `host` cannot be used for TLS: {0}")]
    Tls(String),
    /// The file of the certificate authority cannot be read.
    #[error("mail setting `ca_file` cannot be used: {0}")]
    CaFile(String),
    /// A template that is compiled in does not parse.
    #[error("a mail template does not parse: {0}")]
    Template(#[from] minijinja::Error),
}

const fn default_port() -> u16 {
    587
}

const fn default_max_connections() -> usize {
    8
}

const fn default_timeout_seconds() -> u64 {
    30
}

const fn default_message_timeout_seconds() -> u64 {
    600
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
    fn a_password_never_leaves_in_clear() {
        let credentials = r#", "security": "none", "username": "u", "password": "hunter2""#;
        let remote = settings(credentials).expect("well-formed");
        assert_eq!(
            remote.check().expect_err("refused").to_string(),
            "mail setting `security` must be starttls or tls when a password is sent to another machine"
        );
        let local = MailSettings { host: "127.0.0.1".to_owned(), ..remote };
        local.check().expect("loopback is not a network");
        assert!(!format!("{local:?}").contains("hunter2"));
    }

    #[test]
    fn values_out_of_range_are_refused_by_name() {
        for (extra, field) in [
            (r#", "port": 0"#, "port"),
            (r#", "max_connections": 0"#, "max_connections"),
            (r#", "timeout_seconds": 0"#, "timeout_seconds"),
            (r#", "message_timeout_seconds": 4000"#, "message_timeout_seconds"),
            (r#", "username": "u""#, "password"),
            (r#", "password": "p""#, "username"),
        ] {
            let error = settings(extra).expect("well-formed").check().expect_err(field).to_string();
            assert!(error.contains(&format!("`{field}`")), "{error}");
        }
    }
}
