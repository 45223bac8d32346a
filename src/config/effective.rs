//! Effective configuration with the source of each value and without secrets.

use serde::Serialize;
use serde_json::Value;

use super::Config;
use super::sources::{Origin, Origins, leaves};

/// One key with its value and source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// Key with dots, such as `http.listen`.
    pub key: String,
    /// Value, or `null` if there is none. Secrets are shown as `***`, also inside addresses.
    pub value: Value,
    /// `default`, `file`, `environment`, `environment file`, `flag` or `stack`.
    pub source: &'static str,
    /// Path of the file, or name of the variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// Returns every key, sorted by table and name.
///
/// # Errors
/// Fails if a value can't be converted to JSON. No type of the configuration does that.
pub fn settings(config: &Config, origins: &Origins) -> Result<Vec<Setting>, serde_json::Error> {
    let values = serde_json::to_value(config)?;
    let shown = |key: String| {
        let path = format!("/{}", key.replace('.', "/"));
        let value = match key.as_str() {
            "nats.url" => without_secrets(config.nats.url.reveal()).into(),
            "database.url" => without_secrets(config.database.url.reveal()).into(),
            "storage.url" => without_secrets(&config.storage.url).into(),
            "storage.endpoint" => config
                .storage
                .endpoint
                .as_deref()
                .map(without_secrets)
                .into(),
            _ => values.pointer(&path).cloned().unwrap_or(Value::Null),
        };
        let origin = origins.get(&key);
        let from = origin
            .filter(|o| !matches!(o, Origin::Flag | Origin::Stack))
            .map(|o| match o {
                Origin::VariablesFile(name) => name.clone(),
                other => other.to_string(),
            });
        Setting {
            value,
            source: origin.map_or("default", Origin::kind),
            from,
            key,
        }
    };
    let mut keys = leaves(&values);
    // Keys of a table come before its subtables, as in TOML.
    let table = |key: &str| {
        key.rsplit_once('.')
            .map_or(String::new(), |(table, _)| table.to_owned())
    };
    keys.sort_by_cached_key(|key| (table(key), key.clone()));
    Ok(keys.into_iter().map(shown).collect())
}

/// Replaces credentials in comma-separated addresses by `***`. Shows only parts whose form is
/// known.
#[must_use]
pub fn without_secrets(addresses: &str) -> String {
    let open = |address: &str| open_part(address.trim()).unwrap_or_else(|| HIDDEN.to_owned());
    addresses.split(',').map(open).collect::<Vec<_>>().join(",")
}

const HIDDEN: &str = "***";

/// Own code, because `url` rejects addresses whose password is not encoded, and finds another host
/// in some of them.
fn open_part(address: &str) -> Option<String> {
    let Some((scheme, rest)) = address.split_once("://") else {
        // A folder. A text such as `host=… password=…` is neither a folder nor a URL.
        let is_path = !address.contains('=') && !address.contains('@');
        return is_path.then(|| address.to_owned());
    };
    let (rest, query) = rest
        .split_once('?')
        .map_or((rest, ""), |(rest, _)| (rest, "?***"));
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (user.split_once(':').map(|(user, _)| user), place),
        None => (None, rest),
    };
    let user = match (rest.contains('@'), user) {
        (false, _) => String::new(),
        // Without a password, the user name itself may be a token.
        (true, None) => format!("{HIDDEN}@"),
        (true, Some(user)) => format!("{user}:{HIDDEN}@"),
    };
    let plain = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-%+~/[]:".contains(c))
    };
    let (host, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    let port = if host.ends_with(']') {
        None
    } else {
        host.rsplit_once(':').map(|(_, port)| port)
    };
    let fits = plain(&user.replace(['*', '@'], ""))
        && plain(host)
        && plain(path)
        && port.is_none_or(|port| port.parse::<u16>().is_ok());
    fits.then(|| format!("{scheme}://{user}{place}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_credentials() {
        for (address, shown) in [
            ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
            (
                "nats://u:hunter2@a:4222,tls://b:4222",
                "nats://u:***@a:4222,tls://b:4222",
            ),
            ("nats://token@a", "nats://***@a"),
            (
                "postgres://u:hunter2@h:5432/db",
                "postgres://u:***@h:5432/db",
            ),
            (
                "postgres://u:hun/t@er2@h/db?sslmode=x&password=hunter2",
                "postgres://u:***@h/db?***",
            ),
            ("postgres://[::1]:5432/db", "postgres://[::1]:5432/db"),
            ("host=h user=u password=hunter2", "***"),
            ("postgres://u:hun,ter2@h/db", "***,***"),
            ("postgres://u:hun?ter2@h/db", "***"),
            ("/var/lib/laureate", "/var/lib/laureate"),
            ("s3://bucket/prefix", "s3://bucket/prefix"),
        ] {
            assert_eq!(without_secrets(address), shown, "{address}");
        }
    }
}
