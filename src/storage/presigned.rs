//! Presigned URLs. Each gives access to one object for a short time without login.

use std::time::Duration;

use object_store::path::Path;
use object_store::signer::SignedUrlOptions;
use reqwest::Method;

use super::{ObjectKey, ObjectStorage, StorageError};

/// Lifetime of a presigned URL. Browsers follow the redirect immediately.
const LIFETIME: Duration = Duration::from_secs(60);

impl ObjectStorage {
    /// Returns true if downloads are redirected to the bucket.
    #[must_use]
    pub const fn presigns_downloads(&self) -> bool {
        self.presigning.is_some()
    }

    /// Returns a URL that is valid for 60 s. Its response has `disposition` as
    /// `Content-Disposition` header. Returns `None` if downloads are not redirected to the bucket.
    /// Doesn't check that the object exists.
    pub async fn download_url(
        &self,
        key: &ObjectKey,
        disposition: &str,
    ) -> Result<Option<String>, StorageError> {
        let Some(presigning) = &self.presigning else {
            return Ok(None);
        };
        // The signer belongs to the bucket and doesn't add the prefix.
        let place = match &presigning.prefix {
            Some(prefix) => Path::from(format!("{prefix}/{key}")),
            None => Path::from(key.as_str()),
        };
        let options = SignedUrlOptions::default().with_query([
            ("response-content-disposition", disposition),
            ("response-content-type", "application/pdf"),
        ]);
        let url = presigning
            .signer
            .signed_url_opts(Method::GET, &place, LIFETIME, &options)
            .await?;
        Ok(Some(url.into()))
    }
}
