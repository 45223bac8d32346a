//! Sets a line of plain text as typst does: Latin letters, one font, from left to right, nothing to break.
//!
//! typst's way to a line goes through styles, bidirectional levels, scripts, fall-back fonts and breaks. Most
//! names need none of that: what remains is one call of the shaper that typst calls, with what typst gives it
//! (typst-layout, `inline/shaping.rs`). [`LineSetter::like`] proves on a line of typst's own that the outcome
//! is the same, and whatever is not [`is_plain`] stays with typst.

use std::str::FromStr as _;

use rustybuzz::{BufferFlags, Direction, ShapePlan, UnicodeBuffer, script};
use typst::layout::Em;
use typst::syntax::Span;
use typst::text::{Glyph, TextItem};

/// Sets lines in the font and style of a line that typst has set.
pub(super) struct LineSetter {
    /// That line: its font, size, colour and language are those of the others.
    like: TextItem,
    plan: ShapePlan,
    language: rustybuzz::Language,
    /// What is added between clusters.
    tracking: Em,
}

impl LineSetter {
    /// Learns from a line; `None` if its text, set here, would not be the same.
    pub(super) fn like(line: &TextItem) -> Option<Self> {
        let language = rustybuzz::Language::from_str(line.lang.as_str()).ok()?;
        let direction = Direction::LeftToRight;
        let plan =
            ShapePlan::new(line.font.rusty(), direction, Some(script::LATIN), Some(&language), &[]);
        let mut setter = Self { like: line.clone(), plan, language, tracking: Em::zero() };
        // The first cluster but the last is apart from its width in the font by the tracking.
        let bare = setter.glyphs(&line.text)?;
        let (first, set) = (bare.first()?, line.glyphs.first()?);
        if first.range != bare.last()?.range {
            setter.tracking = set.x_advance - first.x_advance;
        }
        let again = setter.glyphs(&line.text)?;
        let same = again.len() == line.glyphs.len()
            && again.iter().zip(&line.glyphs).all(|(a, b)| {
                let near = |a: Em, b: Em| (a.get() - b.get()).abs() < 1e-9;
                a.id == b.id
                    && a.range == b.range
                    && near(a.x_advance, b.x_advance)
                    && near(a.x_offset, b.x_offset)
                    && b.y_offset == Em::zero()
                    && b.y_advance == Em::zero()
            });
        same.then_some(setter)
    }

    /// The line of another text, in the size of the one it is like; `None` if typst is to set it.
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
        if !is_plain(text) {
            return None;
        }
        let font = &self.like.font;
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.set_language(self.language.clone());
        buffer.set_direction(Direction::LeftToRight);
        buffer.guess_segment_properties();
        buffer.set_flags(BufferFlags::REMOVE_DEFAULT_IGNORABLES);
        if buffer.script() != script::LATIN {
            return None;
        }
        let shaped = rustybuzz::shape_with_plan(font.rusty(), &self.plan, buffer);
        let (infos, places) = (shaped.glyph_infos(), shaped.glyph_positions());
        let end = u32::try_from(text.len()).ok()?;
        let mut glyphs = Vec::with_capacity(infos.len());
        for (n, (info, place)) in infos.iter().zip(places).enumerate() {
            if info.glyph_id == 0 || place.y_offset != 0 {
                return None;
            }
            // Glyphs of one cluster share its range.
            let next = infos[n..].iter().map(|later| later.cluster).find(|later| *later != info.cluster);
            let is_last_of_its_own = infos.get(n + 1).is_some_and(|later| later.cluster != info.cluster);
            let tracking = if is_last_of_its_own { self.tracking } else { Em::zero() };
            glyphs.push(Glyph {
                id: u16::try_from(info.glyph_id).ok()?,
                x_advance: font.to_em(place.x_advance) + tracking,
                x_offset: font.to_em(place.x_offset),
                y_advance: Em::zero(),
                y_offset: Em::zero(),
                range: u16::try_from(info.cluster).ok()?..u16::try_from(next.unwrap_or(end)).ok()?,
                span: (Span::detached(), 0),
            });
        }
        Some(glyphs)
    }
}

/// Whether a text needs nothing but a shaper: Latin letters of Unicode's first blocks, digits, spaces and
/// signs that stand alone; no sign at its end that typst lets hang into the margin.
pub(super) fn is_plain(text: &str) -> bool {
    let plain = |c: char| {
        c == ' '
            || c.is_ascii_graphic()
            || matches!(c, '\u{b7}' | '\u{ba}' | '\u{aa}' | '’' | '‘')
            || (matches!(c, '\u{c0}'..='\u{24f}') && c.is_alphabetic())
    };
    text.chars().all(plain) && !text.ends_with(['-', '.', ',', ':', ';', ' '])
}
