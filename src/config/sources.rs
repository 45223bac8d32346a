//! Sources of values, from weakest to strongest: defaults, file, embedded stack, environment,
//! flags.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use config::{Environment, File, FileFormat};
use serde_json::Value;

use super::error::{ConfigError, variable_of};

const PREFIX: &str = "LAUREATE_";
const FILE_SUFFIX: &str = "_FILE";
/// `LAUREATE_` variables that are not configuration keys. They select programs, files and tests.
const NOT_KEYS: &[&str] = &[
    "LAUREATE_CONFIG",
    "LAUREATE_NATS_SERVER",
    "LAUREATE_POSTGRES_BIN",
];
const TEST_PREFIX: &str = "LAUREATE_TEST_";

/// Sources of values, except the defaults.
#[derive(Debug, Default)]
pub struct Sources {
    /// Path of a TOML file.
    pub file: Option<PathBuf>,
    /// Environment variables.
    pub environment: HashMap<String, String>,
    /// `KEY=VALUE` arguments from the command line.
    pub flags: Vec<String>,
    /// Values of the embedded stack. They override the file. The environment overrides them.
    pub stack: Vec<(&'static str, String)>,
}

/// Source of one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file.
    File(PathBuf),
    /// The embedded servers.
    Stack,
    /// An environment variable.
    Variable(String),
    /// A file whose path an environment variable gives.
    VariablesFile(String),
    /// The `--set` flag.
    Flag,
}

impl Origin {
    /// Returns the kind of the source as a fixed string.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Stack => "stack",
            Self::Variable(_) => "environment",
            Self::VariablesFile(_) => "environment file",
            Self::Flag => "flag",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Stack => f.write_str("embedded servers"),
            Self::Variable(name) => f.write_str(name),
            Self::VariablesFile(name) => write!(f, "the file that {name} names"),
            Self::Flag => f.write_str("--set"),
        }
    }
}

/// Source of each given value, by key. A key without an entry has its default value.
pub type Origins = BTreeMap<String, Origin>;

/// Merges all sources. Returns the merged values and the source of each value.
pub(super) fn merge(sources: Sources) -> Result<(config::Config, Origins), ConfigError> {
    let mut origins = Origins::new();
    let mut builder = config::Config::builder().add_source(defaults()?);
    if let Some(file) = sources.file {
        let source = File::from(file.as_path()).format(FileFormat::Toml);
        let layer = config::Config::builder().add_source(source).build();
        let layer = layer.map_err(|error| ConfigError::file(&file, &error))?;
        let values = layer.clone().try_deserialize::<Value>()?;
        for key in leaves(&values) {
            origins.insert(key, Origin::File(file.clone()));
        }
        builder = builder.add_source(layer);
    }
    for (key, value) in sources.stack {
        origins.insert(key.to_owned(), Origin::Stack);
        builder = builder.add_source(single(key, &value)?);
    }
    let mut variables = HashMap::new();
    for (name, Given { value, origin }) in environment(sources.environment)? {
        origins.insert(key_of(&name), origin);
        variables.insert(name, value);
    }
    // Values stay strings: a password of digits must not become a number.
    let environment = Environment::with_prefix("LAUREATE")
        .prefix_separator("_")
        .separator("__")
        .source(Some(variables));
    builder = builder.add_source(environment);
    for flag in &sources.flags {
        let (key, value) = flag
            .split_once('=')
            .ok_or_else(|| ConfigError::Flag(flag.clone()))?;
        origins.insert(key.trim().to_owned(), Origin::Flag);
        builder = builder.add_source(single(key.trim(), value)?);
    }
    Ok((builder.build()?, origins))
}

fn defaults() -> Result<config::Config, ConfigError> {
    Ok(config::Config::builder()
        .set_default("namespace", "laureate")?
        .set_default("log", "info,async_nats=warn,tokio_postgres=warn")?
        .set_default("log_format", "json")?
        .set_default("shutdown_grace_seconds", 20)?
        .set_default("database.connections", 16)?
        .build()?)
}

/// Returns a source with a single key. Unlike a default, it overrides the file.
fn single(key: &str, value: &str) -> Result<config::Config, ConfigError> {
    Ok(config::Config::builder()
        .set_override(key, value)?
        .build()?)
}

/// Value of a variable and its source.
struct Given {
    value: String,
    origin: Origin,
}

/// Returns the variables of the configuration. A `_FILE` variable is replaced with the content of
/// its file.
fn environment(all: HashMap<String, String>) -> Result<HashMap<String, Given>, ConfigError> {
    let is_key = |name: &str| {
        name.starts_with(PREFIX) && !NOT_KEYS.contains(&name) && !name.starts_with(TEST_PREFIX)
    };
    let mut found = HashMap::new();
    let mut files = Vec::new();
    for (name, value) in all.into_iter().filter(|(name, _)| is_key(name)) {
        // A key whose own name ends in `_file` has the path as its value, not the content of the
        // file.
        let plain = name
            .strip_suffix(FILE_SUFFIX)
            .filter(|_| !PATHS.contains(&key_of(&name).as_str()));
        if let Some(plain) = plain.map(str::to_owned) {
            files.push((name, plain, value));
        } else {
            let origin = Origin::Variable(name.clone());
            found.insert(name, Given { value, origin });
        }
    }
    for (variable, plain, path) in files {
        if found.contains_key(&plain) {
            return Err(ConfigError::Twice(plain));
        }
        let text =
            std::fs::read_to_string(Path::new(&path)).map_err(|error| ConfigError::SecretFile {
                variable: variable.clone(),
                error,
            })?;
        let value = text.trim_end_matches(['\r', '\n']).to_owned();
        found.insert(
            plain,
            Given {
                value,
                origin: Origin::VariablesFile(variable),
            },
        );
    }
    Ok(found)
}

/// Keys whose names end in `_file`.
const PATHS: &[&str] = &["mail.ca_file", "nats.ca_file"];

fn key_of(variable: &str) -> String {
    variable
        .strip_prefix(PREFIX)
        .unwrap_or(variable)
        .to_lowercase()
        .replace("__", ".")
}

/// Returns the keys of all values that are not tables, with dots.
pub(super) fn leaves(values: &Value) -> Vec<String> {
    let Value::Object(table) = values else {
        return Vec::new();
    };
    let mut keys = Vec::new();
    for (name, value) in table {
        match value {
            Value::Object(_) => {
                keys.extend(leaves(value).into_iter().map(|key| format!("{name}.{key}")))
            }
            _ => keys.push(name.clone()),
        }
    }
    keys
}

/// Returns the environment variable that sets `key`.
#[must_use]
pub fn variable(key: &str) -> String {
    variable_of(key)
}
