//! Conversion of uploaded designs: every accepted image becomes a plain picture that this program
//! has encoded.
//!
//! The format of an image is determined by its content. Its size is checked before it is decoded.
//! It is then rotated upright, scaled down to print size and encoded as JPEG, or as PNG if it is
//! transparent. This removes metadata, colour profiles, hidden chunks and scripts, and later steps
//! never decode untrusted bytes. SVG is rasterised ([`svg`]).
//!
//! Estimates bound the time and memory of these steps. Because decoders and renderers can have
//! defects nevertheless, the conversion runs only in a child of `crate::sandbox`.

mod not_taken;
mod picture;
mod raster;
mod svg;

pub use not_taken::NotTaken;
pub use picture::{Kind, Prepared};

/// Maximum size of an upload in bytes. The stored picture is not larger either.
pub const MAX_BYTES: u64 = 10 << 20;

/// Converts an uploaded file to a picture.
///
/// # Errors
/// The file is not an acceptable image. The message is for the person who uploaded it.
pub fn prepare(file: &[u8]) -> Result<Prepared, NotTaken> {
    let image = if svg::looks_like_svg(file) {
        svg::draw(file)?
    } else {
        raster::decode(file)?
    };
    picture::prepare(image)
}
