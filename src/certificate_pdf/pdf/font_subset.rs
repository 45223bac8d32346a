//! Embeds font subsets in a PDF, as composite fonts (ISO 32000-1, 9.7). typst's exporter embeds the
//! fonts of the pages that it writes.

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Finish, Name, Rect, Ref, Str};
use sha2::{Digest, Sha256};
use subsetter::GlyphRemapper;
use typst::text::{FontInstance, Glyph, TextItem};

use super::Unsupported;
use super::file::{Deflate, Objects};
use super::layer::Host;

pub(super) const SYSTEM: SystemInfo = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};

/// Subset of a font, with the text of its glyphs. The index of a glyph here is its CID.
pub(super) struct Subset {
    pub(super) font: FontInstance,
    glyphs: GlyphRemapper,
    /// Text of each glyph that is a whole cluster. Empty for other glyphs.
    texts: Vec<String>,
    /// Width of each glyph in thousandths of the font size.
    widths: Vec<f32>,
}

/// Glyphs that together represent `text`.
pub(super) struct Cluster<'a> {
    pub(super) glyphs: &'a [Glyph],
    pub(super) text: &'a str,
}

/// Returns the clusters of a run in glyph order.
pub(super) fn clusters(run: &TextItem) -> impl Iterator<Item = Cluster<'_>> {
    glyph_clusters(&run.glyphs, &run.text)
}

/// Returns the clusters of `glyphs`, which represent `text`.
pub(super) fn glyph_clusters<'a>(
    glyphs: &'a [Glyph],
    text: &'a str,
) -> impl Iterator<Item = Cluster<'a>> {
    glyphs
        .chunk_by(|a, b| a.range == b.range)
        .map(move |glyphs| {
            let text = glyphs
                .first()
                .and_then(|glyph| text.get(glyph.range()))
                .unwrap_or_default();
            Cluster { glyphs, text }
        })
}

impl Subset {
    /// Creates an empty subset.
    ///
    /// # Errors
    /// Returns [`Unsupported`] for variable fonts and for fonts whose glyphs are pictures.
    pub(super) fn of(font: &FontInstance) -> Result<Self, Unsupported> {
        let tables = font.ttf().tables();
        if !font.variations().0.is_empty() {
            return Err(Unsupported("variable font"));
        }
        if (tables.glyf.is_none() && tables.cff.is_none())
            || tables.colr.is_some()
            || tables.svg.is_some()
            || tables.sbix.is_some()
            || tables.cbdt.is_some()
        {
            return Err(Unsupported("picture font"));
        }
        let mut subset = Self {
            font: font.clone(),
            glyphs: GlyphRemapper::new(),
            texts: vec![String::new()],
            widths: Vec::new(),
        };
        subset.widths.push(subset.width(0));
        Ok(subset)
    }

    /// Returns true if this is a subset of `font`. Compares the address of the font data, because
    /// each font is loaded only once.
    pub(super) fn is_of(&self, font: &FontInstance) -> bool {
        std::ptr::eq(self.font.data().as_slice(), font.data().as_slice())
            && self.font.index() == font.index()
    }

    /// Returns the CID and the width of a glyph, if the subset contains it.
    pub(super) fn get(&self, glyph: u16) -> Option<(u16, f32)> {
        let cid = self.glyphs.get(glyph)?;
        Some((cid, self.widths[usize::from(cid)]))
    }

    /// Adds a glyph if it is missing. Returns its CID and its width.
    pub(super) fn add(&mut self, glyph: u16) -> (u16, f32) {
        let cid = self.glyphs.remap(glyph);
        if usize::from(cid) == self.widths.len() {
            self.widths.push(self.width(glyph));
            self.texts.push(String::new());
        }
        (cid, self.widths[usize::from(cid)])
    }

    /// Adds the glyphs of a cluster. Also stores the text of the cluster, if the cluster is one
    /// glyph that has no text yet.
    pub(super) fn add_cluster(&mut self, cluster: &Cluster<'_>) {
        for glyph in cluster.glyphs {
            let (cid, _) = self.add(glyph.id);
            let known = &mut self.texts[usize::from(cid)];
            if known.is_empty() && cluster.glyphs.len() == 1 {
                cluster.text.clone_into(known);
            }
        }
    }

    /// Returns the text that PDF readers extract for a glyph of the subset. The text is empty if
    /// the glyph is never a whole cluster.
    pub(super) fn text(&self, glyph: u16) -> Option<&str> {
        let cid = self.glyphs.get(glyph)?;
        self.texts.get(usize::from(cid)).map(String::as_str)
    }

    fn width(&self, glyph: u16) -> f32 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "PDF numbers are written as f32"
        )]
        let width = self
            .font
            .x_advance(glyph)
            .map_or(0.0, |width| width.get() * 1000.0) as f32;
        width
    }

    /// Writes the font and all its objects. Returns its reference. For a font with TrueType
    /// outlines, also returns a host for a [`Layer`](super::layer).
    pub(super) fn write(
        &self,
        objects: &mut Objects,
        deflate: &mut Deflate,
    ) -> Result<(Ref, Option<Host>), Unsupported> {
        let damaged = |_| Unsupported("font that cannot be subset");
        let program =
            subsetter::subset(self.font.data().as_slice(), self.font.index(), &self.glyphs)
                .map_err(damaged)?;
        let cff = ttf_parser::RawFace::parse(&program, 0)
            .ok()
            .and_then(|face| face.table(ttf_parser::Tag::from_bytes(b"CFF ")));
        let [font, descendant, descriptor, file, map] = [(); 5].map(|()| objects.next());
        let name = self.name();
        let composite = if cff.is_some() {
            format!("{name}-Identity-H")
        } else {
            name.clone()
        };
        let mut writer = objects
            .begin(font)
            .start::<pdf_writer::writers::Type0Font>();
        writer
            .base_font(Name(composite.as_bytes()))
            .encoding_predefined(Name(b"Identity-H"));
        writer.descendant_font(descendant).to_unicode(map);
        writer.finish();
        let mut writer = objects
            .begin(descendant)
            .start::<pdf_writer::writers::CidFont>();
        writer.subtype(if cff.is_some() {
            CidFontType::Type0
        } else {
            CidFontType::Type2
        });
        writer
            .base_font(Name(name.as_bytes()))
            .system_info(SYSTEM)
            .font_descriptor(descriptor);
        writer.default_width(0.0);
        if cff.is_none() {
            writer.cid_to_gid_map_predefined(Name(b"Identity"));
        }
        writer.widths().consecutive(0, self.widths.iter().copied());
        writer.finish();
        self.describe(objects, descriptor, &name, file, cff.is_some());
        let packed = deflate.zlib(cff.unwrap_or(&program));
        objects.here(file);
        let mut stream = objects.chunk.stream(file, &packed);
        stream.filter(pdf_writer::Filter::FlateDecode);
        if cff.is_some() {
            stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
        } else {
            stream.pair(
                Name(b"Length1"),
                i32::try_from(program.len()).unwrap_or(i32::MAX),
            );
        }
        stream.finish();
        let packed = deflate.zlib(self.to_unicode().as_slice());
        objects.here(map);
        objects
            .chunk
            .stream(map, &packed)
            .filter(pdf_writer::Filter::FlateDecode);
        let host = cff.is_none().then_some(Host { descriptor, name });
        Ok((font, host))
    }

    fn describe(&self, objects: &mut Objects, id: Ref, name: &str, file: Ref, cff: bool) {
        let face = self.font.ttf();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "PDF numbers are written as f32"
        )]
        let thousandths = |units: i16| (self.font.to_em(units).get() * 1000.0) as f32;
        let mut flags = FontFlags::SYMBOLIC;
        flags.set(FontFlags::FIXED_PITCH, face.is_monospaced());
        flags.set(FontFlags::ITALIC, face.is_italic());
        let area = face.global_bounding_box();
        let mut descriptor = objects
            .begin(id)
            .start::<pdf_writer::writers::FontDescriptor>();
        descriptor
            .name(Name(name.as_bytes()))
            .flags(flags)
            .bbox(Rect::new(
                thousandths(area.x_min),
                thousandths(area.y_min),
                thousandths(area.x_max),
                thousandths(area.y_max),
            ))
            .italic_angle(face.italic_angle())
            .ascent(thousandths(face.ascender()))
            .descent(thousandths(face.descender()))
            .cap_height(thousandths(
                face.capital_height().unwrap_or_else(|| face.ascender()),
            ))
            .stem_v(10.0 + 0.244 * (f32::from(face.weight().to_number()) - 50.0));
        if cff {
            descriptor.font_file3(file)
        } else {
            descriptor.font_file2(file)
        };
    }

    /// Returns the PostScript name of the subset: a tag of six letters that identifies the subset,
    /// and the name of the font (ISO 32000-1, 9.6.4).
    fn name(&self) -> String {
        let mut hasher = Sha256::new();
        for glyph in self.glyphs.remapped_gids() {
            hasher.update(glyph.to_be_bytes());
        }
        let letters: String = hasher
            .finalize()
            .iter()
            .take(6)
            .map(|byte| char::from(b'A' + byte % 26))
            .collect();
        let name = self
            .font
            .font()
            .post_script_name()
            .unwrap_or_else(|| "Font".to_owned());
        format!("{letters}+{}", name.chars().take(100).collect::<String>())
    }

    fn to_unicode(&self) -> pdf_writer::Buf {
        let mut map = UnicodeCmap::new(Name(b"Custom"), SYSTEM);
        for (cid, text) in (0_u16..).zip(&self.texts) {
            if !text.is_empty() {
                map.pair_with_multiple(cid, text.chars());
            }
        }
        map.finish()
    }
}

/// Subsets of all used fonts, in the order in which the fonts were first used.
#[derive(Default)]
pub(super) struct Subsets(pub(super) Vec<Subset>);

impl Subsets {
    /// Returns the index of the subset of `font`. Creates the subset if it is missing.
    pub(super) fn of(&mut self, font: &FontInstance) -> Result<usize, Unsupported> {
        if let Some(at) = self.find(font) {
            return Ok(at);
        }
        self.0.push(Subset::of(font)?);
        Ok(self.0.len() - 1)
    }

    /// Returns the index of the subset of `font`, if there is one.
    pub(super) fn find(&self, font: &FontInstance) -> Option<usize> {
        self.0.iter().position(|subset| subset.is_of(font))
    }

    /// Sorts glyphs by their number in the font, so that the same set of glyphs gives the same
    /// file.
    pub(super) fn sorted(self) -> Result<Self, Unsupported> {
        let mut sorted = Vec::with_capacity(self.0.len());
        for subset in self.0 {
            let mut glyphs: Vec<(u16, usize)> = subset.glyphs.remapped_gids().zip(0..).collect();
            glyphs.sort_unstable();
            let mut again = Subset::of(&subset.font)?;
            for (glyph, before) in glyphs {
                let (cid, _) = again.add(glyph);
                again.texts[usize::from(cid)].clone_from(&subset.texts[before]);
            }
            sorted.push(again);
        }
        Ok(Self(sorted))
    }
}
