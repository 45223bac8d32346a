//! Pictures of options, such as logos or signatures: checks, and conversion to a file that is cheap
//! to embed.

use std::io::Cursor;

use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat};
use typst::foundations::Bytes;

use super::RenderError;
use super::design::{decode, refuse};
use super::image_cache::FromImage;

/// Maximum side in pixels: 135 mm at 300 dpi. More pixels would only make every file larger.
const MAX_SIDE: u32 = 1600;

/// Picture that typst can embed.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    /// File. All batches use the same `Bytes`, because typst would decode a copy again.
    pub(super) bytes: Bytes,
    /// `jpg` if the file is embedded unchanged, otherwise `png`.
    pub(super) extension: &'static str,
    /// Size of the decoded pixels in typst's memory, in bytes.
    pub(super) decoded: usize,
}

impl FromImage for Picture {
    fn make(file: &bytes::Bytes) -> Result<Self, RenderError> {
        let decoded = decode(file)?;
        let small = decoded.image.width().max(decoded.image.height()) <= MAX_SIDE;
        if decoded.is_plain_jpeg && small {
            let decoded = decoded.image.as_bytes().len();
            return Ok(Self {
                bytes: Bytes::new(file.clone()),
                extension: "jpg",
                decoded,
            });
        }
        let image = if small {
            decoded.image
        } else {
            decoded
                .image
                .resize(MAX_SIDE, MAX_SIDE, FilterType::Triangle)
        };
        let plain: DynamicImage = if image.color().has_alpha() {
            image.into_rgba8().into()
        } else {
            image.into_rgb8().into()
        };
        let mut png = Cursor::new(Vec::new());
        plain
            .write_to(&mut png, ImageFormat::Png)
            .map_err(|e| refuse(e.to_string()))?;
        let decoded = plain.as_bytes().len();
        Ok(Self {
            bytes: Bytes::new(png.into_inner()),
            extension: "png",
            decoded,
        })
    }

    fn size(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).expect("writes");
        bytes.into_inner()
    }

    #[test]
    fn small_jpeg_is_unchanged() {
        let jpeg = file(
            &RgbImage::from_pixel(40, 20, Rgb([9, 9, 9])).into(),
            ImageFormat::Jpeg,
        );
        let made = Picture::make(&jpeg.clone().into()).expect("fine");
        assert_eq!(
            (made.bytes.as_slice(), made.extension),
            (jpeg.as_slice(), "jpg")
        );
    }

    #[test]
    fn transparency_is_kept_and_size_is_limited() {
        let wide = RgbaImage::from_pixel(MAX_SIDE * 2, 40, Rgba([9, 9, 9, 128]));
        for format in [ImageFormat::Png, ImageFormat::WebP] {
            let made = Picture::make(&file(&wide.clone().into(), format).into()).expect("fine");
            let back = image::load_from_memory(made.bytes.as_slice()).expect("a picture");
            assert_eq!(
                (back.width(), back.height(), made.extension),
                (MAX_SIDE, 20, "png")
            );
            assert_eq!(back.into_rgba8().get_pixel(5, 5)[3], 128);
        }
    }
}
