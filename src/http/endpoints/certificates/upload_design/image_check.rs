//! What an uploaded image is, by its content, and whether it can be drawn.

use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits};
use thiserror::Error;

/// The most pixels; an A4 page at 600 dpi has 35 million.
const MAX_PIXELS: u64 = 50_000_000;
/// The most pixels a side, which is also the renderer's limit.
const MAX_SIDE: u32 = 12_000;
/// The most memory that decoding may take: MAX_PIXELS of four channels and some more.
const MAX_ALLOCATION: u64 = 256 << 20;

/// The kinds of images that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Jpeg,
    Png,
    WebP,
}

impl Kind {
    pub(super) const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }

    pub(super) const fn mime_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }
}

/// An image that can be drawn.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Checked {
    pub(super) kind: Kind,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Why an image is not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum NotTaken {
    #[error("SVG designs are not taken; save it as PNG, JPEG or WebP and upload that")]
    Svg,
    #[error("the file is not a JPEG, PNG or WebP image; save the design as one of them and upload that")]
    Unknown,
    #[error(
        "the image has {width} × {height} pixels; at most {MAX_SIDE} a side and {} million in all are taken",
        MAX_PIXELS / 1_000_000
    )]
    TooManyPixels { width: u32, height: u32 },
    #[error("the image is damaged; open it in an image program, save it again and upload that")]
    Broken,
}

/// Looks at the size before it decodes, and decodes to see that it can be drawn. Takes time.
pub(super) fn check(bytes: &[u8]) -> Result<Checked, NotTaken> {
    let kind = match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => Kind::Jpeg,
        Ok(ImageFormat::Png) => Kind::Png,
        Ok(ImageFormat::WebP) => Kind::WebP,
        _ if looks_like_svg(bytes) => return Err(NotTaken::Svg),
        _ => return Err(NotTaken::Unknown),
    };
    let reader = || ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| NotTaken::Broken);
    let (width, height) = reader()?.into_dimensions().map_err(|_| NotTaken::Broken)?;
    if width.max(height) > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(NotTaken::TooManyPixels { width, height });
    }
    let mut reader = reader()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOCATION);
    reader.limits(limits);
    reader.decode().map_err(|_| NotTaken::Broken)?;
    Ok(Checked { kind, width, height })
}

fn looks_like_svg(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4_096)]).to_ascii_lowercase();
    head.contains("<svg")
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, RgbImage};

    use super::*;

    fn encoded(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(RgbImage::new(width, height)).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn content_tells_the_kind() {
        for (format, kind) in
            [(ImageFormat::Jpeg, Kind::Jpeg), (ImageFormat::Png, Kind::Png), (ImageFormat::WebP, Kind::WebP)]
        {
            let checked = check(&encoded(format, 30, 20));
            assert_eq!(checked, Ok(Checked { kind, width: 30, height: 20 }));
        }
    }

    #[test]
    fn what_is_no_such_image_is_refused() {
        assert_eq!(check(b"<?xml version='1.0'?><SVG xmlns=''/>"), Err(NotTaken::Svg));
        assert_eq!(check(b"%PDF-1.7"), Err(NotTaken::Unknown));
        assert_eq!(check(b""), Err(NotTaken::Unknown));
        let whole = encoded(ImageFormat::Png, 30, 20);
        assert_eq!(check(&whole[..whole.len() / 2]), Err(NotTaken::Broken));
    }

    #[test]
    fn too_many_pixels_are_refused_before_decoding() {
        // A PNG that only says that it is large: its pixels are missing, so decoding would call it damaged.
        let mut bytes = encoded(ImageFormat::Png, 1, 1);
        let (side, offset) = (60_000_u32, 16);
        bytes[offset..offset + 4].copy_from_slice(&side.to_be_bytes());
        bytes[offset + 4..offset + 8].copy_from_slice(&side.to_be_bytes());
        let checksum = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(check(&bytes), Err(NotTaken::TooManyPixels { width: side, height: side }));
    }

    /// CRC-32 of PNG chunks (PNG specification, annex D).
    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8)
                .fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
        })
    }
}
