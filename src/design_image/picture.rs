//! Stored form of a design: a picture in print size and a thumbnail for lists, both encoded by this
//! program.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, Rgba};
use serde::{Deserialize, Serialize};

use super::{MAX_BYTES, NotTaken};

/// Longer side of A4 at 300 dpi, in pixels. More pixels would only make every file larger.
pub(super) const PRINTED_SIDE: u32 = 3508;
/// Longer side of the thumbnail in pixels.
const SMALL_SIDE: u32 = 320;
/// JPEG qualities. They are tried in this order until the file is small enough. The first one makes
/// no visible difference to photographs and frames.
const JPEG_QUALITIES: [u8; 2] = [92, 75];
const SMALL_QUALITY: u8 = 80;

/// Encoding of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// For opaque pictures, and for transparent pictures whose PNG would be too large.
    Jpeg,
    /// For pictures with transparent pixels.
    Png,
}

impl Kind {
    /// Returns the file extension.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    /// Returns the media type.
    #[must_use]
    pub const fn mime_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// Design in its stored form.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Encoding of both pictures.
    pub kind: Kind,
    /// Encoded picture; at most [`MAX_BYTES`].
    pub bytes: Vec<u8>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Encoded thumbnail; at most 320 pixels per side.
    pub small: Vec<u8>,
}

pub(super) fn prepare(image: DynamicImage) -> Result<Prepared, NotTaken> {
    // This averaging filter needs no memory besides the result, unlike filters of higher quality.
    let image = if image.width().max(image.height()) > PRINTED_SIDE {
        image.thumbnail(PRINTED_SIDE, PRINTED_SIDE)
    } else {
        image
    };
    let (kind, image) = if image.color().has_alpha() {
        let image = image.into_rgba8();
        let is_clear = image.pixels().any(|pixel| pixel[3] < u8::MAX);
        (
            if is_clear { Kind::Png } else { Kind::Jpeg },
            DynamicImage::ImageRgba8(image),
        )
    } else {
        (Kind::Jpeg, image)
    };
    let width = image.width();
    let height = image.height();
    let small = image.thumbnail(SMALL_SIDE.min(width.max(1)), SMALL_SIDE.min(height.max(1)));
    let fits = |bytes: &Vec<u8>| bytes.len() as u64 <= MAX_BYTES;
    if kind == Kind::Png {
        let bytes = png(&image)?;
        if fits(&bytes) {
            return Ok(Prepared {
                kind,
                bytes,
                width,
                height,
                small: png(&small)?,
            });
        }
    }
    // A picture that can't stay transparent is laid on white, because paper is white.
    let image = on_white(image);
    let small = on_white(small);
    for quality in JPEG_QUALITIES {
        let bytes = jpeg(&image, quality)?;
        if fits(&bytes) {
            let small = jpeg(&small, SMALL_QUALITY)?;
            return Ok(Prepared {
                kind: Kind::Jpeg,
                bytes,
                width,
                height,
                small,
            });
        }
    }
    Err(NotTaken::TooDetailed)
}

fn png(image: &DynamicImage) -> Result<Vec<u8>, NotTaken> {
    let mut bytes = Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|_| NotTaken::Broken)?;
    Ok(bytes.into_inner())
}

fn jpeg(image: &DynamicImage, quality: u8) -> Result<Vec<u8>, NotTaken> {
    let mut bytes = Vec::new();
    image
        .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality))
        .map_err(|_| NotTaken::Broken)?;
    Ok(bytes)
}

fn on_white(image: DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return image.into_rgb8().into();
    }
    let mut image = image.into_rgba8();
    for Rgba([red, green, blue, alpha]) in image.pixels_mut() {
        let alpha = u32::from(*alpha);
        for channel in [red, green, blue] {
            let blended = (u32::from(*channel) * alpha + 255 * (255 - alpha) + 127) / 255;
            *channel = u8::try_from(blended).unwrap_or(u8::MAX);
        }
    }
    DynamicImage::ImageRgba8(image).into_rgb8().into()
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, RgbaImage};

    use super::*;

    #[test]
    fn opaque_picture_becomes_jpeg_and_a_transparent_one_png() {
        let covers: DynamicImage = RgbaImage::from_pixel(400, 200, Rgba([9, 9, 9, 255])).into();
        let clear: DynamicImage = RgbaImage::from_pixel(400, 200, Rgba([9, 9, 9, 128])).into();
        for (image, kind, format) in [
            (covers, Kind::Jpeg, ImageFormat::Jpeg),
            (clear, Kind::Png, ImageFormat::Png),
        ] {
            let made = prepare(image).unwrap();
            assert_eq!((made.kind, made.width, made.height), (kind, 400, 200));
            let small = image::load_from_memory_with_format(&made.small, format).unwrap();
            assert_eq!((small.width(), small.height()), (320, 160));
            assert!(image::load_from_memory_with_format(&made.bytes, format).is_ok());
        }
    }

    #[test]
    fn picture_is_scaled_down_to_print_size() {
        let made = prepare(RgbImage::from_pixel(7016, 100, Rgb([1, 2, 3])).into()).unwrap();
        assert_eq!((made.width, made.height), (PRINTED_SIDE, 50));
        let made = prepare(RgbImage::from_pixel(1, 1, Rgb([1, 2, 3])).into()).unwrap();
        assert_eq!((made.width, made.height), (1, 1));
    }

    #[test]
    fn transparent_picture_too_large_for_png_becomes_jpeg_on_white() {
        let noise = RgbaImage::from_fn(2200, 1600, |x, y| {
            let n = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(2_246_822_519))
                .wrapping_mul(3_266_489_917);
            Rgba(n.to_le_bytes())
        });
        let made = prepare(noise.into()).unwrap();
        assert_eq!(made.kind, Kind::Jpeg);
        assert!(made.bytes.len() as u64 <= MAX_BYTES);
    }
}
