//! Settings of object storage.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{StorageError, key::MAX_KEY_BYTES};
use crate::domain::Secret;

/// Maximum length of the prefix of keys in bytes. S3 allows 1,024 bytes for prefix, `/` and key.
const MAX_PREFIX_BYTES: usize = 1024 - 1 - MAX_KEY_BYTES;
const TOO_LONG_PREFIX: &str =
    "has a prefix of more than 323 bytes after the bucket; give a shorter one";

/// Settings of object storage.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StorageSettings {
    /// Location of the files. A local folder is given as `file:///folder` or as a path, an S3
    /// bucket as `s3://bucket` or `s3://bucket/prefix`.
    pub url: String,
    /// S3: base URL of the server, for example `https://s3.example.org`. Default: Amazon's server
    /// for the region.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// S3: region. Default `us-east-1`.
    #[serde(default)]
    pub region: Option<String>,
    /// S3: access key ID. If absent, the role of the instance or container is used.
    #[serde(default)]
    pub access_key_id: Option<String>,
    /// S3: secret key for `access_key_id`.
    #[serde(default)]
    pub secret_access_key: Option<Secret>,
    /// S3: true to allow an `http://` endpoint. Default false.
    #[serde(default)]
    pub allow_http: bool,
    /// S3: true if the name of the bucket is part of the host name, also in `endpoint`. Default
    /// false.
    #[serde(default)]
    pub virtual_hosted: bool,
    /// S3: true to redirect downloads to the bucket, with a URL that is valid for one minute. The
    /// PDF is then not compared with its SHA-256 at each download, and the downloaded file has the
    /// name of the certificate. Default false.
    #[serde(default)]
    pub presigned_downloads: bool,
}

/// Location that the URL specifies.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Location {
    Folder(PathBuf),
    Bucket {
        name: String,
        prefix: Option<String>,
    },
}

impl StorageSettings {
    /// Returns settings for a local folder.
    #[must_use]
    pub fn folder(path: &std::path::Path) -> Self {
        Self {
            url: path.to_string_lossy().into_owned(),
            endpoint: None,
            region: None,
            access_key_id: None,
            secret_access_key: None,
            allow_http: false,
            virtual_hosted: false,
            presigned_downloads: false,
        }
    }

    /// Checks the rules that the types can't express.
    ///
    /// # Errors
    /// [`StorageError::Setting`] with the name of the first invalid setting, or
    /// [`StorageError::Key`] if the prefix is not a valid object key.
    pub fn check(&self) -> Result<(), StorageError> {
        self.location().map(|_| ())
    }

    /// Returns the folder, if files are stored in a folder.
    #[must_use]
    pub fn folder_path(&self) -> Option<PathBuf> {
        match self.location() {
            Ok(Location::Folder(path)) => Some(path),
            _ => None,
        }
    }

    /// Returns the URL of the S3 server, if files are stored on one.
    #[must_use]
    pub fn server_url(&self) -> Option<String> {
        let Ok(Location::Bucket { .. }) = self.location() else {
            return None;
        };
        let region = self.region.as_deref().unwrap_or("us-east-1");
        Some(
            self.endpoint
                .clone()
                .unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com")),
        )
    }

    pub(super) fn location(&self) -> Result<Location, StorageError> {
        if let Some(rest) = self.url.strip_prefix("s3://") {
            return self.bucket(rest);
        }
        let path = match self.url.split_once("://") {
            Some(("file", path)) if path.starts_with('/') => path,
            Some(("file", _)) => {
                return Err(invalid("url", "must have three slashes: file:///folder"));
            }
            Some(_) => {
                return Err(invalid(
                    "url",
                    "must be file:///folder, a path, or s3://bucket/prefix",
                ));
            }
            None => self.url.as_str(),
        };
        if path.is_empty() {
            return Err(invalid("url", "is empty"));
        }
        let is_for_s3 = self.endpoint.is_some()
            || self.region.is_some()
            || self.access_key_id.is_some()
            || self.secret_access_key.is_some()
            || self.allow_http
            || self.virtual_hosted;
        if is_for_s3 {
            return Err(invalid(
                "url",
                "is a folder, but there are also settings for S3",
            ));
        }
        if self.presigned_downloads {
            return Err(invalid(
                "presigned_downloads",
                "requires an S3 bucket; files in a folder have no URLs",
            ));
        }
        Ok(Location::Folder(PathBuf::from(path)))
    }

    fn bucket(&self, rest: &str) -> Result<Location, StorageError> {
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let fits =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
        if !(3..=63).contains(&name.len()) || !name.bytes().all(fits) {
            return Err(invalid(
                "url",
                "must name a bucket of 3 to 63 characters a–z 0–9 . - _ after s3://",
            ));
        }
        if self.access_key_id.is_some() != self.secret_access_key.is_some() {
            return Err(invalid(
                "secret_access_key",
                "and `access_key_id` must be set together; one is missing",
            ));
        }
        if !self.allow_http
            && self
                .endpoint
                .as_deref()
                .is_some_and(|url| url.starts_with("http://"))
        {
            return Err(invalid(
                "endpoint",
                "is http, which needs `allow_http = true`",
            ));
        }
        let prefix = prefix.trim_matches('/');
        if prefix.len() > MAX_PREFIX_BYTES {
            return Err(invalid("url", TOO_LONG_PREFIX));
        }
        if !prefix.is_empty() {
            super::ObjectKey::parse(prefix)?;
        }
        Ok(Location::Bucket {
            name: name.to_owned(),
            prefix: Some(prefix.to_owned()).filter(|p| !p.is_empty()),
        })
    }
}

const fn invalid(field: &'static str, problem: &'static str) -> StorageError {
    StorageError::Setting(field, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(json: &str) -> Result<Location, String> {
        let settings: StorageSettings =
            serde_json::from_str(json).map_err(|error| error.to_string())?;
        settings.location().map_err(|error| error.to_string())
    }

    #[test]
    fn urls_and_paths_are_parsed() {
        let folder = |path: &str| Ok(Location::Folder(PathBuf::from(path)));
        let bucket = |name: &str, prefix: Option<&str>| {
            Ok(Location::Bucket {
                name: name.to_owned(),
                prefix: prefix.map(str::to_owned),
            })
        };
        assert_eq!(
            location(r#"{"url": "file:///var/lib/laureate"}"#),
            folder("/var/lib/laureate")
        );
        assert_eq!(location(r#"{"url": "data/files"}"#), folder("data/files"));
        assert_eq!(
            location(r#"{"url": "s3://my-bucket"}"#),
            bucket("my-bucket", None)
        );
        assert_eq!(
            location(r#"{"url": "s3://my-bucket/a/b/"}"#),
            bucket("my-bucket", Some("a/b"))
        );
        assert_eq!(
            location(r#"{"url": "s3://my_bucket"}"#),
            bucket("my_bucket", None)
        );
    }

    #[test]
    fn invalid_settings_are_refused_by_name() {
        for (json, expected) in [
            (r#"{"url": ""}"#, "`url`"),
            (r#"{"url": "file://relative"}"#, "`url`"),
            (r#"{"url": "gs://bucket"}"#, "`url`"),
            (r#"{"url": "s3://A"}"#, "`url`"),
            (r#"{"url": "s3://bucket/../x"}"#, "object key"),
            (
                r#"{"url": "s3://bucket", "access_key_id": "a"}"#,
                "`secret_access_key`",
            ),
            (
                r#"{"url": "s3://bucket", "endpoint": "http://x"}"#,
                "`endpoint`",
            ),
            (r#"{"url": "/folder", "access_key_id": "a"}"#, "`url`"),
            (r#"{"url": "/folder", "region": "eu-central-1"}"#, "`url`"),
            (r#"{"url": "/folder", "allow_http": true}"#, "`url`"),
            (r#"{"url": "/folder", "virtual_hosted": true}"#, "`url`"),
            (
                r#"{"url": "/folder", "presigned_downloads": true}"#,
                "`presigned_downloads`",
            ),
            (
                r#"{"url": "/folder", "bucket": "a"}"#,
                "unknown field `bucket`",
            ),
        ] {
            let error = location(json).expect_err(json);
            assert!(error.contains(expected), "{json}: {error}");
        }
    }

    #[test]
    fn prefix_and_key_have_at_most_1024_bytes() {
        assert!(TOO_LONG_PREFIX.contains(&MAX_PREFIX_BYTES.to_string()));
        let of = |length: usize| {
            let prefix = format!("{}/{}", "a".repeat(199), "b".repeat(length - 200));
            location(&format!(r#"{{"url": "s3://bucket/{prefix}"}}"#))
        };
        assert_eq!(MAX_PREFIX_BYTES + 1 + MAX_KEY_BYTES, 1024);
        assert!(of(MAX_PREFIX_BYTES).is_ok());
        assert!(
            of(MAX_PREFIX_BYTES + 1)
                .expect_err("too long")
                .contains("`url` has a prefix")
        );
    }
}
