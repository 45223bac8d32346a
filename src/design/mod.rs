//! Uploaded designs: whatever comes in, what is kept is a plain picture that this program has written.
//!
//! An image is told by its content, measured before it is decoded, turned upright, brought to print size and
//! written anew as JPEG, or as PNG where it is transparent. So metadata, colour profiles, hidden chunks and
//! scripts are gone, and nobody has to decode a stranger's bytes again. SVG is drawn ([`svg`]).
//!
//! Estimates bound the time and memory of all this, but decoders and renderers can have defects: only a child of
//! `crate::sandbox` does it.

mod not_taken;
mod picture;
mod raster;
mod svg;

pub use not_taken::NotTaken;
pub use picture::{Kind, Prepared};

/// The largest upload, in bytes; what is kept is not larger either.
pub const MAX_BYTES: u64 = 10 << 20;

/// Makes a picture of an uploaded file.
///
/// # Errors
/// The file is no image that we take; the text is for whoever uploaded it.
pub fn prepare(file: &[u8]) -> Result<Prepared, NotTaken> {
    let image = if svg::looks_like_svg(file) { svg::draw(file)? } else { raster::decode(file)? };
    picture::prepare(image)
}
