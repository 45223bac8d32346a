//! Errors for images that can't be used as a design.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::raster::{MAX_PIXELS, MAX_SIDE};

/// Reason for the rejection of an image. The message also says what to do.
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotTaken {
    /// The file has another format.
    #[error(
        "the file is not a JPEG, PNG, WebP or SVG image; save the design as one of them and upload that"
    )]
    Unknown,
    /// Decoding the image would take too much time or memory.
    #[error(
        "the image has {width} × {height} pixels; at most {MAX_SIDE} a side and {} million in all are taken",
        MAX_PIXELS / 1_000_000
    )]
    TooManyPixels {
        /// Width in pixels, according to the file.
        width: u32,
        /// Height in pixels, according to the file.
        height: u32,
    },
    /// The image has an acceptable size but too many bits per pixel.
    #[error(
        "the image has too many bits a pixel for its size; save it with 8 bits a channel and upload that"
    )]
    TooDeep,
    /// The image can't be decoded.
    #[error("the image is damaged; open it in an image program, save it again and upload that")]
    Broken,
    /// The encoded picture would be too large.
    #[error(
        "the image has so much detail that it needs more than 10 MiB; make it smaller and upload that"
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
    /// The conversion took more time or memory than allowed.
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
