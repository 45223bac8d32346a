//! What was made last from image files, by the SHA-256 of these.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::design::refuse;
use super::recent::Recent;
use super::{Design, RenderError};
use crate::domain::hex;

/// Largest file, in bytes.
const MAX_BYTES: usize = 20 << 20;
/// How many are remembered, and how many bytes of them.
const REMEMBERED: usize = 32;
const REMEMBERED_BYTES: usize = 128 << 20;

/// Something that is made from an image file.
pub(super) trait FromImage: Sized + Send {
    /// Makes it. The file has a good size and is the one that was pinned.
    fn make(file: &bytes::Bytes) -> Result<Self, RenderError>;
    /// How many bytes it holds.
    fn size(&self) -> usize;
}

#[derive(Debug)]
pub(super) struct Remembered<T>(Recent<String, Arc<T>>);

impl<T: FromImage> Default for Remembered<T> {
    fn default() -> Self {
        Self(Recent::new(REMEMBERED, REMEMBERED_BYTES, |made| made.size()))
    }
}

impl<T: FromImage> Remembered<T> {
    /// What is made from an image: remembered, or checked and made now. What is done `beside` that takes no
    /// longer, given another core.
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
        if !hex(&Sha256::digest(&image.bytes)).eq_ignore_ascii_case(&image.sha256) {
            return Err(refuse("its SHA-256 is not the expected one"));
        }
        let (made, ()) = rayon::join(|| T::make(&image.bytes), beside);
        let made = Arc::new(made?);
        Ok(self.0.get_or_insert(&image.sha256, || made))
    }
}
