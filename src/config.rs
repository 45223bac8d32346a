//! Configuration: defaults < file < environment < flags.
//!
//! Environment variables are `LAUREATE_` and the key in capitals, with `__` for a dot, such as
//! `LAUREATE_DATABASE__URL`. A variable with `_FILE` at its end names a file that holds the value:
//! the way to pass secrets. Unknown keys are refused wherever they come from.
//! `laureate.example.toml` shows every key; a test reads it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use config::builder::DefaultState;
use config::{ConfigBuilder, Environment, File, FileFormat};
use serde::Deserialize;
use thiserror::Error;

use crate::domain::Secret;
use crate::http::settings::HttpSettings;
use crate::mail::MailSettings;
use crate::sheet::Limits;
use crate::storage::StorageSettings;

const PREFIX: &str = "LAUREATE_";
const FILE_SUFFIX: &str = "_FILE";
/// Variables with our prefix that are not configuration keys: they choose programs, files and tests.
const NOT_KEYS: &[&str] = &["LAUREATE_CONFIG", "LAUREATE_NATS_SERVER", "LAUREATE_POSTGRES_BIN"];
const TEST_PREFIX: &str = "LAUREATE_TEST_";

/// Everything that can be set.
#[derive(Debug, Deserialize)]
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
    /// Keys.
    pub secrets: SecretsConfig,
    /// Limits of uploaded files.
    #[serde(default)]
    pub import: ImportConfig,
    /// How much is worked on at once.
    #[serde(default)]
    pub workers: WorkersConfig,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For reading.
    Text,
}

/// The event log's server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatsConfig {
    /// Such as `nats://user:password@host:4222`; several servers of a cluster with commas.
    pub url: Secret,
    /// How many servers keep each stream: 1, or 3 or 5 in a cluster. Not given: streams stay as they
    /// are, and new ones get 1.
    #[serde(default)]
    pub replicas: Option<u8>,
}

/// The database.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// Such as `postgres://user:password@host:5432/laureate`.
    pub url: Secret,
    /// The most connections that answers to requests use.
    pub connections: usize,
}

/// Keys that must stay the same for as long as the log lives, but for `token_key`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretsConfig {
    /// Hides what unique values are in the log; at least 32 characters, never to be changed.
    pub claim_key: Secret,
    /// Signs access tokens; at least 32 characters. Another key ends all access tokens.
    pub token_key: Secret,
}

/// Limits of uploaded files.
#[derive(Clone, Copy, Debug, Deserialize)]
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
#[derive(Clone, Copy, Debug, Deserialize)]
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

/// Why the configuration can't be used. Never shows a secret's value.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A key is unknown, missing or of the wrong type.
    #[error("{0}")]
    Key(#[from] config::ConfigError),
    /// A `_FILE` variable names a file that can't be read.
    #[error("{variable} names a file that cannot be read: {error}")]
    SecretFile {
        /// The variable.
        variable: String,
        /// Why.
        error: std::io::Error,
    },
    /// A value was given twice.
    #[error("both {0} and {0}_FILE are set; set one of them")]
    Twice(String),
    /// A flag is not of the form that is wanted.
    #[error("--set takes KEY=VALUE, such as --set http.listen=127.0.0.1:8080; got \"{0}\"")]
    Flag(String),
    /// A value is not usable.
    #[error("{key}: {problem}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong and what to do.
        problem: String,
    },
}

/// Where values come from besides the defaults, weakest first.
#[derive(Debug, Default)]
pub struct Sources {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: HashMap<String, String>,
    /// `KEY=VALUE` from the command line.
    pub flags: Vec<String>,
    /// What the embedded stack provides; it counts more than the file, less than the environment.
    pub stack: Vec<(&'static str, String)>,
}

impl Config {
    /// Puts the sources together and checks the result.
    ///
    /// # Errors
    /// The first thing that can't be used, with its key.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        let mut builder = defaults()?;
        if let Some(file) = &sources.file {
            builder = builder.add_source(File::from(file.as_path()).format(FileFormat::Toml));
        }
        for (key, value) in sources.stack {
            builder = builder.add_source(single(key, &value)?);
        }
        let environment = environment(sources.environment)?;
        builder = builder.add_source(
            Environment::with_prefix("LAUREATE")
                .prefix_separator("_")
                .separator("__")
                .try_parsing(true)
                .source(Some(environment)),
        );
        for flag in &sources.flags {
            let (key, value) = flag.split_once('=').ok_or_else(|| ConfigError::Flag(flag.clone()))?;
            builder = builder.set_override(key.trim(), value)?;
        }
        let config: Self = builder.build()?.try_deserialize()?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let value = |key, problem: String| Err(ConfigError::Value { key, problem });
        if let Err(error) = crate::event_log::Names::new(&self.namespace) {
            return value("namespace", error.to_string());
        }
        if let Some(Err(error)) = self.nats.replicas.map(crate::event_log::plan::check_replicas) {
            return value("nats.replicas", error.to_string());
        }
        if let Err(error) = self.http.check() {
            return value("http", error.to_string());
        }
        for (key, secret) in
            [("secrets.claim_key", &self.secrets.claim_key), ("secrets.token_key", &self.secrets.token_key)]
        {
            if secret.reveal().len() < 32 {
                return value(key, "give at least 32 random characters".to_owned());
            }
        }
        let least_one = [
            ("database.connections", self.database.connections),
            ("workers.importer", self.workers.importer),
            ("workers.processes", self.workers.processes),
            ("workers.renderer", self.workers.renderer),
            ("workers.mailer", self.workers.mailer),
        ];
        match least_one.iter().find(|(_, number)| *number == 0) {
            Some((key, _)) => value(key, "must be at least 1".to_owned()),
            None => Ok(()),
        }
    }
}

fn defaults() -> Result<ConfigBuilder<DefaultState>, ConfigError> {
    Ok(config::Config::builder()
        .set_default("namespace", "laureate")?
        .set_default("log", "info,async_nats=warn,tokio_postgres=warn")?
        .set_default("log_format", "json")?
        .set_default("shutdown_grace_seconds", 20)?
        .set_default("database.connections", 16)?)
}

/// One key as a source of its own: unlike a default, it counts more than the file.
fn single(key: &str, value: &str) -> Result<config::Config, ConfigError> {
    Ok(config::Config::builder().set_override(key, value)?.build()?)
}

/// Our variables, with the contents of the files that `_FILE` variables name.
fn environment(all: HashMap<String, String>) -> Result<HashMap<String, String>, ConfigError> {
    let is_key =
        |name: &str| name.starts_with(PREFIX) && !NOT_KEYS.contains(&name) && !name.starts_with(TEST_PREFIX);
    let mut keys: HashMap<String, String> = all.into_iter().filter(|(name, _)| is_key(name)).collect();
    let files: Vec<String> = keys.keys().filter(|name| name.ends_with(FILE_SUFFIX)).cloned().collect();
    for variable in files {
        let Some(path) = keys.remove(&variable) else { continue };
        let plain = variable.trim_end_matches(FILE_SUFFIX).to_owned();
        if keys.contains_key(&plain) {
            return Err(ConfigError::Twice(plain));
        }
        let text = std::fs::read_to_string(Path::new(&path))
            .map_err(|error| ConfigError::SecretFile { variable: variable.clone(), error })?;
        keys.insert(plain, text.trim_end_matches(['\r', '\n']).to_owned());
    }
    Ok(keys)
}

#[cfg(test)]
mod tests;
