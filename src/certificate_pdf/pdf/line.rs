//! Sets a line of plain text exactly as typst does: Latin, Greek or Cyrillic letters in one font,
//! from left to right, without line breaks.
//!
//! To lay out a line, typst resolves styles, bidirectional levels, scripts, fallback fonts and line
//! breaks. Most names need none of these. They need only one call of the shaper, with the same
//! arguments that typst passes (typst-layout, `inline/shaping.rs`). [`LineSetter::like`] sets a
//! line that typst has laid out and checks that the result is the same. typst lays out texts that
//! aren't plain ([`script_of`]).

use std::str::FromStr as _;
use std::sync::OnceLock;

use rustybuzz::{BufferFlags, Direction, Language, ShapePlan, UnicodeBuffer, script};
use typst::layout::Em;
use typst::syntax::Span;
use typst::text::{FontInstance, Glyph, Lang, TextItem};
use unicode_normalization::char::{canonical_combining_class, decompose_canonical};

use super::font_subset::{Cluster, glyph_clusters};

/// Script whose letters are set one after the other.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Script {
    Latin,
    Greek,
    Cyrillic,
}

/// Shaper for text in one font, from left to right.
pub(super) struct Shaper {
    font: FontInstance,
    language: Language,
    /// Shape plan of each script, created on first use.
    plans: [OnceLock<ShapePlan>; 3],
}

impl Shaper {
    pub(super) fn of(font: &FontInstance, language: Lang) -> Option<Self> {
        let language = Language::from_str(language.as_str()).ok()?;
        Some(Self {
            font: font.clone(),
            language,
            plans: Default::default(),
        })
    }

    /// Returns the glyphs of a text. Returns `None` if the text has more than 65,535 bytes, or if a
    /// glyph has a vertical offset, as stacked marks have.
    pub(super) fn shape(&self, text: &str, script: Script) -> Option<Vec<Glyph>> {
        let font = &self.font;
        let direction = Direction::LeftToRight;
        let tag = match script {
            Script::Latin => script::LATIN,
            Script::Greek => script::GREEK,
            Script::Cyrillic => script::CYRILLIC,
        };
        let plan = self.plans[script as usize].get_or_init(|| {
            ShapePlan::new(
                font.rusty(),
                direction,
                Some(tag),
                Some(&self.language),
                &[],
            )
        });
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.set_language(self.language.clone());
        buffer.set_script(tag);
        buffer.set_direction(direction);
        buffer.set_flags(BufferFlags::REMOVE_DEFAULT_IGNORABLES);
        let shaped = rustybuzz::shape_with_plan(font.rusty(), plan, buffer);
        let infos = shaped.glyph_infos();
        let places = shaped.glyph_positions();
        let end = u32::try_from(text.len()).ok()?;
        let glyph = |n: usize| {
            let info = &infos[n];
            let place = &places[n];
            // Glyphs of one cluster share its range.
            let next = infos[n..]
                .iter()
                .map(|later| later.cluster)
                .find(|later| *later != info.cluster);
            let range =
                u16::try_from(info.cluster).ok()?..u16::try_from(next.unwrap_or(end)).ok()?;
            (place.y_offset == 0).then_some(Glyph {
                id: u16::try_from(info.glyph_id).ok()?,
                x_advance: font.to_em(place.x_advance),
                x_offset: font.to_em(place.x_offset),
                y_advance: Em::zero(),
                y_offset: Em::zero(),
                range,
                span: (Span::detached(), 0),
            })
        };
        (0..infos.len()).map(glyph).collect()
    }
}

/// Sets lines in the font and style of a line that typst has laid out.
pub(super) struct LineSetter {
    /// Line that typst has laid out. All lines get its font, size, colour and language.
    like: TextItem,
    shaper: Shaper,
    /// Additional space between clusters.
    tracking: Em,
}

impl LineSetter {
    /// Creates a setter from a line of typst. Returns `None` if the setter would give other glyphs
    /// for the text of that line.
    pub(super) fn like(line: &TextItem) -> Option<Self> {
        let shaper = Shaper::of(&line.font, line.lang).filter(|_| line.region.is_none())?;
        let mut setter = Self {
            like: line.clone(),
            shaper,
            tracking: Em::zero(),
        };
        // Tracking makes each cluster except the last wider than it is in the font.
        let bare = setter.glyphs(&line.text)?;
        let set = &line.glyphs;
        if let ([first, second, ..], Some(set)) = (&bare[..], set.first())
            && first.range != second.range
        {
            setter.tracking = set.x_advance - first.x_advance;
        }
        same_glyphs(&setter.glyphs(&line.text)?, set).then_some(setter)
    }

    /// Returns a line with `text` in the same size. Returns `None` if typst must lay out the text.
    pub(super) fn set(&self, text: String) -> Option<TextItem> {
        let glyphs = self.glyphs(&text)?;
        let like = &self.like;
        Some(TextItem {
            font: like.font.clone(),
            size: like.size,
            fill: like.fill.clone(),
            stroke: like.stroke.clone(),
            lang: like.lang,
            region: like.region,
            text: text.into(),
            glyphs,
        })
    }

    fn glyphs(&self, text: &str) -> Option<Vec<Glyph>> {
        let mut glyphs = self.shaper.shape(text, script_of(text)?)?;
        for n in 1..glyphs.len() {
            if glyphs[n].range != glyphs[n - 1].range {
                glyphs[n - 1].x_advance += self.tracking;
            }
        }
        // Glyph 0 is a box, so another font must draw the letter. Several glyphs for one letter are
        // a letter and marks, and the font may not know the positions of the marks.
        let is_whole =
            |cluster: Cluster<'_>| cluster.glyphs.len() == 1 && cluster.glyphs[0].id != 0;
        let all_are_whole = glyph_clusters(&glyphs, text).all(is_whole);
        all_are_whole.then_some(glyphs)
    }
}

/// Returns true if the glyphs are the same. Horizontal advances and offsets may differ by less than
/// 1e-9 em.
pub(super) fn same_glyphs(one: &[Glyph], other: &[Glyph]) -> bool {
    let near = |a: Em, b: Em| (a.get() - b.get()).abs() < 1e-9;
    one.len() == other.len()
        && one.iter().zip(other).all(|(a, b)| {
            (a.id, &a.range, a.y_offset, a.y_advance) == (b.id, &b.range, b.y_offset, b.y_advance)
                && near(a.x_advance, b.x_advance)
                && near(a.x_offset, b.x_offset)
        })
}

/// Returns true for Latin capitals with two or more marks above.
/// `templates/certificate/lib/1/page.typ` makes lines with such capitals higher.
fn is_high(c: char) -> bool {
    if !c.is_uppercase() || !matches!(c, '\u{1d5}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}') {
        return false;
    }
    let mut marks = 0;
    decompose_canonical(c, |part| {
        marks += u8::from(canonical_combining_class(part) == ABOVE)
    });
    marks > 1
}

/// Canonical combining class of marks above a letter.
const ABOVE: u8 = 230;

/// Returns the script of a text that needs nothing but a shaper, or `None` for other texts. Such a
/// text has at least one letter, and all letters are of one script. It may have digits, spaces and
/// signs that don't combine. The last character is not a sign that typst hangs into the margin. The
/// text has no adjacent middle dots, because typst moves them together.
fn script_of(text: &str) -> Option<Script> {
    if text.ends_with(['-', '.', ',', ':', ';', ' ']) || text.contains("··") {
        return None;
    }
    let mut script = None;
    for c in text.chars() {
        let letter = match c {
            'A'..='Z' | 'a'..='z' => Script::Latin,
            ' '..='~' | '·' | '’' | '‘' => continue,
            _ if !c.is_alphabetic() || is_high(c) => return None,
            '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | 'ª' | 'º' => Script::Latin,
            '\u{370}'..='\u{3e1}' | '\u{3f0}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => {
                Script::Greek
            }
            '\u{400}'..='\u{52f}' => Script::Cyrillic,
            _ => return None,
        };
        if *script.get_or_insert(letter) != letter {
            return None;
        }
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn high_letters_in_the_template_library_match_the_code() {
        let library = include_str!("../../../templates/certificate/lib/1/page.typ");
        let (_, after) = library
            .split_once("#let high-letters = (\n  (regex(\"[")
            .expect("the list");
        let (listed, _) = after.split_once(']').expect("its end");
        let high: String = ('\u{c0}'..='\u{1eff}').filter(|c| is_high(*c)).collect();
        assert_eq!(listed, high);
    }
}
