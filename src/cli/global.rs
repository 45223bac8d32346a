//! Options of every subcommand that uses configured servers.

use std::path::PathBuf;

use clap::Args;

use super::logging;
use crate::app::{self, App};
use crate::config::{Config, ConfigError, Sources};
use crate::event_log::EventLog;

/// Where the configuration comes from; see `laureate.example.toml`.
#[derive(Clone, Debug, Default, Args)]
pub struct GlobalArgs {
    /// Configuration file (TOML)
    #[arg(long, global = true, env = "LAUREATE_CONFIG", value_name = "FILE", help_heading = "Configuration")]
    pub config: Option<PathBuf>,
    /// Set one configuration key; counts more than file and environment; may be given several times
    #[arg(long, global = true, value_name = "KEY=VALUE", help_heading = "Configuration")]
    pub set: Vec<String>,
}

impl GlobalArgs {
    /// The value of one key as these options and the environment give it; no file, no defaults.
    #[must_use]
    pub fn given(&self, key: &str) -> Option<String> {
        let flags = self.set.iter().rev().filter_map(|flag| flag.split_once('='));
        let flag = flags.into_iter().find(|(name, _)| name.trim() == key).map(|(_, value)| value.to_owned());
        let variable = format!("LAUREATE_{}", key.to_uppercase().replace('.', "__"));
        flag.or_else(|| std::env::var(variable).ok())
    }

    /// Where values come from, with what an embedded stack provides.
    #[must_use]
    pub fn sources(self, stack: Vec<(&'static str, String)>) -> Sources {
        // A variable that is no text can't be a key of ours, and must not stop the program.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Sources { file: self.config, environment, flags: self.set, stack }
    }

    /// The configuration, with what an embedded stack provides.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(self, stack: Vec<(&'static str, String)>) -> Result<Config, ConfigError> {
        Config::load(self.sources(stack))
    }

    /// The configuration, logging as it says, and everything connected.
    ///
    /// # Errors
    /// The configuration is not usable or a server can't be reached.
    pub async fn connect(self) -> anyhow::Result<App> {
        App::connect(self.start_logging()?).await
    }

    /// As [`Self::connect`], but only the event log.
    ///
    /// # Errors
    /// The configuration is not usable or the server can't be reached.
    pub async fn connect_log(self) -> anyhow::Result<EventLog> {
        app::connect_log(&self.start_logging()?).await
    }

    fn start_logging(self) -> anyhow::Result<Config> {
        let config = self.load(Vec::new())?;
        logging::start(&config.log, config.log_format, None)?;
        Ok(config)
    }
}
