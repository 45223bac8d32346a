//! Conversion of uploaded designs. Every accepted image is encoded again by this program.
//!
//! The format of an image is determined from its content. Its size is checked before it is decoded.
//! The image is then rotated upright, scaled down to print size and encoded as JPEG, or as PNG if
//! it has transparent pixels. This removes metadata, colour profiles, hidden chunks and scripts,
//! and later steps never decode untrusted bytes. SVG is rasterized ([`svg`]).
//!
//! Estimates limit the time and memory of these steps. Decoders and renderers may still have
//! defects, so the conversion runs only in a child process of `crate::sandbox`.

mod not_taken;
mod picture;
mod raster;
mod svg;

pub use not_taken::NotTaken;
pub use picture::{Kind, Prepared};

/// Maximum size of an upload in bytes. It is also the maximum size of the stored picture.
pub const MAX_BYTES: u64 = 10 << 20;

/// Converts an uploaded file to a picture.
///
/// # Errors
/// Fails if the file isn't an acceptable image. The message is for the user who uploaded it.
pub fn prepare(file: &[u8]) -> Result<Prepared, NotTaken> {
    let image = if svg::looks_like_svg(file) {
        svg::draw(file)?
    } else {
        raster::decode(file)?
    };
    picture::prepare(image)
}
