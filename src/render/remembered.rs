//! The things made last, by the SHA-256 of what they were made from; bounded in number and bytes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::design::refuse;
use super::{Design, RenderError};
use crate::domain::hex;

/// Largest file, in bytes.
const MAX_BYTES: usize = 20 << 20;
/// How many are remembered, and how many bytes of them.
pub(super) const REMEMBERED: usize = 32;
const REMEMBERED_BYTES: usize = 128 << 20;

/// Something that is made from an image file.
pub(super) trait FromImage: Sized + Send {
    /// Makes it. The file has a good size and is the one that was pinned.
    fn make(file: &bytes::Bytes) -> Result<Self, RenderError>;
    /// How many bytes it holds.
    fn size(&self) -> usize;
}

#[derive(Debug)]
pub(super) struct Remembered<T>(pub(super) Mutex<VecDeque<(String, Arc<T>)>>);

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(Mutex::default())
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
        if let Some(known) = self.recall(&image.sha256) {
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
        self.remember(image.sha256.clone(), made.clone());
        Ok(made)
    }

    fn recall(&self, sha256: &str) -> Option<Arc<T>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = known.iter().position(|(key, _)| key == sha256)?;
        let entry = known.remove(at)?;
        let made = entry.1.clone();
        known.push_front(entry);
        Some(made)
    }

    fn remember(&self, sha256: String, made: Arc<T>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(key, _)| *key != sha256);
        known.push_front((sha256, made));
        let size =
            |known: &VecDeque<(String, Arc<T>)>| known.iter().map(|(_, one)| one.size()).sum::<usize>();
        while known.len() > REMEMBERED || (known.len() > 1 && size(&known) > REMEMBERED_BYTES) {
            known.pop_back();
        }
    }
}
