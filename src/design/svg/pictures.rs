//! Pictures inside a drawing: measured before anybody decodes them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use image::ImageFormat;
use resvg::usvg::ImageKind;

use super::super::{NotTaken, raster};

/// The most pixels of one picture inside a drawing; decoded, they take four bytes each.
const MAX_PIXELS: u64 = 16_000_000;
const ADVICE: &str = "make it smaller, or export the design as PNG or JPEG and upload that";

/// What was let through, and why something was not.
#[derive(Default)]
pub(super) struct Pictures {
    largest: AtomicU64,
    problem: Mutex<Option<NotTaken>>,
}

impl Pictures {
    /// A picture from a `data:` address, by its content; nothing for what is refused.
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
                self.problem.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(problem);
                None
            }
        }
    }

    fn measured(data: &[u8]) -> Result<(u64, ImageFormat), NotTaken> {
        let format = raster::format(data).ok_or_else(|| {
            NotTaken::svg("an embedded picture that is not JPEG, PNG or WebP", super::AS_PICTURE)
        })?;
        let (width, height) = raster::measure(data)
            .map_err(|problem| NotTaken::svg(format!("an embedded picture, and {problem}"), ADVICE))?;
        let pixels = u64::from(width) * u64::from(height);
        if pixels > MAX_PIXELS {
            let what = format!("an embedded picture of {width} × {height} pixels");
            return Err(NotTaken::svg(what, ADVICE));
        }
        Ok((pixels, format))
    }

    /// The first picture that was refused.
    pub(super) fn problem(&self) -> Result<(), NotTaken> {
        let problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner).take();
        problem.map_or(Ok(()), Err)
    }

    /// The pixels of the largest one.
    pub(super) fn largest(&self) -> u64 {
        self.largest.load(Relaxed)
    }
}
