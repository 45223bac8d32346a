//! Options of every subcommand that uses configured servers.

use std::path::PathBuf;

use clap::Args;

use super::logging;
use crate::app::{self, App};
use crate::config::{Config, ConfigError, Sources};
use crate::event_log::EventLog;

/// Sources of the configuration; see `laureate.example.toml`.
#[derive(Clone, Debug, Default, Args)]
pub struct GlobalArgs {
    /// Configuration file (TOML)
    #[arg(
        long,
        global = true,
        env = "LAUREATE_CONFIG",
        value_name = "FILE",
        help_heading = "Configuration"
    )]
    pub config: Option<PathBuf>,
    /// Set one configuration key; overrides the file and the environment; repeatable
    #[arg(
        long,
        global = true,
        value_name = "KEY=VALUE",
        help_heading = "Configuration"
    )]
    pub set: Vec<String>,
}

impl GlobalArgs {
    /// Returns the value of one key from these options or the environment. Ignores the file and the
    /// defaults.
    #[must_use]
    pub fn given(&self, key: &str) -> Option<String> {
        let flags = self
            .set
            .iter()
            .rev()
            .filter_map(|flag| flag.split_once('='));
        let flag = flags
            .into_iter()
            .find(|(name, _)| name.trim() == key)
            .map(|(_, value)| value.to_owned());
        let variable = format!("LAUREATE_{}", key.to_uppercase().replace('.', "__"));
        flag.or_else(|| std::env::var(variable).ok())
    }

    /// Returns the sources of the configuration. `stack` holds the values that an embedded stack
    /// provides.
    #[must_use]
    pub fn sources(self, stack: Vec<(&'static str, String)>) -> Sources {
        // Skips variables that are not UTF-8. They can't be keys of ours and must not stop the
        // program.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Sources {
            file: self.config,
            environment,
            flags: self.set,
            stack,
        }
    }

    /// Loads the configuration. `stack` holds the values that an embedded stack provides.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(self, stack: Vec<(&'static str, String)>) -> Result<Config, ConfigError> {
        Config::load(self.sources(stack))
    }

    /// Loads the configuration, starts logging, and connects to all servers.
    ///
    /// # Errors
    /// Fails if the configuration is invalid, or if a server can't be reached.
    pub async fn connect(self) -> anyhow::Result<App> {
        App::connect(self.start_logging()?).await
    }

    /// Same as [`Self::connect`], but connects only to the event log.
    ///
    /// # Errors
    /// Fails if the configuration is invalid, or if the server can't be reached.
    pub async fn connect_log(self) -> anyhow::Result<EventLog> {
        app::connect_log(&self.start_logging()?).await
    }

    fn start_logging(self) -> anyhow::Result<Config> {
        let config = self.load(Vec::new())?;
        logging::start(&config.log, config.log_format, None)?;
        Ok(config)
    }
}
