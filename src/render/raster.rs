//! A finished PDF as a picture.

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::Pdf;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{RenderCache, RenderSettings};

use super::RenderError;

/// The most pixels to an inch: a page of A4 takes 18 MB then.
const MAX_DPI: u16 = 200;

/// Draws the first page of one of our own PDFs as PNG, on white. Keeps one processor busy.
///
/// # Errors
/// [`RenderError::Bundle`] where the file is no PDF with a page.
pub fn png(pdf: &[u8], dpi: u16) -> Result<Vec<u8>, RenderError> {
    let unusable = || RenderError::Bundle { file: "certificate.pdf".to_owned() };
    let pdf = Pdf::new(pdf.to_vec()).map_err(|_| unusable())?;
    let page = pdf.pages().iter().next().ok_or_else(unusable)?;
    let scale = f32::from(dpi.clamp(1, MAX_DPI)) / 72.0;
    let settings =
        RenderSettings { x_scale: scale, y_scale: scale, bg_color: WHITE, ..RenderSettings::default() };
    let pixels = hayro::render(page, &RenderCache::new(), &InterpreterSettings::default(), &settings);
    pixels.into_png().map_err(|_| unusable())
}
