//! PDF files written straight from typst's frames: what all certificates of one look share is written once.
//!
//! typst's own exporter cuts and deflates the fonts, and copies the background, for each file anew: nine
//! tenths of its time. Here a [`Plate`] holds those objects ready, with their hash half computed, and a
//! certificate adds its own few kilobytes: text, structure, metadata, the table of objects.
//!
//! What a plate holds follows from sample pages alone, never from the certificates printed with it, so a
//! file is the same beside any others. A glyph that the samples lack goes into a small font of the page's
//! own; whatever else cannot be written here ([`Unsupported`]) is left to typst's exporter.

mod content;
mod display;
mod file;
mod fonts;
mod images;
mod metadata;
mod structure;
#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeSet;

use bytes::Bytes;
use pdf_writer::types::OutputIntentSubtype;
use pdf_writer::{Filter, Finish, Name, Rect, Ref, TextStr};
use sha2::{Digest, Sha256};
use typst_layout::Page;

use super::RenderedCertificate;
use super::page::PageFacts;
use crate::domain::hex;
use content::{Body, SRGB};
use display::{Display, Draw, Mark, Piece};
use file::{Deflate, Objects};
use fonts::{Subsets, clusters};

/// What this writer leaves to typst's exporter; the text names it in a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unsupported(pub(super) &'static str);

/// An image that the plate holds.
pub(super) struct Image {
    image: typst::visualize::Image,
    id: Ref,
}

/// The unchanging part of every file of one look: template version, language, design, options.
pub(super) struct Plate {
    /// The head of each file.
    head: Bytes,
    /// The hash of the head, to go on from.
    hash: Sha256,
    /// Where the head's objects begin.
    offsets: Vec<usize>,
    srgb: Ref,
    profile: Ref,
    fonts: Subsets,
    font_ids: Vec<Ref>,
    images: Vec<Image>,
    /// What every page begins with, if anything, and the stream that paints it.
    ground: Option<Ground>,
}

struct Ground {
    pieces: Vec<Piece<'static>>,
    stream: Ref,
    opacities: BTreeSet<u8>,
}

/// What marks a file as binary (ISO 32000-1, 7.5.2).
const HEADER: &[u8] = b"%PDF-1.7\n%\x80\x80\x80\x80\n";

impl Plate {
    /// Prepares the objects that pages like these share.
    ///
    /// # Errors
    /// The samples hold something that the writer cannot write.
    pub(super) fn of(samples: &[Page]) -> Result<Self, Unsupported> {
        let mut displays = samples.iter().map(Display::of).collect::<Result<Vec<_>, _>>()?;
        let mut deflate = Deflate::best();
        let mut objects = Objects::after(HEADER.len(), Vec::new());
        let profile = objects.next();
        objects.here(profile);
        let packed = deflate.zlib(&srgb_profile()?);
        let mut stream = objects.chunk.icc_profile(profile, &packed);
        stream.n(3).alternate().srgb();
        stream.filter(Filter::FlateDecode);
        stream.finish();
        let srgb = objects.next();
        objects.begin(srgb).start::<pdf_writer::writers::ColorSpace>().icc_based(profile);

        let fonts = shared_fonts(&displays)?;
        let font_ids = fonts
            .0
            .iter()
            .map(|font| font.write(&mut objects, &mut deflate))
            .collect::<Result<Vec<_>, _>>()?;
        let images = shared_images(&displays, &mut objects, &mut deflate, srgb)?;
        let ground = match common_ground(&mut displays) {
            pieces if pieces.is_empty() => None,
            pieces => {
                let height = displays.first().map(|display| display.size.y).unwrap_or_default();
                let mut body = Body::new(&fonts, &images, height, "");
                pieces.iter().try_for_each(|piece| body.piece(piece))?;
                let (content, _, opacities) = body.finish();
                let (stream, packed) = (objects.next(), deflate.zlib(content.as_slice()));
                objects.here(stream);
                objects.chunk.stream(stream, &packed).filter(Filter::FlateDecode);
                Some(Ground { pieces, stream, opacities })
            }
        };
        let (chunk, offsets) = objects.into_parts();
        let head = Bytes::from([HEADER, chunk.as_bytes()].concat());
        let hash = Sha256::new_with_prefix(&head);
        Ok(Self { head, hash, offsets, srgb, profile, fonts, font_ids, images, ground })
    }
}

/// Prints pages on plates. Holds what is used again from page to page.
pub(super) struct Printer {
    deflate: Deflate,
}

impl Printer {
    pub(super) fn new() -> Self {
        Self { deflate: Deflate::quick() }
    }

    /// Makes the file of one page.
    ///
    /// # Errors
    /// The page holds something that the writer cannot write.
    pub(super) fn print(
        &mut self,
        plate: &Plate,
        page: &Page,
        facts: &PageFacts,
        creator: &str,
    ) -> Result<RenderedCertificate, Unsupported> {
        let display = Display::of(page)?;
        let mut objects = Objects::after(plate.head.len(), plate.offsets.clone());
        let ground = plate.ground.as_ref().filter(|ground| display.pieces.starts_with(&ground.pieces));
        let own = &display.pieces[ground.map_or(0, |ground| ground.pieces.len())..];
        let mut body = Body::new(&plate.fonts, &plate.images, display.size.y, facts.locale.as_str());
        own.iter().try_for_each(|piece| body.piece(piece))?;
        let (content, extra, mut opacities) = body.finish();
        opacities.extend(ground.iter().flat_map(|ground| &ground.opacities));
        let packed = self.deflate.zlib(content.as_slice());
        let stream = objects.next();
        objects.here(stream);
        objects.chunk.stream(stream, &packed).filter(Filter::FlateDecode);
        let extra = extra
            .0
            .iter()
            .map(|font| font.write(&mut objects, &mut self.deflate))
            .collect::<Result<Vec<_>, _>>()?;

        let (page_id, pages, catalog) = (objects.next(), objects.next(), objects.next());
        let tree = display.tree.write(&mut objects, page_id);
        let streams = ground.map(|ground| ground.stream).into_iter().chain([stream]);
        plate.write_page(&mut objects, (page_id, pages), &display, streams, &extra, &opacities);
        let id = metadata::file_id(facts);
        let (info, xmp) = metadata::write(&mut objects, facts, creator, &id);
        plate.write_catalog(&mut objects, (catalog, pages, tree, xmp), facts);
        let tail = objects.finish(catalog, info, &id);
        let sha256 = hex(&plate.hash.clone().chain_update(&tail).finalize());
        Ok(RenderedCertificate { parts: [plate.head.clone(), tail.into()], sha256 })
    }
}

impl Plate {
    fn write_page(
        &self,
        objects: &mut Objects,
        (page, pages): (Ref, Ref),
        display: &Display<'_>,
        streams: impl Iterator<Item = Ref>,
        extra: &[Ref],
        opacities: &BTreeSet<u8>,
    ) {
        #[expect(clippy::cast_possible_truncation, reason = "a PDF's numbers are of this kind")]
        let (width, height) = (display.size.x.to_pt() as f32, display.size.y.to_pt() as f32);
        let mut list = objects.begin(pages).start::<pdf_writer::writers::Pages>();
        list.kids([page]).count(1);
        list.finish();
        let mut writer = objects.begin(page).start::<pdf_writer::writers::Page>();
        writer.parent(pages).media_box(Rect::new(0.0, 0.0, width, height)).struct_parents(0);
        writer.contents_array(streams);
        let mut resources = writer.resources();
        resources.color_spaces().pair(SRGB, self.srgb);
        let named = |prefix: &'static str, ids: Vec<Ref>| {
            ids.into_iter().enumerate().map(move |(n, id)| (format!("{prefix}{n}"), id))
        };
        let mut fonts = resources.fonts();
        for (name, id) in named("F", self.font_ids.clone()).chain(named("X", extra.to_vec())) {
            fonts.pair(Name(name.as_bytes()), id);
        }
        fonts.finish();
        if !self.images.is_empty() {
            let mut images = resources.x_objects();
            for (name, id) in named("I", self.images.iter().map(|image| image.id).collect()) {
                images.pair(Name(name.as_bytes()), id);
            }
        }
        if !opacities.is_empty() {
            let mut states = resources.ext_g_states();
            for opacity in opacities {
                let part = f32::from(*opacity) / 255.0;
                let mut state = states
                    .insert(Name(format!("O{opacity}").as_bytes()))
                    .start::<pdf_writer::writers::ExtGraphicsState>();
                state.non_stroking_alpha(part).stroking_alpha(part);
            }
        }
    }

    fn write_catalog(
        &self,
        objects: &mut Objects,
        (catalog, pages, tree, xmp): (Ref, Ref, Ref, Ref),
        facts: &PageFacts,
    ) {
        let mut writer = objects.begin(catalog).start::<pdf_writer::writers::Catalog>();
        writer.pages(pages).metadata(xmp).lang(TextStr(facts.locale.as_str()));
        writer.mark_info().marked(true).suspects(false);
        writer.pair(Name(b"StructTreeRoot"), tree);
        writer.viewer_preferences().display_doc_title(true);
        let mut intents = writer.output_intents();
        let mut intent = intents.push();
        intent.subtype(OutputIntentSubtype::PDFA).dest_output_profile(self.profile);
        intent.output_condition_identifier(TextStr("sRGB")).info(TextStr("sRGB"));
        intent.registry_name(TextStr("http://www.color.org"));
    }
}

/// The glyphs that the samples show, each font's by itself.
fn shared_fonts(displays: &[Display<'_>]) -> Result<Subsets, Unsupported> {
    let mut fonts = Subsets::default();
    for piece in displays.iter().flat_map(|display| &display.pieces) {
        if let Draw::Text(run) = &piece.draw {
            let at = fonts.of(&run.font)?;
            clusters(run).for_each(|cluster| fonts.0[at].add_cluster(&cluster));
        }
    }
    fonts.sorted()
}

fn shared_images(
    displays: &[Display<'_>],
    objects: &mut Objects,
    deflate: &mut Deflate,
    srgb: Ref,
) -> Result<Vec<Image>, Unsupported> {
    let mut images: Vec<Image> = Vec::new();
    for piece in displays.iter().flat_map(|display| &display.pieces) {
        if let Draw::Image(image, _) = &piece.draw
            && !images.iter().any(|known| known.image == **image)
        {
            let id = images::write(objects, deflate, image, srgb)?;
            images.push(Image { image: image.clone().into_owned(), id });
        }
    }
    Ok(images)
}

/// The ornaments that all samples begin with, taken from the first. Clips that begin in it end in it.
fn common_ground(displays: &mut Vec<Display<'_>>) -> Vec<Piece<'static>> {
    let Some((first, others)) = displays.split_first_mut() else { return Vec::new() };
    let (mut whole, mut depth) = (0, 0_usize);
    for (n, piece) in first.pieces.iter().enumerate() {
        if piece.mark != Mark::Artifact || others.iter().any(|other| other.pieces.get(n) != Some(piece)) {
            break;
        }
        match piece.draw {
            Draw::Clip(_) => depth += 1,
            Draw::Unclip => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            whole = n + 1;
        }
    }
    first.pieces.drain(..whole).map(Piece::into_owned).collect()
}

/// The sRGB profile (IEC 61966-2-1) in ICC's version 4.0, without the moment at which it was made.
fn srgb_profile() -> Result<Vec<u8>, Unsupported> {
    const MADE: std::ops::Range<usize> = 24..36;
    let mut profile = moxcms::ColorProfile::new_srgb();
    profile.cicp = None;
    let mut bytes = profile.encode().map_err(|_| Unsupported("colour profile"))?;
    let made = bytes.get_mut(MADE).ok_or(Unsupported("colour profile"))?;
    made.copy_from_slice(&[0x07, 0xea, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    Ok(bytes)
}
