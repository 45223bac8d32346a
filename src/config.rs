//! Configuration: defaults < file < environment < flags.
//!
//! Environment variables are `LAUREATE_` and the key in capitals, with `__` for a dot, such as
//! `LAUREATE_DATABASE__URL`. A variable with `_FILE` at its end names a file that holds the value:
//! the way to pass secrets. Unknown keys are refused wherever they come from.
//! `laureate.example.toml` shows every key; a test reads it.

mod effective;
mod error;
mod sources;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::{Secret, SharedEmail, TimeZone};
use crate::event_log::Address;
use crate::http::auth_settings::AuthSettings;
use crate::http::management::ManagementSettings;
use crate::http::settings::HttpSettings;
use crate::http::tokens::{BadKeys, SigningKey};
use crate::mail::MailSettings;
use crate::scheduler::SchedulerSettings;
use crate::sheet::Limits;
use crate::storage::StorageSettings;

pub use effective::{Setting, settings, without_secrets};
pub use error::ConfigError;
pub use sources::{Origin, Origins, Sources, variable};

/// Everything that can be set.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Prefixes every stream, subject and schema: 1–32 lower-case letters, digits or underscores.
    pub namespace: String,
    /// How much is logged, as `tracing` directives, such as `info` or `laureate=debug,info`.
    pub log: String,
    /// `json` for machines, `text` for people.
    pub log_format: LogFormat,
    /// How long work in progress may take to end when the process is asked to stop, in seconds.
    pub shutdown_grace_seconds: u64,
    /// The event log.
    pub nats: NatsConfig,
    /// The query tables.
    pub database: DatabaseConfig,
    /// Files: PDFs, design images, uploads.
    pub storage: StorageSettings,
    /// The mail server.
    pub mail: MailSettings,
    /// The API.
    #[serde(default)]
    pub http: HttpSettings,
    /// Metrics and health, for operators.
    #[serde(default)]
    pub management: ManagementSettings,
    /// How people log in.
    #[serde(default)]
    pub auth: AuthSettings,
    /// Keys.
    pub secrets: SecretsConfig,
    /// Certificates.
    #[serde(default)]
    pub certificates: CertificatesConfig,
    /// People.
    #[serde(default)]
    pub people: PeopleConfig,
    /// Limits of uploaded files.
    #[serde(default)]
    pub import: ImportConfig,
    /// How much is worked on at once.
    #[serde(default)]
    pub workers: WorkersConfig,
    /// What runs by the clock.
    #[serde(default)]
    pub scheduler: SchedulerSettings,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For reading.
    Text,
}

/// The event log's server.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NatsConfig {
    /// Such as `nats://user:password@host:4222`, or `tls://…`; several servers of a cluster with commas.
    pub url: Secret,
    /// A credentials file (JWT and key seed), where the server wants one instead of a password.
    #[serde(default)]
    pub credentials: Option<PathBuf>,
    /// PEM file with the authority of the server's certificate, where the system doesn't know it.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How many servers keep each stream: 1, or 3 or 5 in a cluster. Not given: streams stay as they
    /// are, and new ones get 1.
    #[serde(default)]
    pub replicas: Option<u8>,
}

impl NatsConfig {
    /// How to reach the server.
    #[must_use]
    pub fn address(&self) -> Address<'_> {
        let (credentials, ca_file) = (self.credentials.as_deref(), self.ca_file.as_deref());
        Address { url: &self.url, credentials, ca_file }
    }
}

/// The database.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// Such as `postgres://user:password@host:5432/laureate`.
    pub url: Secret,
    /// The most connections that answers to requests use.
    pub connections: usize,
}

/// Keys that must stay the same for as long as the log lives, but for `token_key`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretsConfig {
    /// Hides what unique values are in the log, and seals second factors there; at least 32 characters, never
    /// to be changed.
    pub claim_key: Secret,
    /// Signs access tokens; at least 32 characters. Another key ends all access tokens.
    #[serde(default)]
    pub token_key: Secret,
    /// Keys with ids, such as `2026-11:KEY, 2026-05:KEY`: the first signs access tokens, all of them and
    /// `token_key` are accepted.
    #[serde(default)]
    pub token_keys: Secret,
}

impl SecretsConfig {
    /// The keys of access tokens, the one that signs first.
    ///
    /// # Errors
    /// There is none, or one can't be used.
    pub fn signing_keys(&self) -> Result<Vec<SigningKey>, BadKeys> {
        SigningKey::list(&self.token_keys, &self.token_key)
    }
}

/// How certificates are issued.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CertificatesConfig {
    /// Time zone in which the date of issuing is meant, as the IANA database names it.
    pub time_zone: TimeZone,
}

/// Rules for people.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeopleConfig {
    /// `refuse`: a second person with an e-mail address is an error. `allow`: people may share addresses, and
    /// the document number tells them apart, or else the name.
    pub shared_email: SharedEmail,
}

/// Limits of uploaded files.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImportConfig {
    /// The most rows of a file.
    pub max_rows: u32,
    /// The most columns of a file.
    pub max_columns: usize,
    /// The most bytes that a compressed file may unfold to.
    pub max_inflated_bytes: u64,
}

impl Default for ImportConfig {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            max_rows: limits.max_rows,
            max_columns: limits.max_columns,
            max_inflated_bytes: limits.max_inflated_bytes,
        }
    }
}

impl ImportConfig {
    /// As the reader takes them; the size is the upload's.
    #[must_use]
    pub fn limits(&self, max_bytes: u64) -> Limits {
        Limits {
            max_bytes,
            max_rows: self.max_rows,
            max_columns: self.max_columns,
            max_inflated_bytes: self.max_inflated_bytes,
            ..Limits::default()
        }
    }
}

/// How much each worker does at once in this process.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkersConfig {
    /// Files that are imported at once.
    pub importer: usize,
    /// Events whose consequences are carried out at once.
    pub processes: usize,
    /// Batches of certificates that are rendered at once; each takes a core.
    pub renderer: usize,
    /// Mails that are under way at once.
    pub mailer: usize,
}

impl Default for WorkersConfig {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self { importer: 2, processes: 64, renderer: cores, mailer: 16 }
    }
}

impl Config {
    /// Puts the sources together and checks the result.
    ///
    /// # Errors
    /// The first thing that can't be used, with its key and where it came from.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        Self::load_with_origins(sources).map(|(config, _)| config)
    }

    /// As [`Self::load`], and tells where each value came from.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_with_origins(sources: Sources) -> Result<(Self, Origins), ConfigError> {
        let (merged, origins) = sources::merge(sources)?;
        let config: Self = serde_path_to_error::deserialize(merged)
            .map_err(|error| ConfigError::of_key(&error, &origins))?;
        config.check(&origins)?;
        Ok((config, origins))
    }

    fn check(&self, origins: &Origins) -> Result<(), ConfigError> {
        let wrong =
            |key: &str, problem: &dyn ToString| Err(ConfigError::value(key, problem.to_string(), origins));
        if let Err(error) = crate::event_log::Names::new(&self.namespace) {
            return wrong("namespace", &error);
        }
        if let Some(Err(error)) = self.nats.replicas.map(crate::event_log::plan::check_replicas) {
            return wrong("nats.replicas", &error);
        }
        if let Err(error) = self.http.check() {
            return wrong(&format!("http.{}", error.setting), &error.problem);
        }
        if let Err(error) = self.auth.check() {
            return wrong(&format!("auth.{}", error.setting), &error.problem);
        }
        if let Err(error) = self.mail.check() {
            return wrong("mail", &error);
        }
        if let Err(error) = self.scheduler.check() {
            return wrong(&format!("scheduler.{}", error.setting), &error.problem);
        }
        if let Err(error) = self.storage.check() {
            return wrong("storage", &error);
        }
        if self.secrets.claim_key.reveal().len() < 32 {
            return wrong("secrets.claim_key", &"give at least 32 random characters");
        }
        if let Err(error) = self.secrets.signing_keys() {
            let key = if self.secrets.token_keys.is_empty() { "token_key" } else { "token_keys" };
            return wrong(&format!("secrets.{key}"), &error);
        }
        let least_one = [
            ("database.connections", self.database.connections),
            ("workers.importer", self.workers.importer),
            ("workers.processes", self.workers.processes),
            ("workers.renderer", self.workers.renderer),
            ("workers.mailer", self.workers.mailer),
        ];
        match least_one.iter().find(|(_, number)| *number == 0) {
            Some((key, _)) => wrong(key, &"must be at least 1"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
