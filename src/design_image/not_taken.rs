//! Errors for images that can't be used as designs.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::raster::{MAX_PIXELS, MAX_SIDE};

/// Reason for the rejection of an image. The message also tells the user how to correct it.
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotTaken {
    /// The file is not in a supported format.
    #[error(
        "the file is not a JPEG, PNG, WebP or SVG image; save the design in one of these formats and upload that file"
    )]
    Unknown,
    /// The image has too many pixels, so that decoding would take too much time or memory.
    #[error(
        "the image has {width} × {height} pixels; the maximum is {MAX_SIDE} per side and {} million in total",
        MAX_PIXELS / 1_000_000
    )]
    TooManyPixels {
        /// Width in pixels, according to the file.
        width: u32,
        /// Height in pixels, according to the file.
        height: u32,
    },
    /// The size of the image is acceptable, but it has too many bits per pixel.
    #[error(
        "the image has too many bits per pixel for its size; save it with 8 bits per channel and upload that file"
    )]
    TooDeep,
    /// The image can't be decoded.
    #[error(
        "the image is damaged; open it in an image program, save it again and upload that file"
    )]
    Broken,
    /// The encoded picture would be too large.
    #[error(
        "the encoded image is larger than 10 MiB; reduce its size or detail and upload it again"
    )]
    TooDetailed,
    /// The drawing has unsupported content.
    #[error("the SVG has {what}; {advice}")]
    Svg {
        /// Unsupported content.
        what: String,
        /// Advice for the user.
        advice: Cow<'static, str>,
    },
    /// The conversion exceeded its time or memory limit.
    #[error(
        "preparing the image takes more than {seconds} seconds or {mebibytes} MiB of memory; simplify it, or \
         export it as a PNG or JPEG of A4 size, and upload that"
    )]
    TooCostly {
        /// Limit of processor time in seconds.
        seconds: u64,
        /// Limit of memory in MiB.
        mebibytes: u64,
    },
}

impl NotTaken {
    pub(super) fn svg(what: impl Into<String>, advice: &'static str) -> Self {
        Self::Svg {
            what: what.into(),
            advice: advice.into(),
        }
    }
}
