//! Index of the bundled fonts by the grapheme clusters that they draw correctly.
//!
//! The character map of a font is not enough: a font may have a letter and a combining mark, but
//! still place the mark beside the letter. Clusters of several characters are therefore shaped, and
//! the boxes of their glyphs are compared.

use std::collections::HashMap;
use std::sync::{OnceLock, PoisonError, RwLock};

use rustybuzz::ttf_parser::{GlyphId, gdef::GlyphClass};
use rustybuzz::{BufferFlags, Face, UnicodeBuffer};
use typst::text::{Font, FontStyle, is_default_ignorable};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};
use unicode_script::{Script, UnicodeScript as _};
use unicode_segmentation::UnicodeSegmentation as _;

use super::error::CodePoints;

/// Maximum number of clusters in the cache. A full cache is emptied.
const MAX_CACHED: usize = 1 << 16;
/// Maximum length of a cluster in bytes. No writing system needs a longer one.
const MAX_CLUSTER: usize = 96;

/// Set of bundled fonts. Bit n stands for the font with index n.
pub(super) type FontSet = u32;

/// Cache of the fonts that draw each grapheme cluster.
pub(super) struct Coverage {
    fonts: Vec<Bundled>,
    /// Families in the order of the font files.
    families: Vec<Family>,
    known: RwLock<HashMap<Box<str>, FontSet>>,
}

/// Fonts of one font family.
struct Family {
    /// Name in lower case.
    name: String,
    upright: FontSet,
    italic: FontSet,
}

/// Bundled font. It is parsed for shaping when it is first used.
struct Bundled {
    font: Font,
    content: &'static [u8],
    face: OnceLock<Option<Face<'static>>>,
}

/// Returns the grapheme clusters of a text with their byte offsets.
pub(super) fn clusters(text: &str) -> impl DoubleEndedIterator<Item = (usize, &str)> {
    text.grapheme_indices(true)
}

impl Coverage {
    /// Creates the index of `fonts`. Each font is given with the content of its file.
    pub(super) fn new(fonts: impl Iterator<Item = (Font, &'static [u8])>) -> Self {
        let fonts: Vec<Bundled> = fonts
            .map(|(font, content)| Bundled {
                font,
                content,
                face: OnceLock::new(),
            })
            .collect();
        let mut families: Vec<Family> = Vec::new();
        for (n, bundled) in fonts.iter().enumerate() {
            let info = bundled.font.info();
            let name = info.family.as_str().to_lowercase();
            let at = families
                .iter()
                .position(|family| family.name == name)
                .unwrap_or(families.len());
            if at == families.len() {
                families.push(Family {
                    name,
                    upright: 0,
                    italic: 0,
                });
            }
            let family = &mut families[at];
            let set = if info.variant.style == FontStyle::Normal {
                &mut family.upright
            } else {
                &mut family.italic
            };
            *set |= 1 << n;
        }
        Self {
            fonts,
            families,
            known: RwLock::default(),
        }
    }

    /// Returns the clusters of `text` that no font draws correctly, in order and without
    /// duplicates.
    pub(super) fn undrawable(&self, text: &str) -> Vec<CodePoints> {
        let mut missing: Vec<&str> = Vec::new();
        for (_, cluster) in clusters(text) {
            if !is_plain(cluster) && self.drawn_by(cluster) == 0 && !missing.contains(&cluster) {
                missing.push(cluster);
            }
        }
        missing.into_iter().map(CodePoints::of_cluster).collect()
    }

    /// Returns the fonts that draw `cluster` correctly.
    pub(super) fn drawn_by(&self, cluster: &str) -> FontSet {
        if let Some(set) = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(cluster)
        {
            return *set;
        }
        if cluster.len() > MAX_CLUSTER {
            return 0;
        }
        let draws = |n: &usize| self.fonts[*n].draws(cluster);
        let set = (0..self.fonts.len())
            .filter(draws)
            .fold(0, |set, n| set | 1 << n);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_CACHED {
            known.clear();
        }
        known.insert(cluster.into(), set);
        set
    }

    /// Returns the names of the families whose upright fonts are all in `set`. If `italic` is true
    /// and a family has italic fonts, those must be in `set` instead.
    pub(super) fn families_in(&self, set: FontSet, italic: bool) -> impl Iterator<Item = &str> {
        let needed = move |family: &Family| match (italic, family.upright, family.italic) {
            (true, _, fonts @ 1..) | (_, fonts @ 1.., _) | (_, 0, fonts) => fonts,
        };
        self.families
            .iter()
            .filter(move |family| needed(family) & !set == 0)
            .map(|family| family.name.as_str())
    }

    /// Returns the fonts of the given families.
    pub(super) fn fonts_of(&self, families: &[&str]) -> FontSet {
        let named = self
            .families
            .iter()
            .filter(|family| families.contains(&family.name.as_str()));
        named.fold(0, |set, family| set | family.upright | family.italic)
    }

    /// Returns the set that contains only the font whose file is `content`. Files are compared by
    /// address. The set is empty if the font is not bundled.
    pub(super) fn font_of(&self, content: &[u8]) -> FontSet {
        let same = |bundled: &Bundled| std::ptr::eq(bundled.content, content);
        self.fonts.iter().position(same).map_or(0, |n| 1 << n)
    }
}

/// Returns true for a printable ASCII character. Every Latin font of this program draws these.
pub(super) fn is_plain(cluster: &str) -> bool {
    matches!(cluster.as_bytes(), [b' '..=b'~'])
}

impl Bundled {
    fn face(&self) -> Option<&Face<'static>> {
        self.face
            .get_or_init(|| Face::from_slice(self.content, 0))
            .as_ref()
    }

    fn has(&self, c: char) -> bool {
        self.font.info().coverage.contains(u32::from(c))
    }

    /// Returns true if the font has all characters of a cluster and shaping places them correctly.
    fn draws(&self, cluster: &str) -> bool {
        let mut shown = cluster.chars().filter(|c| !is_default_ignorable(*c));
        let Some(first) = shown.next() else {
            return true;
        };
        if first.is_whitespace() {
            return self.has(first) && shown.next().is_none();
        }
        // Most fonts lack most scripts. A font is shaped only if it has the first character, or the
        // first character of its decomposition.
        if is_mark(first) || !(self.has(first) || self.has_parts(first)) {
            return false;
        }
        self.face()
            .and_then(|face| Shaped::of(face, cluster))
            .is_some_and(|shaped| shaped.is_whole(cluster, first))
    }

    fn has_parts(&self, c: char) -> bool {
        let mut first = None;
        unicode_normalization::char::decompose_canonical(c, |part| {
            first.get_or_insert(part);
        });
        first.is_some_and(|first| self.has(first))
    }
}

/// Returns true for marks that are attached to their letter or are at a corner of it (UAX #44,
/// combining classes).
fn is_beside(c: char) -> bool {
    matches!(unicode_normalization::char::canonical_combining_class(c), 200..=218 | 222..=228 | 232)
}

/// Returns true for combining marks.
pub(super) fn is_mark(c: char) -> bool {
    use GeneralCategory::{EnclosingMark, NonspacingMark, SpacingMark};
    matches!(
        c.general_category(),
        NonspacingMark | EnclosingMark | SpacingMark
    )
}

/// A cluster shaped in one font, in font units of 1/1000 em.
struct Shaped {
    letters: Vec<Ink>,
    marks: Vec<Mark>,
}

/// Bounding box of a glyph's outline, relative to the baseline.
#[derive(Clone, Copy)]
struct Ink {
    left: f32,
    bottom: f32,
    right: f32,
    top: f32,
}

struct Mark {
    ink: Ink,
    /// False if the font left the mark at the pen position.
    is_placed: bool,
}

/// Maximum horizontal distance between the middle of a mark and the box of its letter. Marks at a
/// corner, such as the horn, need it.
const BESIDE: f32 = 250.0;
/// Maximum vertical overlap of a mark with its letter. Two marks may overlap by half of it.
const INTO: f32 = 60.0;
/// Maximum horizontal overlap of two boxes that are side by side.
const TOUCHES: f32 = 20.0;

impl Shaped {
    /// Shapes a cluster. Returns `None` if a glyph is missing, or if a dotted circle replaces the
    /// base of a mark.
    fn of(face: &Face<'static>, cluster: &str) -> Option<Self> {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(cluster);
        buffer.guess_segment_properties();
        buffer.set_flags(BufferFlags::REMOVE_DEFAULT_IGNORABLES);
        let shaped = rustybuzz::shape(face, &[], buffer);
        let circle = (!cluster.contains(DOTTED_CIRCLE))
            .then(|| face.glyph_index(DOTTED_CIRCLE))
            .flatten();
        let classes = face.tables().gdef.filter(|gdef| gdef.has_glyph_classes());
        let to_em = 1000.0 / f32::from(u16::try_from(face.units_per_em()).ok()?);
        let scaled = |units: i32| {
            #[expect(clippy::cast_precision_loss, reason = "font units are small")]
            let units = units as f32;
            units * to_em
        };
        let mut letters = Vec::new();
        let mut marks = Vec::new();
        let mut pen = 0;
        for (info, place) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
            let glyph = GlyphId(u16::try_from(info.glyph_id).ok()?);
            if glyph.0 == 0 || Some(glyph) == circle {
                return None;
            }
            if let Some(bounds) = face.glyph_bounding_box(glyph) {
                let x = pen + place.x_offset;
                let y = place.y_offset;
                let ink = Ink {
                    left: scaled(x + i32::from(bounds.x_min)),
                    bottom: scaled(y + i32::from(bounds.y_min)),
                    right: scaled(x + i32::from(bounds.x_max)),
                    top: scaled(y + i32::from(bounds.y_max)),
                };
                if classes.is_some_and(|gdef| gdef.glyph_class(glyph) == Some(GlyphClass::Mark)) {
                    marks.push(Mark {
                        ink,
                        is_placed: (place.x_offset, place.y_offset) != (0, 0),
                    });
                } else {
                    letters.push(ink);
                }
            }
            pen += place.x_advance;
        }
        Some(Self { letters, marks })
    }

    /// Returns true if the cluster has a letter and all marks are placed correctly at it.
    fn is_whole(&self, cluster: &str, first: char) -> bool {
        let Some(letter) = self.letters.iter().copied().reduce(Ink::with) else {
            return false;
        };
        // In other scripts, marks can also be inside, before and between letters, so only their
        // horizontal distance is checked.
        let simple = matches!(
            first.script(),
            Script::Latin | Script::Greek | Script::Cyrillic | Script::Common | Script::Inherited
        );
        if simple {
            self.is_stacked(letter, cluster.chars().any(is_beside))
        } else {
            self.is_near(letter)
        }
    }

    /// Returns true if there is one letter, and each mark is above or below it without overlapping
    /// other marks. If `beside` is true, marks may be in any place at the letter. This check is for
    /// Latin, Greek and Cyrillic.
    fn is_stacked(&self, letter: Ink, beside: bool) -> bool {
        let in_place = |(n, mark): (usize, &Mark)| {
            let ink = mark.ink;
            let is_clear = || {
                let is_above = ink.middle().1 > letter.middle().1;
                let into = if is_above {
                    letter.top - ink.bottom
                } else {
                    ink.top - letter.bottom
                };
                into <= INTO
                    && self.marks[..n]
                        .iter()
                        .all(|other| !other.ink.collides_with(ink))
            };
            mark.is_placed && letter.is_at(ink.middle().0, BESIDE) && (beside || is_clear())
        };
        self.letters.len() == 1 && self.marks.iter().enumerate().all(in_place)
    }

    /// Returns true if every mark is near the letters. This check is for all other scripts.
    fn is_near(&self, letter: Ink) -> bool {
        self.marks.iter().all(|mark| {
            letter.is_at(
                mark.ink.middle().0,
                if mark.is_placed { BESIDE } else { TOUCHES },
            )
        })
    }
}

const DOTTED_CIRCLE: char = '\u{25CC}';

impl Ink {
    fn with(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            bottom: self.bottom.min(other.bottom),
            right: self.right.max(other.right),
            top: self.top.max(other.top),
        }
    }

    fn middle(&self) -> (f32, f32) {
        (
            f32::midpoint(self.left, self.right),
            f32::midpoint(self.bottom, self.top),
        )
    }

    /// Returns true if `x` is within the box, or at most `tolerance` outside of it.
    fn is_at(&self, x: f32, tolerance: f32) -> bool {
        (self.left - tolerance..=self.right + tolerance).contains(&x)
    }

    fn collides_with(&self, other: Self) -> bool {
        let wide = self.right.min(other.right) - self.left.max(other.left);
        let high = self.top.min(other.top) - self.bottom.max(other.bottom);
        wide > TOUCHES && high > INTO / 2.0
    }
}
