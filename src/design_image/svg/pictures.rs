//! Pictures embedded in a drawing. They are checked before they are decoded.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use image::ImageFormat;
use resvg::usvg::ImageKind;

use super::super::{NotTaken, raster};

/// Maximum number of pixels of one embedded picture. A decoded pixel takes four bytes.
const MAX_PIXELS: u64 = 16_000_000;
const ADVICE: &str = "make it smaller, or export the design as PNG or JPEG and upload that file";

/// Size of the largest accepted picture, and the first problem found.
#[derive(Default)]
pub(super) struct Pictures {
    largest: AtomicU64,
    problem: Mutex<Option<NotTaken>>,
}

impl Pictures {
    /// Checks a picture from a `data:` URL. Its format is determined from its content. Returns
    /// `None` if the picture is rejected.
    pub(super) fn admit(&self, data: Arc<Vec<u8>>) -> Option<ImageKind> {
        match Self::measured(&data) {
            Ok((pixels, format)) => {
                self.largest.fetch_max(pixels, Relaxed);
                Some(match format {
                    ImageFormat::Jpeg => ImageKind::JPEG(data),
                    ImageFormat::Png => ImageKind::PNG(data),
                    _ => ImageKind::WEBP(data),
                })
            }
            Err(problem) => {
                self.problem
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(problem);
                None
            }
        }
    }

    fn measured(data: &[u8]) -> Result<(u64, ImageFormat), NotTaken> {
        let format = raster::format(data).ok_or_else(|| {
            NotTaken::svg(
                "an embedded picture that is not JPEG, PNG or WebP",
                super::AS_PICTURE,
            )
        })?;
        let (width, height) = raster::measure(data).map_err(|problem| {
            NotTaken::svg(format!("an embedded picture, and {problem}"), ADVICE)
        })?;
        let pixels = u64::from(width) * u64::from(height);
        if pixels > MAX_PIXELS {
            let what = format!("an embedded picture of {width} × {height} pixels");
            return Err(NotTaken::svg(what, ADVICE));
        }
        Ok((pixels, format))
    }

    /// Returns an error with the reason for the first rejection, if there was one.
    pub(super) fn problem(&self) -> Result<(), NotTaken> {
        let problem = self
            .problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        problem.map_or(Ok(()), Err)
    }

    /// Returns the number of pixels of the largest accepted picture.
    pub(super) fn largest(&self) -> u64 {
        self.largest.load(Relaxed)
    }
}
