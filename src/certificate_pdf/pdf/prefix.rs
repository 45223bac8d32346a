//! Template prefix: the objects that all certificates of one look share. They are created from
//! sample pages and serialized once.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use pdf_writer::types::OutputIntentSubtype;
use pdf_writer::writers::{ExtGraphicsState, Resources};
use pdf_writer::{Dict, Filter, Finish, Name, Rect, Ref, TextStr};
use sha2::{Digest, Sha256};
use typst::layout::{Size, Transform};
use typst::text::TextItem;
use typst_layout::Page;

use super::content::{Body, Finished, SRGB};
use super::display::{Display, Draw, Mark, Piece};
use super::file::{Deflate, Objects};
use super::font_subset::{Subsets, clusters, glyph_clusters};
use super::images::Embedded;
use super::layer::Host;
use super::line::{Script, Shaper};
use super::shared_layout::SharedLayout;
use super::text::LAYER;
use super::{Unsupported, images};
use crate::certificate_pdf::lru_cache::LruCache;
use crate::certificate_pdf::page::PageFacts;

/// Consecutive shapes that are on every sample, with the form XObject that paints them.
pub(super) struct Ornament {
    pub(super) pieces: Vec<Piece<'static>>,
    pub(super) form: Ref,
}

/// Constant part of every file of one look (template version, language, design and options).
pub(in crate::certificate_pdf) struct TemplatePrefix {
    /// First part of each file: header and shared objects.
    pub(super) head: Bytes,
    /// SHA-256 state after the head. Each file continues its hash from a copy of this state.
    pub(super) hash: Sha256,
    /// Byte offset of each object in the head.
    pub(super) offsets: Vec<usize>,
    profile: Ref,
    pub(super) means: Means,
    pub(super) ornaments: Vec<Ornament>,
    /// Shared layouts. The key is the texts that all certificates of a definition and day share.
    layouts: LruCache<Vec<String>, Cell>,
}

/// Shared layout, or the reason why there is none. Empty until one of the two is known.
type Cell = Arc<OnceLock<Result<Arc<SharedLayout>, Unsupported>>>;

/// Maximum number of shared layouts that a prefix keeps. Each takes some tens of kilobytes.
const LAYOUTS: usize = 64;

/// Shared resources that content streams can refer to.
pub(super) struct Means {
    srgb: Ref,
    pub(super) fonts: Subsets,
    font_ids: Vec<Ref>,
    /// Font that is used as host for invisible text.
    pub(super) host: Option<Host>,
    images: Vec<Embedded>,
}

/// Initial capacity of the head in bytes, enough for a background and some fonts. Unused capacity
/// costs nothing, but each reallocation copies the whole buffer.
const HEAD: usize = 1 << 20;

/// PDF header. Its comment marks the file as binary (ISO 32000-1, 7.5.2).
pub(super) const HEADER: &[u8] = b"%PDF-1.7\n%\x80\x80\x80\x80\n";

impl TemplatePrefix {
    /// Creates a prefix with the objects that pages like `samples` share. If the samples have
    /// different texts in a font, that font also gets the glyphs of `letters`.
    ///
    /// # Errors
    /// Returns [`Unsupported`] if the samples have content that this module can't write.
    pub(in crate::certificate_pdf) fn of(
        samples: &[Page],
        letters: &[String],
    ) -> Result<Self, Unsupported> {
        let mut displays = samples
            .iter()
            .map(Display::of)
            .collect::<Result<Vec<_>, _>>()?;
        let mut deflate = Deflate::best();
        let mut objects = Objects::after(HEADER.len(), Vec::new(), HEAD);
        let profile = objects.next();
        objects.here(profile);
        let packed = deflate.zlib(&srgb_profile()?);
        let mut stream = objects.chunk.icc_profile(profile, &packed);
        stream.n(3).alternate().srgb();
        stream.filter(Filter::FlateDecode);
        stream.finish();
        let srgb = objects.next();
        objects
            .begin(srgb)
            .start::<pdf_writer::writers::ColorSpace>()
            .icc_based(profile);
        let fonts = shared_fonts(&displays, letters)?;
        let written = fonts
            .0
            .iter()
            .map(|font| font.write(&mut objects, &mut deflate));
        let (font_ids, hosts): (Vec<Ref>, Vec<Option<Host>>) =
            written.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        let host = hosts.into_iter().flatten().next();
        let images = shared_images(&displays, &mut objects, &mut deflate, srgb)?;
        let means = Means {
            srgb,
            fonts,
            font_ids,
            host,
            images,
        };
        displays.iter_mut().for_each(|display| means.embed(display));
        let mut ornaments = Vec::new();
        for pieces in common_ornaments(&displays) {
            let form = means.write_form(&mut objects, &mut deflate, displays[0].size, &pieces)?;
            ornaments.push(Ornament { pieces, form });
        }
        let (chunk, offsets) = objects.into_parts();
        let head = Bytes::from([HEADER, chunk.as_bytes()].concat());
        let hash = Sha256::new_with_prefix(&head);
        let layouts = LruCache::new(LAYOUTS, usize::MAX, |_| 0);
        Ok(Self {
            head,
            hash,
            offsets,
            profile,
            means,
            ornaments,
            layouts,
        })
    }

    /// Returns the shared layout for the texts `common`. If it is missing, calls `make` and keeps
    /// the result, even if it is an error.
    pub(in crate::certificate_pdf) fn layout(
        &self,
        common: &[String],
        make: impl FnOnce() -> Result<SharedLayout, Unsupported>,
    ) -> Result<Arc<SharedLayout>, Unsupported> {
        self.layouts
            .get_or_insert(common, Cell::default)
            .get_or_init(|| make().map(Arc::new))
            .clone()
    }

    /// Returns the size of the head in bytes.
    pub(in crate::certificate_pdf) fn size(&self) -> usize {
        self.head.len()
    }

    /// Converts a page. References replace the images and rows of shapes that the prefix contains.
    ///
    /// # Errors
    /// Returns [`Unsupported`] if the page has content that this module can't write.
    pub(in crate::certificate_pdf) fn read<'a>(
        &self,
        page: &'a Page,
    ) -> Result<Display<'a>, Unsupported> {
        let mut display = Display::of(page)?;
        self.means.embed(&mut display);
        let mut pieces = Vec::with_capacity(display.pieces.len());
        let mut fitted = Vec::new();
        let mut left = VecDeque::from(std::mem::take(&mut display.pieces));
        let all = left.len();
        let mut in_a_row = false;
        while let Some(mark) = left.front().map(|piece| piece.mark) {
            let begins = mark == Mark::Artifact && !in_a_row;
            in_a_row = mark == Mark::Artifact;
            if let Some(at) = begins
                .then(|| self.ornament(left.make_contiguous()))
                .flatten()
            {
                left.drain(..self.ornaments[at].pieces.len());
                pieces.push(Piece {
                    place: Transform::identity(),
                    mark,
                    draw: Draw::Form(at),
                });
                continue;
            }
            let fits = display
                .fitted
                .iter()
                .find(|(piece, _)| *piece == all - left.len());
            fitted.extend(fits.map(|(_, fits)| (pieces.len(), *fits)));
            pieces.extend(left.pop_front());
        }
        Ok(Display {
            pieces,
            fitted,
            ..display
        })
    }

    /// Returns the index of the ornament with which `pieces` begins.
    fn ornament(&self, pieces: &[Piece<'_>]) -> Option<usize> {
        self.ornaments
            .iter()
            .position(|ornament| pieces.starts_with(&ornament.pieces))
    }

    pub(super) fn write_page(
        &self,
        objects: &mut Objects,
        page: Ref,
        pages: Ref,
        size: Size,
        stream: Ref,
        list: impl FnOnce(&mut Resources<'_>),
    ) {
        let mut writer = objects.begin(pages).start::<pdf_writer::writers::Pages>();
        writer.kids([page]).count(1);
        writer.finish();
        let mut writer = objects.begin(page).start::<pdf_writer::writers::Page>();
        writer
            .parent(pages)
            .media_box(area(size))
            .struct_parents(0)
            .contents(stream);
        list(&mut writer.resources());
    }

    pub(super) fn write_catalog(
        &self,
        objects: &mut Objects,
        catalog: Ref,
        pages: Ref,
        tree: Ref,
        xmp: Ref,
        facts: &PageFacts,
    ) {
        let mut writer = objects
            .begin(catalog)
            .start::<pdf_writer::writers::Catalog>();
        writer
            .pages(pages)
            .metadata(xmp)
            .lang(TextStr(facts.locale.as_str()));
        writer.mark_info().marked(true);
        writer.pair(Name(b"StructTreeRoot"), tree);
        writer.viewer_preferences().display_doc_title(true);
        let mut intents = writer.output_intents();
        let mut intent = intents.push();
        intent
            .subtype(OutputIntentSubtype::PDFA)
            .dest_output_profile(self.profile);
        intent
            .output_condition_identifier(TextStr("sRGB"))
            .info(TextStr("sRGB"));
        intent.registry_name(TextStr("http://www.color.org"));
    }
}

impl Means {
    /// Replaces embedded images with their indices, so that the display doesn't keep their pixels
    /// in memory.
    fn embed(&self, display: &mut Display<'_>) {
        for piece in &mut display.pieces {
            if let Draw::Image(image, size) = &piece.draw
                && let Some(at) = self.images.iter().position(|known| known.is(image))
            {
                piece.draw = Draw::Embedded(at, *size);
            }
        }
    }

    /// Writes `pieces` as a form XObject, which a page paints with one operator. Returns its
    /// reference.
    fn write_form(
        &self,
        objects: &mut Objects,
        deflate: &mut Deflate,
        size: Size,
        pieces: &[Piece<'_>],
    ) -> Result<Ref, Unsupported> {
        let mut body = Body::unmarked(&self.fonts, size.y);
        pieces.iter().try_for_each(|piece| body.piece(piece))?;
        let Finished {
            content, opacities, ..
        } = body.finish();
        let form = objects.next();
        let packed = deflate.zlib(content.as_slice());
        objects.here(form);
        let mut writer = objects.chunk.form_xobject(form, &packed);
        writer.filter(Filter::FlateDecode);
        writer.bbox(area(size));
        self.list(
            &mut writer.resources(),
            &[],
            None,
            &opacities,
            std::iter::empty(),
        );
        Ok(form)
    }

    /// Adds all resources that a content stream can refer to by name to a resource dictionary.
    pub(super) fn list(
        &self,
        resources: &mut Resources<'_>,
        extra: &[Ref],
        layer: Option<Ref>,
        opacities: &BTreeSet<u8>,
        ornaments: impl Iterator<Item = Ref>,
    ) {
        fn pair<'n>(dictionary: &mut Dict<'_>, prefix: char, ids: impl Iterator<Item = &'n Ref>) {
            for (n, id) in ids.enumerate() {
                dictionary.pair(Name(format!("{prefix}{n}").as_bytes()), *id);
            }
        }
        resources.color_spaces().pair(SRGB, self.srgb);
        let mut fonts = resources.fonts();
        pair(&mut fonts, 'F', self.font_ids.iter());
        pair(&mut fonts, 'X', extra.iter());
        if let Some(layer) = layer {
            fonts.pair(LAYER, layer);
        }
        fonts.finish();
        let mut objects = resources.x_objects();
        pair(&mut objects, 'I', self.images.iter().map(|image| &image.id));
        pair(&mut objects, 'P', ornaments.collect::<Vec<_>>().iter());
        objects.finish();
        let mut states = resources.ext_g_states();
        for opacity in opacities {
            let part = f32::from(*opacity) / 255.0;
            let state = states.insert(Name(format!("O{opacity}").as_bytes()));
            state
                .start::<ExtGraphicsState>()
                .non_stroking_alpha(part)
                .stroking_alpha(part);
        }
    }
}

fn area(size: Size) -> Rect {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "PDF numbers are written as f32"
    )]
    let width = size.x.to_pt() as f32;
    let height = size.y.to_pt() as f32;
    Rect::new(0.0, 0.0, width, height)
}

/// Returns one subset per font, with the glyphs that the samples use. If the samples have different
/// texts in a font, its subset also gets `letters`.
fn shared_fonts(displays: &[Display<'_>], letters: &[String]) -> Result<Subsets, Unsupported> {
    let mut fonts = Subsets::default();
    let shown_by = |display: &Display<'_>, run: &TextItem| {
        display
            .pieces
            .iter()
            .any(|piece| matches!(&piece.draw, Draw::Text(other) if other.text == run.text))
    };
    let mut lettered = HashSet::new();
    for piece in displays.iter().flat_map(|display| &display.pieces) {
        let Draw::Text(run) = &piece.draw else {
            continue;
        };
        let at = fonts.of(&run.font)?;
        clusters(run).for_each(|cluster| fonts.0[at].add_cluster(&cluster));
        if !displays.iter().all(|display| shown_by(display, run)) && lettered.insert(at) {
            let shaper = Shaper::of(&run.font, run.lang).ok_or(Unsupported("language"))?;
            for text in letters {
                let glyphs = shaper
                    .shape(text, Script::Latin)
                    .ok_or(Unsupported("letters that cannot be shaped"))?;
                glyph_clusters(&glyphs, text).for_each(|cluster| fonts.0[at].add_cluster(&cluster));
            }
        }
    }
    fonts.sorted()
}

fn shared_images(
    displays: &[Display<'_>],
    objects: &mut Objects,
    deflate: &mut Deflate,
    srgb: Ref,
) -> Result<Vec<Embedded>, Unsupported> {
    let mut images: Vec<Embedded> = Vec::new();
    for piece in displays.iter().flat_map(|display| &display.pieces) {
        if let Draw::Image(image, _) = &piece.draw
            && !images.iter().any(|known| known.is(image))
        {
            let id = images::write(objects, deflate, image, srgb)?;
            images.extend(Embedded::new(image, id));
        }
    }
    Ok(images)
}

/// Minimum number of shapes in a form.
const WORTH_A_FORM: usize = 3;

/// Returns, for each row of shapes, the shapes at its beginning that are the same on all samples.
/// Examples are the background, seals and rules. Omits beginnings with too few shapes for a form.
fn common_ornaments(displays: &[Display<'_>]) -> Vec<Vec<Piece<'static>>> {
    let Some((first, others)) = displays.split_first() else {
        return Vec::new();
    };
    let others: Vec<Vec<&[Piece<'_>]>> = others.iter().map(rows).collect();
    let mut ornaments = Vec::new();
    for (n, row) in rows(first).into_iter().enumerate() {
        let same = |at: &usize| {
            others
                .iter()
                .all(|rows| rows.get(n).and_then(|row| row.get(*at)) == Some(&row[*at]))
        };
        let same = (0..row.len()).take_while(same).count();
        let whole = &row[..whole_clips(&row[..same])];
        if whole.len() >= WORTH_A_FORM {
            ornaments.push(whole.iter().map(Piece::to_owned).collect());
        }
    }
    ornaments
}

/// Returns the rows of consecutive shapes. Pieces of content separate the rows.
fn rows<'d, 'a>(display: &'d Display<'a>) -> Vec<&'d [Piece<'a>]> {
    let alike =
        |a: &Piece<'_>, b: &Piece<'_>| (a.mark == Mark::Artifact) == (b.mark == Mark::Artifact);
    display
        .pieces
        .chunk_by(alike)
        .filter(|row| {
            row.first()
                .is_some_and(|piece| piece.mark == Mark::Artifact)
        })
        .collect()
}

/// Returns the length of the longest prefix of `pieces` in which every clip that begins also ends.
fn whole_clips(pieces: &[Piece<'_>]) -> usize {
    let mut whole = 0;
    let mut depth = 0_i32;
    for (n, piece) in pieces.iter().enumerate() {
        match piece.draw {
            Draw::Clip(_) => depth += 1,
            Draw::Unclip => depth -= 1,
            _ => {}
        }
        match depth {
            0 => whole = n + 1,
            ..0 => break,
            _ => {}
        }
    }
    whole
}

/// Returns the sRGB profile (IEC 61966-2-1) in ICC version 4.0, with a constant date of creation.
fn srgb_profile() -> Result<Vec<u8>, Unsupported> {
    const MADE: std::ops::Range<usize> = 24..36;
    let mut profile = moxcms::ColorProfile::new_srgb();
    profile.cicp = None;
    let mut bytes = profile
        .encode()
        .map_err(|_| Unsupported("colour profile"))?;
    let made = bytes.get_mut(MADE).ok_or(Unsupported("colour profile"))?;
    made.copy_from_slice(&[0x07, 0xea, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    Ok(bytes)
}
