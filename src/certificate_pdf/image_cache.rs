//! Cache of results made from image files, by the SHA-256 of the file.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::design::refuse;
use super::lru_cache::LruCache;
use super::{Design, RenderError};

/// Maximum size of a file in bytes.
const MAX_BYTES: usize = 20 << 20;
/// Maximum number of results in the cache, and their maximum size in bytes.
const REMEMBERED: usize = 32;
const REMEMBERED_BYTES: usize = 128 << 20;

/// Result that is made from an image file.
pub(super) trait FromImage: Sized + Send {
    /// Makes the result. The size and the SHA-256 of the file have been checked.
    fn make(file: &bytes::Bytes) -> Result<Self, RenderError>;
    /// Returns the size of the result in bytes.
    fn size(&self) -> usize;
}

#[derive(Debug)]
pub(super) struct ImageCache<T>(LruCache<String, Arc<T>>);

impl<T: FromImage> Default for ImageCache<T> {
    fn default() -> Self {
        Self(LruCache::new(REMEMBERED, REMEMBERED_BYTES, |made| {
            made.size()
        }))
    }
}

impl<T: FromImage> ImageCache<T> {
    /// Returns the result for an image, from the cache or made now. While the result is made,
    /// `beside` runs in parallel. `beside` does not run if the result is cached or the file is
    /// rejected.
    ///
    /// # Errors
    /// The file is larger than 20 MiB, has another SHA-256 than expected, or can't be used. The
    /// file is not checked if the result is cached.
    pub(super) fn prepare(
        &self,
        image: &Design,
        beside: impl FnOnce() + Send,
    ) -> Result<Arc<T>, RenderError> {
        if let Some(known) = self.0.get(&image.sha256) {
            return Ok(known);
        }
        if image.bytes.len() > MAX_BYTES {
            return Err(refuse(format!("it is larger than {} MiB", MAX_BYTES >> 20)));
        }
        if !HEXLOWER
            .encode(&Sha256::digest(&image.bytes))
            .eq_ignore_ascii_case(&image.sha256)
        {
            return Err(refuse("its SHA-256 is not the expected one"));
        }
        let (made, ()) = rayon::join(|| T::make(&image.bytes), beside);
        let made = Arc::new(made?);
        Ok(self.0.get_or_insert(&image.sha256, || made))
    }
}
