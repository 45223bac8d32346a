//! Configuration errors, which name the source of the invalid value.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::sources::Origins;

/// Configuration error. It never contains the value of a secret.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file can't be read, or it isn't valid TOML.
    #[error("{}: {problem}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Reason, with line and column if known.
        problem: String,
    },
    /// Two sources conflict. For example, a key is a table in one source and a value in another.
    #[error(transparent)]
    Source(#[from] config::ConfigError),
    /// A `_FILE` variable gives the path of a file that can't be read.
    #[error("{variable} names a file that cannot be read: {error}")]
    SecretFile {
        /// The variable.
        variable: String,
        /// Reason.
        error: std::io::Error,
    },
    /// Both a variable and its `_FILE` form are set.
    #[error("both {0} and {0}_FILE are set; set one of them")]
    Twice(String),
    /// A flag is not in the form `KEY=VALUE`.
    #[error("--set takes KEY=VALUE, such as --set http.listen=127.0.0.1:8080; got \"{0}\"")]
    Flag(String),
    /// A key is unknown or missing, or its value is invalid.
    #[error("{key}: {problem}{}", from.as_ref().map(|from| format!(" ({from})")).unwrap_or_default())]
    Value {
        /// The key, with dots.
        key: String,
        /// The problem and its solution.
        problem: String,
        /// Source of the value, if it was given.
        from: Option<String>,
    },
}

impl ConfigError {
    /// Returns the error for an invalid file.
    pub(super) fn file(file: &Path, error: &config::ConfigError) -> Self {
        let problem = match error {
            config::ConfigError::FileParse { cause, .. } => without_source(&cause.to_string()),
            other => other.to_string(),
        };
        Self::File {
            file: file.to_owned(),
            problem,
        }
    }

    /// Returns the error for an invalid value.
    pub(super) fn value(key: &str, problem: impl ToString, origins: &Origins) -> Self {
        let from = origins.get(key).map(ToString::to_string);
        Self::Value {
            key: key.to_owned(),
            problem: problem.to_string(),
            from,
        }
    }

    /// Returns the error for a key that serde rejected. If a key is unknown or missing, the path in
    /// serde's error is its table, and the text contains the key.
    pub(super) fn of_key(
        error: &serde_path_to_error::Error<config::ConfigError>,
        origins: &Origins,
    ) -> Self {
        let path = error.path().to_string();
        let text = bare(error.inner());
        let table = if path == "." {
            String::new()
        } else {
            format!("{path}.")
        };
        if let Some(name) = quoted_after(&text, "missing") {
            let key = format!("{table}{}", name.rsplit('.').next().unwrap_or(&name));
            let variable = variable_of(&key);
            let problem =
                format!("is missing; set it in the configuration file, by {variable} or by --set");
            return Self::value(&key, problem, origins);
        }
        if let Some(name) = quoted_after(&text, "unknown field") {
            // The path may already end with the name.
            let ends_so = path == name || path.ends_with(&format!(".{name}"));
            let key = if ends_so {
                path
            } else {
                format!("{table}{name}")
            };
            let known = text.split_once(", ").map_or("", |(_, known)| known);
            return Self::value(&key, format!("there is no such key; {known}"), origins);
        }
        Self::value(&path, text, origins)
    }
}

/// Returns the environment variable that sets `key`.
pub(super) fn variable_of(key: &str) -> String {
    format!("LAUREATE_{}", key.to_uppercase().replace('.', "__"))
}

/// Removes the source lines that a parser quotes in its message, because they may contain a secret.
fn without_source(text: &str) -> String {
    let quotes = |line: &str| {
        line.split_once('|').is_some_and(|(gutter, _)| {
            gutter.trim().parse::<u32>().is_ok() || gutter.trim().is_empty()
        })
    };
    text.lines()
        .filter(|line| !quotes(line) && !line.trim().is_empty())
        .collect::<Vec<_>>()
        .join(": ")
}

/// Returns the message without the key and the source that the library may add. [`ConfigError`]
/// gives both more precisely.
fn bare(error: &config::ConfigError) -> String {
    match error {
        config::ConfigError::At { error, .. } => bare(error),
        config::ConfigError::Type {
            unexpected,
            expected,
            ..
        } => {
            format!("is {unexpected}, and has to be {expected}")
        }
        config::ConfigError::NotFound(key) => format!("missing `{key}`"),
        other => other.to_string(),
    }
}

/// If `text` begins with `beginning`, returns the first word in backticks or quotes.
fn quoted_after(text: &str, beginning: &str) -> Option<String> {
    let rest = text.strip_prefix(beginning)?;
    rest.split(['`', '"']).nth(1).map(str::to_owned)
}
