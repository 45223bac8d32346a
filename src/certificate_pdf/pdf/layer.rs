//! Invisible text over outlines, for search, copying and screen readers.
//!
//! PDF readers differ in their handling of clusters with several glyphs, of marks to the left of
//! the pen position, and of right-to-left text. They agree only on a plain sequence of characters,
//! each with its own position. So a run is painted as outlines unless it has one glyph per cluster,
//! from left to right. Its characters are placed invisibly on top (ISO 32000-1, 9.3.6, mode 3).

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, UnicodeCmap};
use pdf_writer::{Finish, Name, Ref};
use typst::text::TextItem;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use super::file::{Deflate, Objects};
use super::font_subset::{SYSTEM, clusters};
use super::join::is_forward;
use crate::certificate_pdf::text::is_right_to_left;

/// Width of a mark in thousandths of the font size. MuPDF treats a wider mark as a separate letter.
const MARK: f64 = 40.0;

/// Right-to-left mark. It is added to the invisible text only.
const RIGHT_TO_LEFT: char = '\u{200F}';

/// Glyphs of the invisible font. A character has a separate glyph for each width.
#[derive(Default)]
pub(super) struct Layer {
    glyphs: BTreeMap<(char, u16), u16>,
}

/// Embedded font. The layer refers to its font program, but paints none of its glyphs.
pub(super) struct Host {
    pub(super) descriptor: Ref,
    pub(super) name: String,
}

/// Character and its position on the line, in thousandths of the font size.
pub(super) struct Place {
    pub(super) character: char,
    pub(super) x: f64,
    pub(super) width: u16,
}

impl Layer {
    pub(super) fn is_empty(&self) -> bool {
        self.glyphs.is_empty()
    }

    /// Returns the glyph number of a character. Adds the glyph if it is missing.
    pub(super) fn glyph(&mut self, place: &Place) -> u16 {
        // Glyph 0 stays unused. A page has far fewer characters than there are numbers.
        let next = u16::try_from(self.glyphs.len() + 1).unwrap_or(u16::MAX);
        *self
            .glyphs
            .entry((place.character, place.width))
            .or_insert(next)
    }

    /// Writes the font and returns its reference.
    pub(super) fn write(&self, objects: &mut Objects, deflate: &mut Deflate, host: &Host) -> Ref {
        let [font, descendant, numbers, map] = [(); 4].map(|()| objects.next());
        let name = Name(host.name.as_bytes());
        let mut writer = objects
            .begin(font)
            .start::<pdf_writer::writers::Type0Font>();
        writer
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"));
        writer.descendant_font(descendant).to_unicode(map);
        writer.finish();
        let mut glyphs: Vec<(u16, char, u16)> = self
            .glyphs
            .iter()
            .map(|((character, width), glyph)| (*glyph, *character, *width))
            .collect();
        glyphs.sort_unstable();
        let mut writer = objects
            .begin(descendant)
            .start::<pdf_writer::writers::CidFont>();
        writer
            .subtype(CidFontType::Type2)
            .base_font(name)
            .system_info(SYSTEM);
        writer
            .font_descriptor(host.descriptor)
            .cid_to_gid_map_stream(numbers);
        writer
            .widths()
            .consecutive(1, glyphs.iter().map(|(_, _, width)| f32::from(*width)));
        writer.finish();
        let packed = deflate.zlib(&vec![0; 2 * (glyphs.len() + 1)]);
        objects.here(numbers);
        objects
            .chunk
            .stream(numbers, &packed)
            .filter(pdf_writer::Filter::FlateDecode);
        let mut unicode = UnicodeCmap::new(Name(b"Custom"), SYSTEM);
        for (glyph, character, _) in glyphs {
            unicode.pair(glyph, character);
        }
        let packed = deflate.zlib(unicode.finish().as_slice());
        objects.here(map);
        objects
            .chunk
            .stream(map, &packed)
            .filter(pdf_writer::Filter::FlateDecode);
        font
    }
}

/// Returns the places of a run's characters from left to right. `from` is the start of the run.
/// `scale` is the size of the run divided by the size of the line.
pub(super) fn places(run: &TextItem, from: f64, scale: f64) -> Vec<Place> {
    let mut places = Vec::new();
    let mut x = from;
    for cluster in clusters(run) {
        let width = cluster
            .glyphs
            .iter()
            .map(|glyph| glyph.x_advance.get() * 1000.0 * scale)
            .sum::<f64>();
        let mut characters: Vec<char> = cluster.text.chars().collect();
        if is_reversed(run, cluster.text) {
            characters.reverse();
        }
        let marks = characters
            .iter()
            .filter(|character| is_mark(**character))
            .count();
        let letters = characters.len() - marks;
        let all = characters.len().max(1);
        let mut letter = part(width, all);
        let mut mark = part(width, all);
        if letters > 0 {
            mark = mark.min(MARK);
            letter = part(width - mark * count(marks), letters);
        }
        let mut at = x;
        for character in characters {
            let wide = if is_mark(character) { mark } else { letter };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the value is clamped to 1–60,000"
            )]
            let rounded = wide.round().clamp(1.0, 60_000.0) as u16;
            places.push(Place {
                character,
                x: at,
                width: rounded,
            });
            at += wide;
        }
        x += width;
    }
    // A mark has no direction of its own. Readers exclude a mark at the edge of a line from the
    // right-to-left text.
    if places.first().is_some_and(|place| is_mark(place.character))
        && run.text.chars().any(is_right_to_left)
    {
        places.insert(
            0,
            Place {
                character: RIGHT_TO_LEFT,
                x: from - 1.0,
                width: 1,
            },
        );
    }
    places
}

/// Returns true if the characters of a cluster must be listed in reverse, because readers expect
/// the visual order.
pub(super) fn is_reversed(run: &TextItem, cluster: &str) -> bool {
    cluster.chars().any(is_right_to_left) || is_forward(run) == Some(false)
}

fn is_mark(character: char) -> bool {
    matches!(character, '\u{200C}' | '\u{200D}')
        || matches!(
            character.general_category(),
            GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark
        )
}

fn part(width: f64, parts: usize) -> f64 {
    width.max(0.0) / count(parts)
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
