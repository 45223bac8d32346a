//! Picture of all themes side by side.

use std::fmt::Write as _;
use std::io::Cursor;

use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, RgbaImage, imageops};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;

use super::bundled_fonts::Fonts;
use super::{RenderError, Renderer, Template, raster};
use crate::domain::Locale;
use crate::domain::certification::manifest::Orientation;

/// Lengths in pixels. There are two landscape pages in a row. Portrait pages are beside them, as
/// high as all rows.
const WIDTH: u32 = 560;
const HEIGHT: u32 = 404;
const GAP: u32 = 44;
const EDGE: u32 = 56;
const LABEL: u32 = 46;
const DPI: u16 = 110;

/// Page with its position.
struct Shown {
    name: String,
    page: RgbaImage,
    x: u32,
    y: u32,
    /// Top of its name, below the whole row.
    below: u32,
}

impl Renderer {
    /// Draws a PNG of the newest version of each theme, with its sample and its name.
    ///
    /// # Errors
    /// A theme can't draw its sample.
    pub fn gallery(&self, issue_date: time::Date) -> Result<Vec<u8>, RenderError> {
        let mut wide = Vec::new();
        let mut high = Vec::new();
        for theme in self.newest_themes() {
            let rendered = self.render(&[theme.sample(Locale::En, issue_date)]);
            let pdf = rendered
                .into_iter()
                .next()
                .ok_or_else(|| unusable("gallery.pdf"))??;
            let page = picture(&raster::png(&pdf.to_bytes(), DPI)?)?;
            let portrait = theme.manifest().page.orientation == Orientation::Portrait;
            if portrait { &mut high } else { &mut wide }
                .push((theme.manifest().title.en.clone(), page));
        }
        png(&placed(wide, high))
    }

    /// Returns the newest version of each theme, in the order in which they are shipped.
    pub fn newest_themes(&self) -> impl Iterator<Item = &std::sync::Arc<Template>> {
        self.themes().filter(|theme| {
            self.newest_theme(theme.name())
                .is_some_and(|newest| newest.version() == theme.version())
        })
    }
}

fn placed(wide: Vec<(String, RgbaImage)>, high: Vec<(String, RgbaImage)>) -> Vec<Shown> {
    let mut shown = Vec::new();
    let rows = u32::try_from(wide.len().div_ceil(2))
        .unwrap_or(u32::MAX)
        .max(2);
    let row = HEIGHT + LABEL + GAP;
    for (n, (name, page)) in (0_u32..).zip(wide) {
        let page = fitted(&page, WIDTH, HEIGHT);
        // A page that is narrower than its place is centred.
        let x = EDGE + (n % 2) * (WIDTH + GAP) + (WIDTH - page.width()) / 2;
        let y = EDGE + (n / 2) * row;
        shown.push(Shown {
            name,
            x,
            y,
            below: y + HEIGHT,
            page,
        });
    }
    let mut x = EDGE + 2 * (WIDTH + GAP);
    for (name, page) in high {
        let page = fitted(&page, u32::MAX, rows * row - GAP - LABEL);
        let width = page.width();
        let below = EDGE + page.height();
        shown.push(Shown {
            name,
            page,
            x,
            y: EDGE,
            below,
        });
        x += width + GAP;
    }
    shown
}

fn fitted(page: &RgbaImage, width: u32, height: u32) -> RgbaImage {
    let w = f64::from(page.width());
    let h = f64::from(page.height());
    let scale = (f64::from(width) / w).min(f64::from(height) / h);
    let side = |side: f64| whole((side * scale).round());
    imageops::resize(page, side(w), side(h), FilterType::Lanczos3)
}

/// Converts a length to whole pixels, from 1 to 10,000.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 1 and 10,000"
)]
fn whole(length: f64) -> u32 {
    length.clamp(1.0, 10_000.0) as u32
}

/// Draws the background with shadows and names, and the pages on it, as PNG.
fn png(shown: &[Shown]) -> Result<Vec<u8>, RenderError> {
    let width = shown
        .iter()
        .map(|one| one.x + one.page.width())
        .max()
        .unwrap_or(0)
        + EDGE;
    let height = shown.iter().map(|one| one.below + LABEL).max().unwrap_or(0) + EDGE - 12;
    let mut ground = ground(shown, width, height)?;
    for one in shown {
        imageops::overlay(&mut ground, &one.page, one.x.into(), one.y.into());
    }
    let mut png = Cursor::new(Vec::new());
    let written = DynamicImage::from(ground)
        .into_rgb8()
        .write_to(&mut png, ImageFormat::Png);
    written.map_err(|_| unusable("gallery.png"))?;
    Ok(png.into_inner())
}

fn ground(shown: &[Shown], width: u32, height: u32) -> Result<RgbaImage, RenderError> {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\">\
         <defs><filter id=\"soft\" x=\"-20%\" y=\"-20%\" width=\"140%\" height=\"140%\">\
         <feGaussianBlur stdDeviation=\"9\"/></filter></defs>\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#edeff2\"/>"
    );
    for one in shown {
        let w = one.page.width();
        let h = one.page.height();
        let middle = one.x + w / 2;
        let below = one.below + 30;
        let name = one.name.replace('&', "&amp;").replace('<', "&lt;");
        // Writing into a String never fails.
        let _ = write!(
            svg,
            "<rect x=\"{}\" y=\"{}\" width=\"{w}\" height=\"{h}\" fill=\"#1c2430\" fill-opacity=\"0.3\" \
             filter=\"url(#soft)\"/><text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\" \
             font-family=\"Montserrat\" font-weight=\"600\" font-size=\"19\" fill=\"#2b3440\">{name}</text>",
            one.x,
            one.y + 6
        );
    }
    svg.push_str("</svg>");
    let mut options = usvg::Options::default();
    let font = Fonts::file("Montserrat-SemiBold.ttf")
        .ok_or_else(|| unusable("Montserrat-SemiBold.ttf"))?;
    options.fontdb_mut().load_font_data(font.to_vec());
    let tree = usvg::Tree::from_str(&svg, &options).map_err(|_| unusable("gallery.svg"))?;
    let mut pixels = Pixmap::new(width, height).ok_or_else(|| unusable("gallery.svg"))?;
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    // All pixels are opaque, so premultiplied and plain colours are the same.
    RgbaImage::from_raw(width, height, pixels.take()).ok_or_else(|| unusable("gallery.svg"))
}

fn picture(png: &[u8]) -> Result<RgbaImage, RenderError> {
    let decoded = image::load_from_memory_with_format(png, ImageFormat::Png);
    decoded
        .map(DynamicImage::into_rgba8)
        .map_err(|_| unusable("gallery.png"))
}

fn unusable(file: &str) -> RenderError {
    RenderError::Bundle {
        file: file.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::certificate_pdf::tests::RENDERER;

    #[test]
    fn every_theme_is_in_the_gallery() {
        let png = RENDERER.gallery(date!(2026 - 11 - 21)).expect("draws");
        let picture = image::load_from_memory(&png).expect("a picture");
        assert!(
            picture.width() > 1000 && picture.height() > 800,
            "{}",
            picture.width()
        );
        let names: Vec<&str> = RENDERER.newest_themes().map(|theme| theme.name()).collect();
        assert_eq!(
            names,
            ["classic", "corporate", "bold", "academic", "minimal"]
        );
    }

    #[test]
    fn pages_never_overlap() {
        let page = |width, height| ("page".to_owned(), RgbaImage::new(width, height));
        let shown = placed(vec![page(297, 210); 5], vec![page(210, 297); 2]);
        for (n, one) in shown.iter().enumerate() {
            for other in &shown[n + 1..] {
                let beside =
                    one.x + one.page.width() <= other.x || other.x + other.page.width() <= one.x;
                let below = one.below + LABEL <= other.y || other.below + LABEL <= one.y;
                assert!(
                    beside || below,
                    "{} {} and {} {}",
                    one.x,
                    one.y,
                    other.x,
                    other.y
                );
            }
        }
    }
}
