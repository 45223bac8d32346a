//! Why an image is not taken.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::raster::{MAX_PIXELS, MAX_SIDE};

/// Why an image is not taken, and what to do about it.
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotTaken {
    /// It is something else.
    #[error("the file is not a JPEG, PNG, WebP or SVG image; save the design as one of them and upload that")]
    Unknown,
    /// Decoding it would take too much.
    #[error(
        "the image has {width} × {height} pixels; at most {MAX_SIDE} a side and {} million in all are taken",
        MAX_PIXELS / 1_000_000
    )]
    TooManyPixels {
        /// Pixels across, as the file says.
        width: u32,
        /// Pixels down, as the file says.
        height: u32,
    },
    /// Its pixels are few enough, and have too many bits.
    #[error(
        "the image has too many bits a pixel for its size; save it with 8 bits a channel and upload that"
    )]
    TooDeep,
    /// It can't be decoded.
    #[error("the image is damaged; open it in an image program, save it again and upload that")]
    Broken,
    /// What would be kept is too large.
    #[error("the image has so much detail that it needs more than 10 MiB; make it smaller and upload that")]
    TooDetailed,
    /// The drawing has something that is not drawn.
    #[error("the SVG has {what}; {advice}")]
    Svg {
        /// What it has.
        what: String,
        /// What to do.
        advice: Cow<'static, str>,
    },
    /// Preparing it took more than a design may take.
    #[error(
        "preparing the image takes more than {seconds} seconds or {mebibytes} MiB of memory; simplify it, or \
         export it as a PNG or JPEG of A4 size, and upload that"
    )]
    TooCostly {
        /// Seconds of processor time that it may take.
        seconds: u64,
        /// Memory that it may take, in MiB.
        mebibytes: u64,
    },
}

impl NotTaken {
    pub(super) fn svg(what: impl Into<String>, advice: &'static str) -> Self {
        Self::Svg { what: what.into(), advice: advice.into() }
    }
}
