//! Addresses by which anybody may fetch one object, for a short time.

use std::time::Duration;

use object_store::path::Path;
use object_store::signer::SignedUrlOptions;
use reqwest::Method;

use super::{ObjectKey, ObjectStorage, StorageError};

/// How long such an address works; a browser follows it at once.
const LIFETIME: Duration = Duration::from_secs(60);

impl ObjectStorage {
    /// Whether downloads shall go to the bucket itself.
    #[must_use]
    pub const fn presigns_downloads(&self) -> bool {
        self.presigning.is_some()
    }

    /// An address that gives the object for a minute, under this `Content-Disposition`; `None` where downloads
    /// don't go to the bucket. It says nothing of whether the object is there.
    pub async fn download_url(
        &self,
        key: &ObjectKey,
        disposition: &str,
    ) -> Result<Option<String>, StorageError> {
        let Some(presigning) = &self.presigning else { return Ok(None) };
        // The signer is the bucket's own, and knows nothing of our prefix.
        let place = match &presigning.prefix {
            Some(prefix) => Path::from(format!("{prefix}/{key}")),
            None => Path::from(key.as_str()),
        };
        let options = SignedUrlOptions::default().with_query([
            ("response-content-disposition", disposition),
            ("response-content-type", "application/pdf"),
        ]);
        let url = presigning.signer.signed_url_opts(Method::GET, &place, LIFETIME, &options).await?;
        Ok(Some(url.into()))
    }
}
