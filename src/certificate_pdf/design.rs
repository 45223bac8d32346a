//! Background images of issuers: checks, conversion to a JPEG that is cheap to embed, and a cache.

use std::io::Cursor;
use std::ops::Range;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage,
};
use typst::foundations::Bytes;
use typst::visualize::{ExchangeFormat, RasterImage};

use super::RenderError;
use super::image_cache::{FromImage, ImageCache};

/// Maximum side in pixels. Small files can declare huge images, so the decoder's memory is limited
/// too.
const MAX_SIDE: u32 = 12_000;
const MAX_DECODED: u64 = 400 << 20;
/// Maximum size in pixels: A4 at 300 dpi. More pixels would only make every file larger.
const MAX_PRINTED: (u32, u32) = (3508, 2480);
const JPEG_QUALITY: u8 = 92;
/// Size to which an image is reduced to measure its brightness.
const SMALL: (u32, u32) = (96, 68);
/// Columns and rows of the reduced image that are behind text.
const BEHIND_TEXT: (Range<u32>, Range<u32>) = (12..84, 8..60);

/// Background that typst can embed, and the colour that text on it needs.
#[derive(Debug, Clone)]
pub(super) struct Background {
    /// JPEG file. All batches use the same `Bytes`, because typst would decode a copy again.
    pub(super) jpeg: Bytes,
    pub(super) tone: Tone,
    /// Size of the decoded pixels in typst's memory, in bytes.
    pub(super) decoded: usize,
}

/// Brightness of a background, as templates get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(super) struct Tone {
    tone: &'static str,
    /// True if the template must draw a veil between the image and the text.
    veil: bool,
}

impl FromImage for Background {
    fn make(file: &bytes::Bytes) -> Result<Self, RenderError> {
        let opened = open(file)?;
        let (width, height) = opened.decoder.dimensions();
        if opened.is_plain_jpeg && fits(width, height) {
            let jpeg = Bytes::new(file.clone());
            // typst caches the decoded image and reuses it in the layout.
            let image = RasterImage::plain(jpeg.clone(), ExchangeFormat::Jpg);
            let image = image.map_err(|why| refuse(why.to_string()))?;
            return Ok(Self {
                tone: tone(image.dynamic()),
                jpeg,
                decoded: image.dynamic().as_bytes().len(),
            });
        }
        let image = opened.decode()?.image;
        let tone = tone(&image);
        let image = on_white(image);
        Ok(Self {
            tone,
            jpeg: Bytes::new(encode(&image)?),
            decoded: image.as_raw().len(),
        })
    }

    fn size(&self) -> usize {
        self.jpeg.len()
    }
}

/// Cache of backgrounds.
pub(super) type Designs = ImageCache<Background>;

pub(super) fn refuse(reason: impl Into<String>) -> RenderError {
    RenderError::Design {
        reason: reason.into(),
    }
}

/// Decoded image in upright orientation.
pub(super) struct Decoded {
    pub(super) image: DynamicImage,
    /// True if the file can be embedded unchanged.
    pub(super) is_plain_jpeg: bool,
}

/// Image whose header has been read, but not its pixels.
struct Opened<'a> {
    decoder: Box<dyn ImageDecoder + 'a>,
    orientation: Orientation,
    is_plain_jpeg: bool,
}

/// Reads the header of an image, within limits.
fn open(file: &[u8]) -> Result<Opened<'_>, RenderError> {
    let mut reader = ImageReader::new(Cursor::new(file))
        .with_guessed_format()
        .map_err(|e| refuse(e.to_string()))?;
    let format = match reader.format() {
        Some(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) => format,
        _ => return Err(refuse("it is neither JPEG, PNG nor WebP")),
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|e| refuse(e.to_string()))?;
    // CMYK would need a printing profile under PDF/A.
    let plain = matches!(
        decoder.original_color_type(),
        ExtendedColorType::Rgb8 | ExtendedColorType::L8
    );
    let orientation = decoder.orientation().map_err(|e| refuse(e.to_string()))?;
    let is_plain_jpeg =
        format == ImageFormat::Jpeg && plain && orientation == Orientation::NoTransforms;
    Ok(Opened {
        decoder: Box::new(decoder),
        orientation,
        is_plain_jpeg,
    })
}

impl Opened<'_> {
    fn decode(self) -> Result<Decoded, RenderError> {
        let mut image =
            DynamicImage::from_decoder(self.decoder).map_err(|e| refuse(e.to_string()))?;
        image.apply_orientation(self.orientation);
        Ok(Decoded {
            image,
            is_plain_jpeg: self.is_plain_jpeg,
        })
    }
}

/// Decodes an image, within limits.
pub(super) fn decode(file: &[u8]) -> Result<Decoded, RenderError> {
    open(file)?.decode()
}

/// Returns true if neither side exceeds [`MAX_PRINTED`].
const fn fits(width: u32, height: u32) -> bool {
    width <= MAX_PRINTED.0 && height <= MAX_PRINTED.1
}

/// Draws the image on white and reduces it to at most [`MAX_PRINTED`].
fn on_white(image: DynamicImage) -> RgbImage {
    let image = if fits(image.width(), image.height()) {
        image
    } else {
        image.resize(MAX_PRINTED.0, MAX_PRINTED.1, FilterType::Triangle)
    };
    let mut rgba = image.into_rgba8();
    for pixel in rgba.pixels_mut() {
        let alpha = u32::from(pixel[3]);
        for channel in &mut pixel.0[..3] {
            let blended = (u32::from(*channel) * alpha + 255 * (255 - alpha) + 127) / 255;
            *channel = u8::try_from(blended).unwrap_or(u8::MAX);
        }
        pixel[3] = u8::MAX;
    }
    DynamicImage::ImageRgba8(rgba).into_rgb8()
}

fn encode(image: &RgbImage) -> Result<Vec<u8>, RenderError> {
    let mut jpeg = Vec::new();
    image
        .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY))
        .map_err(|e| refuse(e.to_string()))?;
    Ok(jpeg)
}

/// Computes the same colours as [`of_thumbnail`] in a twentieth of the time. The image must be at
/// least twice as large as [`SMALL`]. This is on the critical path of the first certificate with
/// each background.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "sizes and colours of images are small"
)]
fn averages(image: &RgbImage) -> Vec<[u8; 4]> {
    let ends = |size: u32, parts: u32| {
        let ratio = size as f32 / parts as f32;
        let end = move |n: u32| (n as f32 * ratio).ceil() as u32;
        move |n: u32| {
            (
                end(n).min(size - 1),
                ((n as f32 * ratio + ratio).ceil() as u32).min(size),
            )
        }
    };
    let column = ends(image.width(), SMALL.0);
    let row = ends(image.height(), SMALL.1);
    let row_length = image.width() as usize * 3;
    let mut averages = Vec::new();
    // A row's height is at most MAX_SIDE / SMALL.1, so sums of bytes stay below 2^16.
    let mut sums = vec![0_u16; row_length];
    for y in BEHIND_TEXT.1 {
        let (top, bottom) = row(y);
        sums.fill(0);
        for line in image
            .as_raw()
            .chunks_exact(row_length)
            .take(bottom as usize)
            .skip(top as usize)
        {
            sums.iter_mut()
                .zip(line)
                .for_each(|(sum, part)| *sum += u16::from(*part));
        }
        for x in BEHIND_TEXT.0 {
            let (left, right) = column(x);
            let pixels = (right - left) * (bottom - top);
            let mut colour = [0_u32; 3];
            for sums in sums[left as usize * 3..right as usize * 3]
                .as_chunks::<3>()
                .0
            {
                colour
                    .iter_mut()
                    .zip(sums)
                    .for_each(|(colour, sum)| *colour += u32::from(*sum));
            }
            let [r, g, b] = colour.map(|sum| ((sum + pixels / 2) / pixels) as u8);
            averages.push([r, g, b, u8::MAX]);
        }
    }
    averages
}

/// Reduces the image to [`SMALL`] and returns the colours of the part behind text.
fn of_thumbnail(image: &DynamicImage) -> Vec<[u8; 4]> {
    let small = image.thumbnail_exact(SMALL.0, SMALL.1).into_rgba8();
    BEHIND_TEXT
        .1
        .flat_map(|y| BEHIND_TEXT.0.map(move |x| (x, y)))
        .map(|(x, y)| small.get_pixel(x, y).0)
        .collect()
}

/// Measures the part of the image that is behind text. Text is dark if most of that part is bright,
/// and white if most of it is dark. A veil is needed if more than a seventh of the part has the
/// opposite brightness.
fn tone(image: &DynamicImage) -> Tone {
    let is_large =
        |image: &&RgbImage| image.width() >= 2 * SMALL.0 && image.height() >= 2 * SMALL.1;
    let colours = image
        .as_rgb8()
        .filter(is_large)
        .map_or_else(|| of_thumbnail(image), averages);
    let mut bright = 0_usize;
    let mut dark = 0_usize;
    for [r, g, b, alpha] in colours.iter().map(|colour| colour.map(u32::from)) {
        // Rec. 709 luma, in thousandths, over white.
        let luma = (213 * r + 715 * g + 72 * b) * alpha / 255 + 1000 * (255 - alpha);
        if luma >= 155_000 {
            bright += 1;
        } else if luma <= 100_000 {
            dark += 1;
        }
    }
    let (tone, with_it) = if bright >= dark {
        ("light", bright)
    } else {
        ("dark", dark)
    };
    Tone {
        tone,
        veil: (colours.len() - with_it) * 7 > colours.len(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use data_encoding::HEXLOWER;
    use image::{Rgb, Rgba, RgbaImage};
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::certificate_pdf::Design;

    fn design(bytes: Vec<u8>) -> Design {
        Design {
            sha256: HEXLOWER.encode(&Sha256::digest(&bytes)),
            bytes: bytes.into(),
        }
    }

    fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).expect("writes");
        bytes.into_inner()
    }

    fn plain(colour: [u8; 3]) -> DynamicImage {
        RgbImage::from_pixel(297, 210, Rgb(colour)).into()
    }

    #[test]
    fn thumbnail_averages_equal_those_of_the_image_library() {
        for (width, height) in [
            (192, 136),
            (193, 150),
            (1754, 1240),
            (1920, 1358),
            (3508, 2480),
            (300, 12_000),
        ] {
            let mut noise = 1_u32;
            let image = RgbImage::from_fn(width, height, |_, _| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                Rgb([
                    (noise >> 24) as u8,
                    (noise >> 16) as u8,
                    (noise >> 28) as u8,
                ])
            });
            let library = of_thumbnail(&DynamicImage::ImageRgb8(image.clone()));
            assert!(averages(&image) == library, "{width} {height}");
        }
    }

    #[test]
    fn plain_jpeg_is_unchanged_and_cached() {
        let bytes = file(&plain([250, 248, 240]), ImageFormat::Jpeg);
        let designs = Designs::default();
        let first = designs
            .prepare(&design(bytes.clone()), || ())
            .expect("fine");
        assert_eq!(first.jpeg.as_slice(), bytes);
        let second = designs.prepare(&design(bytes), || ()).expect("fine");
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn png_and_webp_become_jpeg_on_white() {
        let clear: DynamicImage = RgbaImage::from_pixel(297, 210, Rgba([0, 0, 0, 0])).into();
        for format in [ImageFormat::Png, ImageFormat::WebP] {
            let made = Designs::default()
                .prepare(&design(file(&clear, format)), || ())
                .expect("fine");
            let back = image::load_from_memory_with_format(made.jpeg.as_slice(), ImageFormat::Jpeg)
                .expect("a JPEG");
            assert!(
                back.into_rgb8()
                    .pixels()
                    .all(|p| p.0.iter().all(|c| *c > 250))
            );
            assert_eq!(
                made.tone,
                Tone {
                    tone: "light",
                    veil: false
                }
            );
        }
    }

    #[test]
    fn tone_depends_on_the_brightness() {
        let of = |image: &DynamicImage| tone(image);
        assert_eq!(
            of(&plain([255, 255, 250])),
            Tone {
                tone: "light",
                veil: false
            }
        );
        assert_eq!(
            of(&plain([10, 20, 40])),
            Tone {
                tone: "dark",
                veil: false
            }
        );
        assert_eq!(
            of(&plain([128, 128, 128])),
            Tone {
                tone: "light",
                veil: true
            }
        );
    }

    #[test]
    fn file_that_is_not_an_image_or_has_another_digest_is_rejected() {
        let designs = Designs::default();
        for bytes in [
            b"".to_vec(),
            b"<svg/>".to_vec(),
            b"\xFF\xD8\xFF\xE0 broken".to_vec(),
            b"GIF89a".to_vec(),
        ] {
            assert_eq!(
                designs
                    .prepare(&design(bytes), || ())
                    .expect_err("refused")
                    .code(),
                "RENDER_DESIGN"
            );
        }
        let mut cut = file(&plain([1, 2, 3]), ImageFormat::Png);
        cut.truncate(cut.len() / 2);
        assert_eq!(
            designs
                .prepare(&design(cut), || ())
                .expect_err("refused")
                .code(),
            "RENDER_DESIGN"
        );
        let mut other = design(file(&plain([1, 2, 3]), ImageFormat::Png));
        other.sha256 = "00".repeat(32);
        assert_eq!(
            designs.prepare(&other, || ()).expect_err("refused").code(),
            "RENDER_DESIGN"
        );
    }

    #[test]
    fn small_file_that_declares_a_huge_image_is_rejected() {
        let mut png = file(&plain([1, 2, 3]), ImageFormat::Png);
        // Changes width and height in the header (PNG, section 11.2.1), and corrects the checksum.
        png[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        let crc = crc32(&png[12..29]);
        png[29..33].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(
            Designs::default()
                .prepare(&design(png), || ())
                .expect_err("refused")
                .code(),
            "RENDER_DESIGN"
        );
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |c, _| {
                if c & 1 == 1 {
                    0xEDB8_8320 ^ (c >> 1)
                } else {
                    c >> 1
                }
            })
        })
    }
}
