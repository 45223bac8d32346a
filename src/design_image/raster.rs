//! Raster images: size check, limited decoding, and rotation.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};

use super::NotTaken;

/// Maximum number of pixels. An A4 page at 600 dpi has 35 million.
pub(super) const MAX_PIXELS: u64 = 50_000_000;
/// Maximum number of pixels per side. The renderer has the same limit.
pub(super) const MAX_SIDE: u32 = 12_000;
/// Maximum memory for decoding in bytes, enough for [`MAX_PIXELS`] with four 8-bit channels.
const MAX_ALLOCATION: u64 = 256 << 20;

/// Returns the format, determined from the content. Returns `None` for unsupported formats.
pub(super) fn format(file: &[u8]) -> Option<ImageFormat> {
    let known = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP];
    image::guess_format(file)
        .ok()
        .filter(|format| known.contains(format))
}

/// Returns the width and height without decoding the image.
pub(super) fn measure(file: &[u8]) -> Result<(u32, u32), NotTaken> {
    let format = format(file).ok_or(NotTaken::Unknown)?;
    let reader = ImageReader::with_format(Cursor::new(file), format);
    let (width, height) = reader.into_dimensions().map_err(|_| NotTaken::Broken)?;
    if width.max(height) > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(NotTaken::TooManyPixels { width, height });
    }
    Ok((width, height))
}

/// Decodes the image and rotates it as specified in its EXIF data.
pub(super) fn decode(file: &[u8]) -> Result<DynamicImage, NotTaken> {
    measure(file)?;
    let format = format(file).ok_or(NotTaken::Unknown)?;
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOCATION);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|_| NotTaken::Broken)?;
    if decoder.total_bytes() > MAX_ALLOCATION {
        return Err(NotTaken::TooDeep);
    }
    let orientation = decoder.orientation().map_err(|_| NotTaken::Broken)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|_| NotTaken::Broken)?;
    image.apply_orientation(orientation);
    Ok(image)
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    fn encoded(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(RgbImage::new(width, height))
            .write_to(&mut bytes, format)
            .unwrap();
        bytes.into_inner()
    }

    #[test]
    fn format_is_detected_from_the_content() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let image = decode(&encoded(format, 30, 20)).unwrap();
            assert_eq!((image.width(), image.height()), (30, 20));
        }
    }

    #[test]
    fn other_formats_and_damaged_images_are_refused() {
        assert_eq!(decode(b"%PDF-1.7").unwrap_err(), NotTaken::Unknown);
        assert_eq!(decode(b"GIF89a").unwrap_err(), NotTaken::Unknown);
        assert_eq!(decode(b"").unwrap_err(), NotTaken::Unknown);
        let whole = encoded(ImageFormat::Png, 30, 20);
        assert_eq!(
            decode(&whole[..whole.len() / 2]).unwrap_err(),
            NotTaken::Broken
        );
    }

    #[test]
    fn too_many_pixels_are_refused_before_decoding() {
        // This PNG has large dimensions in its header and no pixels, so decoding it would report a
        // damaged image.
        let mut bytes = encoded(ImageFormat::Png, 1, 1);
        let side = 60_000_u32;
        let offset = 16;
        bytes[offset..offset + 4].copy_from_slice(&side.to_be_bytes());
        bytes[offset + 4..offset + 8].copy_from_slice(&side.to_be_bytes());
        let checksum = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(
            decode(&bytes).unwrap_err(),
            NotTaken::TooManyPixels {
                width: side,
                height: side
            }
        );
    }

    /// Returns the CRC-32 of a PNG chunk (PNG specification, annex D).
    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
            })
        })
    }

    #[test]
    fn too_many_bits_per_pixel_are_refused_before_decoding() {
        let mut deep = encoded(ImageFormat::Png, 1, 1);
        // 7,000 × 7,000 pixels, 16 bits per channel, four channels. As above, the pixels themselves
        // are missing.
        deep[16..26].copy_from_slice(&[0, 0, 0x1B, 0x58, 0, 0, 0x1B, 0x58, 16, 6]);
        let checksum = crc32(&deep[12..29]);
        deep[29..33].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(decode(&deep).unwrap_err(), NotTaken::TooDeep);
    }

    #[test]
    fn exif_orientation_is_applied() {
        // EXIF segment (TIFF, one entry: orientation 6, a quarter turn) after the JPEG's first
        // marker.
        let plain = encoded(ImageFormat::Jpeg, 30, 20);
        let tiff: &[u8] =
            b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let length = u16::try_from(tiff.len() + 2).unwrap().to_be_bytes();
        let turned = [&plain[..2], &[0xFF, 0xE1], &length, tiff, &plain[2..]].concat();
        let image = decode(&turned).unwrap();
        assert_eq!((image.width(), image.height()), (20, 30));
    }
}
