//! Rasterizes a finished PDF, and compares two such pictures.

use std::io::Cursor;

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::Pdf;
use hayro::vello_cpu::Pixmap;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{RenderCache, RenderSettings};

use image::{ImageFormat, ImageReader, Limits, Rgb, RgbImage};

use super::RenderError;

/// Maximum resolution in dpi. At this resolution, the pixels of an A4 page take 15 MB.
const MAX_DPI: u16 = 200;
/// Maximum side of compared pictures, in pixels.
const MAX_SIDE: u32 = 4_000;
/// Maximum difference per colour channel for which two pixels count as equal.
const TOLERANCE: u8 = 24;
/// Gap between pictures in pixels.
const GAP: u32 = 8;

/// Draws the first page of a PDF that this program created, as PNG on white. The call is CPU-bound.
///
/// # Errors
/// [`RenderError::Bundle`] if the file isn't a PDF with at least one page.
pub fn png(pdf: &[u8], dpi: u16) -> Result<Vec<u8>, RenderError> {
    let unusable = || RenderError::Bundle {
        file: "certificate.pdf".to_owned(),
    };
    draw(pdf, dpi)?.into_png().map_err(|_| unusable())
}

/// Draws the first page as a bitmap.
pub(super) fn draw(pdf: &[u8], dpi: u16) -> Result<Pixmap, RenderError> {
    let unusable = || RenderError::Bundle {
        file: "certificate.pdf".to_owned(),
    };
    let pdf = Pdf::new(pdf.to_vec()).map_err(|_| unusable())?;
    let page = pdf.pages().iter().next().ok_or_else(unusable)?;
    let scale = f32::from(dpi.clamp(1, MAX_DPI)) / 72.0;
    let settings = RenderSettings {
        x_scale: scale,
        y_scale: scale,
        bg_color: WHITE,
        ..RenderSettings::default()
    };
    Ok(hayro::render(
        page,
        &RenderCache::new(),
        &InterpreterSettings::default(),
        &settings,
    ))
}

/// Returns true if two pictures from [`png`] have different sizes, or a colour difference above the
/// tolerance.
///
/// # Errors
/// [`RenderError::Design`] if one of them isn't a PNG within the limits.
pub fn differ(one: &[u8], other: &[u8]) -> Result<bool, RenderError> {
    let one = pixels(one)?;
    let other = pixels(other)?;
    if one.dimensions() != other.dimensions() {
        return Ok(true);
    }
    Ok(one
        .pixels()
        .zip(other.pixels())
        .any(|(one, other)| are_apart(*one, *other)))
}

/// Draws two pictures side by side. To their right is a pale copy of the first one, with the
/// differences in red.
///
/// # Errors
/// See [`differ`].
pub fn side_by_side(one: &[u8], other: &[u8]) -> Result<Vec<u8>, RenderError> {
    let one = pixels(one)?;
    let other = pixels(other)?;
    let width = one.width().max(other.width());
    let height = one.height().max(other.height());
    let mut sheet = RgbImage::from_pixel(3 * width + 2 * GAP, height, Rgb([90, 90, 90]));
    image::imageops::replace(&mut sheet, &one, 0, 0);
    image::imageops::replace(&mut sheet, &other, i64::from(width + GAP), 0);
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        let a = one.get_pixel_checked(x, y);
        let b = other.get_pixel_checked(x, y);
        let same = matches!((a, b), (Some(a), Some(b)) if !are_apart(*a, *b));
        let pale = a.map_or(Rgb([255; 3]), |a| Rgb(a.0.map(|channel| 192 + channel / 4)));
        sheet.put_pixel(
            2 * (width + GAP) + x,
            y,
            if same { pale } else { Rgb([208, 0, 32]) },
        );
    }
    let mut png = Cursor::new(Vec::new());
    sheet
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|_| not_a_picture())?;
    Ok(png.into_inner())
}

fn are_apart(one: Rgb<u8>, other: Rgb<u8>) -> bool {
    one.0
        .iter()
        .zip(other.0)
        .any(|(one, other)| one.abs_diff(other) > TOLERANCE)
}

/// Decodes a picture within limits, because it may have been created in a sandbox child.
fn pixels(png: &[u8]) -> Result<RgbImage, RenderError> {
    let mut reader = ImageReader::with_format(Cursor::new(png), ImageFormat::Png);
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    reader.limits(limits);
    Ok(reader.decode().map_err(|_| not_a_picture())?.into_rgb8())
}

fn not_a_picture() -> RenderError {
    RenderError::Design {
        reason: "the drawn picture cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png_of(image: &RgbImage) -> Vec<u8> {
        let mut png = Cursor::new(Vec::new());
        image.write_to(&mut png, ImageFormat::Png).expect("written");
        png.into_inner()
    }

    #[test]
    fn differences_are_found_and_drawn_in_red() {
        let white = RgbImage::from_pixel(20, 10, Rgb([255; 3]));
        let mut marked = white.clone();
        marked.put_pixel(3, 4, Rgb([0; 3]));
        let mut pale = white.clone();
        pale.put_pixel(3, 4, Rgb([250; 3]));
        let white = png_of(&white);
        let marked = png_of(&marked);
        let pale = png_of(&pale);
        assert_eq!(differ(&white, &marked), Ok(true));
        assert_eq!(
            differ(&white, &pale),
            Ok(false),
            "a small difference is ignored"
        );
        assert_eq!(differ(&white, &png_of(&RgbImage::new(10, 20))), Ok(true));
        assert!(differ(&white, b"no picture").is_err());
        let sheet = pixels(&side_by_side(&white, &marked).expect("drawn")).expect("a picture");
        assert_eq!(sheet.width(), 3 * 20 + 2 * GAP);
        assert_eq!(*sheet.get_pixel(2 * (20 + GAP) + 3, 4), Rgb([208, 0, 32]));
        assert_eq!(*sheet.get_pixel(2 * (20 + GAP) + 4, 4), Rgb([255; 3]));
    }
}
