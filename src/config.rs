//! Configuration. Sources from weakest to strongest: defaults, file, embedded stack, environment,
//! flags.
//!
//! The name of an environment variable is `LAUREATE_` and the key in capitals, with `__` for each
//! dot, for example `LAUREATE_DATABASE__URL`. If the name has the suffix `_FILE`, the variable
//! gives the path of a file that contains the value, which is useful for secrets. Unknown keys are
//! rejected in every source. `laureate.example.toml` documents every key, and a test loads it.

mod effective;
mod error;
mod sources;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::{Secret, SharedEmail, TimeZone};
use crate::event_log::Address;
use crate::http::auth::auth_settings::AuthSettings;
use crate::http::auth::tokens::{BadKeys, SigningKey};
use crate::http::server::management::ManagementSettings;
use crate::http::settings::HttpSettings;
use crate::mail::MailSettings;
use crate::scheduler::SchedulerSettings;
use crate::spreadsheet::Limits;
use crate::storage::StorageSettings;

pub use effective::{Setting, settings, without_secrets};
pub use error::ConfigError;
pub use sources::{Origin, Origins, Sources, variable};

/// All settings.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Prefix of every stream, subject and schema: 1–32 lower-case letters, digits or underscores.
    pub namespace: String,
    /// Log filter as `tracing` directives, such as `info` or `laureate=debug,info`.
    pub log: String,
    /// `json` for programs, `text` for people.
    pub log_format: LogFormat,
    /// Maximum time after a stop signal for running work to finish, in seconds.
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
    /// Login of users.
    #[serde(default)]
    pub auth: AuthSettings,
    /// Secret keys.
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
    /// Concurrency of the workers.
    #[serde(default)]
    pub workers: WorkersConfig,
    /// Scheduled tasks.
    #[serde(default)]
    pub scheduler: SchedulerSettings,
}

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Plain text for people.
    Text,
}

/// Server of the event log.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NatsConfig {
    /// URL, for example `nats://user:password@host:4222` or `tls://…`. In a cluster, the URLs of
    /// the servers are separated by commas.
    pub url: Secret,
    /// Path of a credentials file (JWT and key seed), if the server requires it instead of a
    /// password.
    #[serde(default)]
    pub credentials: Option<PathBuf>,
    /// Path of a PEM file with the server's certificate authority, if the system doesn't trust it.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Replicas of each stream: 1, or in a cluster 3 or 5. If absent, new streams get 1 replica,
    /// and existing streams are not changed.
    #[serde(default)]
    pub replicas: Option<u8>,
}

impl NatsConfig {
    /// Returns the URL of the server, with credentials.
    #[must_use]
    pub fn address(&self) -> Address<'_> {
        let credentials = self.credentials.as_deref();
        let ca_file = self.ca_file.as_deref();
        Address {
            url: &self.url,
            credentials,
            ca_file,
        }
    }
}

/// The database.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// URL, for example `postgres://user:password@host:5432/laureate`.
    pub url: Secret,
    /// Maximum number of connections for requests.
    pub connections: usize,
}

/// Secret keys. `claim_key` must never change while the log exists.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretsConfig {
    /// Key that hides unique values and encrypts second factors in the log. At least 32 characters.
    /// It must never change.
    pub claim_key: Secret,
    /// Key that signs access tokens. At least 32 characters. A change invalidates all access
    /// tokens.
    #[serde(default)]
    pub token_key: Secret,
    /// Keys with ids, for example `2026-11:KEY, 2026-05:KEY`. The first key signs access tokens.
    /// Tokens that any of these keys or `token_key` has signed are accepted.
    #[serde(default)]
    pub token_keys: Secret,
}

impl SecretsConfig {
    /// Returns the keys for access tokens. The first key signs.
    ///
    /// # Errors
    /// Fails if there is no key, or if a key is invalid.
    pub fn signing_keys(&self) -> Result<Vec<SigningKey>, BadKeys> {
        SigningKey::list(&self.token_keys, &self.token_key)
    }
}

/// Settings for issuing certificates.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CertificatesConfig {
    /// Time zone of the date of issue and of times of delivery without an offset, by its IANA name.
    pub time_zone: TimeZone,
}

/// Rules for people.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeopleConfig {
    /// `refuse`: a second person with the same e-mail address is an error. `allow`: several people
    /// may have the same address. They are distinguished by document number, or by name if they
    /// have none.
    pub shared_email: SharedEmail,
}

/// Limits of uploaded files.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImportConfig {
    /// Maximum number of rows in a file.
    pub max_rows: u32,
    /// Maximum number of columns in a file.
    pub max_columns: usize,
    /// Maximum size of a compressed file after decompression, in bytes.
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
    /// Returns the limits for the spreadsheet reader. `max_bytes` is the maximum size of an upload.
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

/// Concurrency of each worker in this process, and the time for which failing work is repeated.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkersConfig {
    /// Number of files that are imported at the same time.
    pub importer: usize,
    /// Number of events that the process managers handle at the same time.
    pub processes: usize,
    /// Number of certificate batches that are rendered at the same time. Each uses one core.
    pub renderer: usize,
    /// Number of mails that are sent at the same time.
    pub mailer: usize,
    /// Time in seconds for which the importer repeats a failing import, before the import has
    /// failed. Time while the log or the storage is away is not counted.
    pub importer_budget_seconds: u64,
    /// Time in seconds for which the renderer repeats a failing certificate, before its generation
    /// has failed. Time while the log, the storage or the sandbox is away is not counted.
    pub renderer_budget_seconds: u64,
}

impl Default for WorkersConfig {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            importer: 2,
            processes: 64,
            renderer: cores,
            mailer: 16,
            importer_budget_seconds: 3_600,
            renderer_budget_seconds: 900,
        }
    }
}

impl Config {
    /// Merges the sources and checks the result.
    ///
    /// # Errors
    /// Fails at the first invalid setting. The error names the key and the source.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        Self::load_with_origins(sources).map(|(config, _)| config)
    }

    /// Merges the sources like [`Self::load`], and also returns the source of each value.
    ///
    /// # Errors
    /// See [`Self::load`].
    pub fn load_with_origins(sources: Sources) -> Result<(Self, Origins), ConfigError> {
        let (merged, origins) = sources::merge(sources)?;
        let config: Self = serde_path_to_error::deserialize(merged)
            .map_err(|error| ConfigError::of_key(&error, &origins))?;
        config.check(&origins)?;
        Ok((config, origins))
    }

    fn check(&self, origins: &Origins) -> Result<(), ConfigError> {
        let wrong = |key: &str, problem: &dyn ToString| {
            Err(ConfigError::value(key, problem.to_string(), origins))
        };
        if let Err(error) = crate::event_log::Names::new(&self.namespace) {
            return wrong("namespace", &error);
        }
        if let Some(Err(error)) = self
            .nats
            .replicas
            .map(crate::event_log::plan::check_replicas)
        {
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
            let key = if self.secrets.token_keys.is_empty() {
                "token_key"
            } else {
                "token_keys"
            };
            return wrong(&format!("secrets.{key}"), &error);
        }
        let least_one = [
            ("database.connections", self.database.connections),
            ("workers.importer", self.workers.importer),
            ("workers.processes", self.workers.processes),
            ("workers.renderer", self.workers.renderer),
            ("workers.mailer", self.workers.mailer),
        ];
        if self.management.stalled_after_seconds == 0 {
            return wrong("management.stalled_after_seconds", &"must be at least 1");
        }
        match least_one.iter().find(|(_, number)| *number == 0) {
            Some((key, _)) => wrong(key, &"must be at least 1"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
