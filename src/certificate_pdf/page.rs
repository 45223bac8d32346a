//! Checks of a laid-out page, its QR code, and its export as PDF.

use ecow::{EcoString, eco_vec};
use qrcodegen::{Mask, QrCode, QrCodeEcc, QrSegment, Version};
use typst::diag::SourceDiagnostic;
use typst::foundations::{Datetime, Smart};
use typst::layout::{Abs, Frame, FrameItem, Point, Ratio, Size, Transform};
use typst::model::{Destination, DocumentInfo};
use typst::syntax::Span;
use typst::text::{Lang, Locale as TypstLocale, TextItem};
use typst::visualize::{Color, Curve, FillRule, Geometry, Paint, Shape};
use typst_layout::{Page, PagedDocument};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use super::coverage::Coverage;
use super::error::Diagnosis;
use super::world::BatchWorld;
use super::{RenderError, RenderJob, Template, shown};
use crate::domain::certification::manifest::{PageFormat, QrPlace, VARIABLES};
use crate::domain::{Locale, Personal};

/// Properties of a job that affect its PDF but not its layout.
pub(super) struct PageFacts {
    pub(super) locale: Locale,
    pub(super) issue_date: time::Date,
    pub(super) public_id: String,
    pub(super) title: Personal<String>,
    pub(super) author: String,
    pub(super) qr: QrCode,
}

/// Encodes `address` as a QR code. The mask is fixed: the search for the best mask takes ten times
/// as long, and a later version of the library could choose another one, which would change the
/// bytes.
pub(super) fn qr_code(address: &str) -> Result<QrCode, RenderError> {
    let segments = QrSegment::make_segments(address);
    let least = Version::MIN;
    let most = Version::new(20);
    QrCode::encode_segments_advanced(
        &segments,
        QrCodeEcc::Medium,
        least,
        most,
        Some(Mask::new(2)),
        false,
    )
    .map_err(|_| RenderError::InvalidText {
        field: "verification_url",
        problem: "is too long for a QR code: use a shorter public address".to_owned(),
    })
}

/// Returns the creator for the file's metadata.
pub(super) fn creator(version: &str) -> String {
    format!("Laureate, renderer {version}")
}

/// Checks a page: size, links, margin, clusters, and that it shows `name`.
pub(super) fn check(
    page: &Page,
    template: &Template,
    job: &RenderJob,
    coverage: &Coverage,
    name: &str,
) -> Result<(), RenderError> {
    check_size(&page.frame, template.page_setup(job).page)?;
    check_links(&page.frame)?;
    check_margins(&page.frame, template.manifest().margin)?;
    shown::check_clusters(&page.frame, coverage)?;
    shown::check_name(&page.frame, name, template.origin())
}

/// Writes the PDF of one page with typst's exporter. The bytes don't depend on other pages or on
/// the page number.
pub(super) fn export(
    mut page: Page,
    facts: &PageFacts,
    creator: String,
) -> Result<Vec<u8>, RenderError> {
    page.number = 1;
    let document = PagedDocument::new(eco_vec![page], info(facts));
    let standards = PdfStandards::new(&[PdfStandard::A_2b])
        .map_err(|e| template_error([e.message().clone()]))?;
    let options = PdfOptions {
        ident: Smart::Custom(facts.public_id.clone()),
        creator: Smart::Custom(Some(creator)),
        timestamp: None,
        page_ranges: None,
        standards,
        tagged: true,
        pretty: false,
    };
    typst_pdf::pdf(&document, &options).map_err(|errors| diagnosed(&errors))
}

fn info(facts: &PageFacts) -> DocumentInfo {
    let date = facts.issue_date;
    let lang = match facts.locale {
        Locale::En => Lang::ENGLISH,
        Locale::Es => Lang::SPANISH,
    };
    DocumentInfo {
        title: Some(facts.title.reveal_str().into()),
        author: vec![facts.author.as_str().into()],
        description: None,
        keywords: Vec::new(),
        date: Smart::Custom(Datetime::from_ymd(
            date.year(),
            date.month().into(),
            date.day(),
        )),
        locale: Smart::Custom(TypstLocale::new(lang, None)),
    }
}

/// Field names in overflow messages that are neither variables nor options of a template.
const COMMON: [&str; 5] = [
    "issue_date",
    "options",
    "public_id",
    "text",
    "verification_url",
];

/// Converts typst's diagnostics, each with its place in the source. If a text is too long,
/// templates report a message that starts with `OVERFLOW` and the name of the field. The rest of
/// that message is ignored, because it may be personal data.
pub(super) fn diagnosed_in(world: &BatchWorld, diagnostics: &[SourceDiagnostic]) -> RenderError {
    let options = &world.template.manifest().options;
    let is_field = |name: &&str| {
        VARIABLES.contains(name)
            || COMMON.contains(name)
            || options.iter().any(|option| option.name == *name)
    };
    let overflow = |d: &SourceDiagnostic| {
        let (_, field) = d.message.split_once("OVERFLOW ")?;
        Some(field.trim()).filter(is_field).map(str::to_owned)
    };
    match diagnostics.iter().find_map(overflow) {
        Some(field) => RenderError::Overflow { field },
        None => {
            let diagnoses = diagnostics.iter().map(|d| world.diagnosis(d)).collect();
            RenderError::Template {
                diagnostics: Personal::new(diagnoses),
            }
        }
    }
}

fn diagnosed(diagnostics: &[SourceDiagnostic]) -> RenderError {
    template_error(diagnostics.iter().map(|d| d.message.clone()))
}

pub(super) fn template_error(messages: impl IntoIterator<Item = EcoString>) -> RenderError {
    let diagnoses = messages
        .into_iter()
        .map(|message| Diagnosis::of_message(message.as_str()));
    RenderError::Template {
        diagnostics: Personal::new(diagnoses.collect()),
    }
}

/// Rejects a page that doesn't have the size in the manifest, because the QR code would be
/// misplaced.
fn check_size(frame: &Frame, format: PageFormat) -> Result<(), RenderError> {
    let (width, height) = format.millimetres();
    let alike = |side: Abs, wanted: f64| (side.to_mm() - wanted).abs() < 0.1;
    if alike(frame.width(), width) && alike(frame.height(), height) {
        return Ok(());
    }
    let message =
        format!("the page must be {width} mm wide and {height} mm high, as the manifest says");
    Err(template_error([message.into()]))
}

/// Rejects links with a scheme other than `http`, `https` and `mailto`. With other schemes, PDF
/// readers might run a program or open a local file.
fn check_links(frame: &Frame) -> Result<(), RenderError> {
    for (_, item) in frame.items() {
        match item {
            FrameItem::Group(group) => check_links(&group.frame)?,
            FrameItem::Link(Destination::Url(url), _) => {
                let scheme = url
                    .split_once(':')
                    .map(|(scheme, _)| scheme.to_ascii_lowercase());
                if !["http", "https", "mailto"]
                    .map(Some)
                    .contains(&scheme.as_deref())
                {
                    let message = "a link must begin with https:, http: or mailto:";
                    return Err(template_error([message.into()]));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Rejects a page with text outside of the margin. `margin` is in millimetres.
pub(super) fn check_margins(frame: &Frame, margin: f64) -> Result<(), RenderError> {
    // A text that ends exactly at the margin may exceed it by a rounding error.
    let margin = Abs::mm(margin) - Abs::pt(0.01);
    let inside = |p: Point| {
        p.x >= margin
            && p.y >= margin
            && p.x <= frame.width() - margin
            && p.y <= frame.height() - margin
    };
    for_each_text(frame, Transform::identity(), &mut |text, place| {
        // The letters of all supported scripts reach from 0.3 em below the baseline to 0.75 em
        // above it.
        let left = Abs::zero();
        let right = text.width();
        let top = text.size * -0.75;
        let bottom = text.size * 0.3;
        let corners = [(left, top), (right, top), (left, bottom), (right, bottom)];
        if corners
            .into_iter()
            .all(|(x, y)| inside(Point::new(x, y).transform(place)))
        {
            Ok(())
        } else {
            Err(RenderError::Overflow {
                field: "text".to_owned(),
            })
        }
    })
}

/// Calls `visit` for each run of text. The transform maps from the run's origin, which is on the
/// baseline, to the page.
pub(super) fn for_each_text(
    frame: &Frame,
    place: Transform,
    visit: &mut impl FnMut(&TextItem, Transform) -> Result<(), RenderError>,
) -> Result<(), RenderError> {
    for (position, item) in frame.items() {
        let here = place.pre_concat(Transform::translate(position.x, position.y));
        match item {
            FrameItem::Group(group) => {
                for_each_text(&group.frame, here.pre_concat(group.transform), visit)?
            }
            FrameItem::Text(text) => visit(text, here)?,
            FrameItem::Shape(..)
            | FrameItem::Image(..)
            | FrameItem::Link(..)
            | FrameItem::Tag(..) => {}
        }
    }
    Ok(())
}

/// Draws the QR code as one curve, with a rectangle for each run of dark modules. The curve is in a
/// scaled group, so that coordinates are whole numbers, which compress well.
pub(super) fn stamp(page: &mut Frame, code: &QrCode, place: QrPlace) {
    let mut curve = Curve::new();
    let point = |x: i32, y: i32| Point::new(Abs::pt(f64::from(x)), Abs::pt(f64::from(y)));
    for (x, y, length) in dark_runs(code) {
        curve.move_(point(x, y));
        curve.line(point(x + length, y));
        curve.line(point(x + length, y + 1));
        curve.line(point(x, y + 1));
        curve.close();
    }
    let shape = Shape {
        geometry: Geometry::Curve(curve),
        fill: Some(Paint::Solid(Color::BLACK)),
        fill_rule: FillRule::NonZero,
        stroke: None,
    };
    let modules = f64::from(code.size());
    let scale = Ratio::new(Abs::mm(place.size).to_pt() / modules);
    let mut frame = Frame::soft(Size::splat(Abs::pt(modules)));
    frame.push(Point::zero(), FrameItem::Shape(shape, Span::detached()));
    frame.transform(Transform::scale(scale, scale));
    page.push_frame(Point::new(Abs::mm(place.x), Abs::mm(place.y)), frame);
}

/// Returns the horizontal runs of dark modules in reading order, as (column, row, length).
pub(super) fn dark_runs(code: &QrCode) -> Vec<(i32, i32, i32)> {
    let mut runs = Vec::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let length = (x..code.size())
                .take_while(|x| code.get_module(*x, y))
                .map(|_| 1)
                .sum::<i32>();
            if length > 0 {
                runs.push((x, y, length));
            }
            x += length.max(1);
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dark_runs_cover_exactly_the_dark_modules() {
        let code = qr_code("https://verify.example.org/c/q3XbH1yR0uJ2mT9sVfK5wA").expect("fits");
        let mut drawn = vec![false; usize::try_from(code.size() * code.size()).expect("positive")];
        for (x, y, length) in dark_runs(&code) {
            for x in x..x + length {
                let at = usize::try_from(y * code.size() + x).expect("positive");
                assert!(!drawn[at], "drawn twice");
                drawn[at] = true;
            }
        }
        for y in 0..code.size() {
            for x in 0..code.size() {
                let at = usize::try_from(y * code.size() + x).expect("positive");
                assert_eq!(drawn[at], code.get_module(x, y), "{x} {y}");
            }
        }
    }

    #[test]
    fn address_that_is_too_long_for_the_qr_code_is_rejected() {
        let error = qr_code(&"x".repeat(2000)).err().expect("too long");
        assert_eq!(error.code(), "RENDER_INVALID_TEXT");
    }
}
