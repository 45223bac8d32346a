//! SVG drawings: check, cost estimate, and rasterization at print size.
//!
//! Unsupported content is not ignored but rejected with a reason, because a design without its
//! texts or embedded pictures would be incomplete. Rasterization never reads files, fonts or the
//! network.

mod contents;
mod pictures;
mod structure;
mod weight;

use std::sync::Arc;

use image::{DynamicImage, RgbaImage};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, ImageHrefResolver, Options, Tree, roxmltree};

use self::pictures::Pictures;
use super::NotTaken;
use super::picture::PRINTED_SIDE;

/// Number of bytes at the beginning of a file that are examined to detect its format.
const HEAD_BYTES: usize = 4_096;
/// Maximum number of nodes (elements, texts and comments).
const MAX_NODES: u32 = 200_000;
/// Maximum ratio of the longer side to the shorter side. A larger ratio is probably a mistake.
const MAX_RATIO: f32 = 20.0;
const AS_PICTURE: &str = "export the design as PNG or JPEG and upload that file";

/// Returns true if the file starts like an SVG document.
pub(super) fn looks_like_svg(file: &[u8]) -> bool {
    if super::raster::format(file).is_some() {
        return false;
    }
    let head = String::from_utf8_lossy(&file[..file.len().min(HEAD_BYTES)]).to_ascii_lowercase();
    head.contains("<svg")
        && head
            .trim_start_matches('\u{feff}')
            .trim_start()
            .starts_with('<')
}

/// Rasterizes the drawing. The longer side gets the length of A4 at 300 dpi.
pub(super) fn draw(file: &[u8]) -> Result<DynamicImage, NotTaken> {
    let text = std::str::from_utf8(file).map_err(|_| {
        NotTaken::svg(
            "an encoding other than UTF-8",
            "save it as UTF-8, or export it as PNG or JPEG",
        )
    })?;
    structure::check(text)?;
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        nodes_limit: MAX_NODES,
        ..Default::default()
    };
    let document =
        roxmltree::Document::parse_with_options(text, options).map_err(|error| match error {
            roxmltree::Error::NodesLimitReached => NotTaken::svg("too many elements", AS_PICTURE),
            _ => NotTaken::Broken,
        })?;
    contents::check(&document)?;
    let pictures = Pictures::default();
    let tree = {
        let options = options_of(&pictures);
        Tree::from_xmltree(&document, &options).map_err(|error| match error {
            usvg::Error::InvalidSize => {
                NotTaken::svg("no size", "give it a viewBox, or a width and a height")
            }
            usvg::Error::ElementsLimitReached => NotTaken::svg("too many elements", AS_PICTURE),
            _ => NotTaken::Broken,
        })?
    };
    pictures.problem()?;
    if !tree.root().has_children() {
        return Err(NotTaken::svg(
            "no visible content",
            "add visible content, or export it as PNG or JPEG",
        ));
    }
    let (width, height, scale) = size(&tree)?;
    weight::check(&tree, scale, &pictures)?;
    let mut canvas = Pixmap::new(width, height).ok_or(NotTaken::Broken)?;
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut canvas.as_mut(),
    );
    let drawn =
        RgbaImage::from_raw(width, height, canvas.take_demultiplied()).ok_or(NotTaken::Broken)?;
    Ok(drawn.into())
}

/// Returns the width and height in pixels, and the number of pixels per unit of the drawing.
fn size(tree: &Tree) -> Result<(u32, u32, f32), NotTaken> {
    let width = tree.size().width();
    let height = tree.size().height();
    let longer = width.max(height);
    if longer / width.min(height) > MAX_RATIO {
        let what = format!("a size of {width:.0} × {height:.0}");
        return Err(NotTaken::svg(what, "give it the proportions of a page"));
    }
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the side of a printed page is small, and the result is clamped"
    )]
    let pixels = |length: f32| {
        ((length / longer * PRINTED_SIDE as f32).round() as u32).clamp(1, PRINTED_SIDE)
    };
    #[allow(clippy::cast_precision_loss, reason = "the constant is a few thousand")]
    let scale = PRINTED_SIDE as f32 / longer;
    Ok((pixels(width), pixels(height), scale))
}

/// Returns parser options without access to files and fonts. `pictures` decides which embedded
/// pictures are accepted.
fn options_of(pictures: &Pictures) -> Options<'_> {
    Options {
        resources_dir: None,
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, data, _| pictures.admit(data)),
            resolve_string: Box::new(|_, _| None),
        },
        fontdb: Arc::default(),
        ..Options::default()
    }
}

#[cfg(test)]
mod tests;
