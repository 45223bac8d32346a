//! Paints runs of glyphs with text-showing operators (ISO 32000-1, 9.4).

use std::collections::BTreeMap;

use pdf_writer::types::TextRenderingMode;
use pdf_writer::{Content, Name, Str, TextStr};
use typst::layout::Transform;
use typst::text::{Glyph, TextItem};

use super::content::{Body, SRGB, colour, short};
use super::display::{Draw, Piece};
use super::font_subset::{Cluster, Subset, clusters};
use super::{Unsupported, layer, outlines};
use crate::certificate_pdf::text::is_right_to_left;

/// Font subset, by index, that contains the glyphs of a cluster.
#[derive(Clone, Copy, PartialEq)]
enum Source {
    Shared(usize),
    Extra(usize),
}

/// Resource name of the font of the invisible layer.
pub(super) const LAYER: Name<'static> = Name(b"L");

impl Body<'_> {
    /// Paints a run that is the only one on its line.
    pub(super) fn text(&mut self, run: &TextItem, place: Transform) -> Result<(), Unsupported> {
        if !self.is_plain(run) {
            self.outlined(run, place)?;
            self.lay_over(&[(run, place)]);
            return Ok(());
        }
        let opacity = self.ink(run)?;
        let matrix = self.text_matrix(place);
        self.glyphs(run, matrix)?;
        self.end_ink(opacity);
        Ok(())
    }

    /// Paints runs of one line that differ in font or style. They are painted as outlines with one
    /// invisible text on top.
    pub(super) fn line(&mut self, parts: &[Piece<'_>]) -> Result<(), Unsupported> {
        let runs: Vec<(&TextItem, Transform)> = parts
            .iter()
            .filter_map(|part| match &part.draw {
                Draw::Text(text) => Some((&**text, part.place)),
                _ => None,
            })
            .collect();
        for (n, (part, (run, place))) in parts.iter().zip(&runs).enumerate() {
            self.mark(part.mark, Some(run));
            self.outlined(run, *place)?;
            if n == 0 {
                self.lay_over(&runs);
            }
        }
        Ok(())
    }

    /// Sets the colour and the opacity of a run. Returns the opacity for [`Self::end_ink`].
    fn ink(&mut self, run: &TextItem) -> Result<u8, Unsupported> {
        if run.stroke.is_some() {
            return Err(Unsupported("outlined text"));
        }
        if run.glyphs.iter().any(|glyph| glyph.y_advance.get() != 0.0) {
            return Err(Unsupported("upright text"));
        }
        let (rgb, opacity) = colour(&run.fill)?;
        if opacity != u8::MAX {
            self.content.save_state();
            self.opacity(opacity);
        }
        self.content.set_fill_color_space(SRGB).set_fill_color(rgb);
        Ok(opacity)
    }

    fn end_ink(&mut self, opacity: u8) {
        if opacity != u8::MAX {
            self.content.restore_state();
        }
    }

    fn text_matrix(&self, place: Transform) -> [f32; 6] {
        let [a, b, c, d, e, f] = self.matrix_of(place);
        [a, b, -c, -d, e, f]
    }

    /// Returns true if every PDF reader can extract the text of a run from its glyphs. No text may
    /// run from right to left. Each cluster must be one glyph on the baseline, and that glyph must
    /// have the same text everywhere in the file.
    fn is_plain(&self, run: &TextItem) -> bool {
        let shared = self.shared.find(&run.font).map(|at| &self.shared.0[at]);
        let extra = self.extra.find(&run.font).map(|at| &self.extra.0[at]);
        let mut seen: BTreeMap<u16, &str> = BTreeMap::new();
        let mut is_plain = |cluster: Cluster<'_>| {
            let [glyph] = cluster.glyphs else {
                return false;
            };
            let known = [shared, extra]
                .into_iter()
                .flatten()
                .find_map(|subset| subset.text(glyph.id));
            let known = known.or_else(|| seen.get(&glyph.id).copied());
            let same = known.is_none_or(|known| is_same_text(known, cluster.text));
            seen.insert(glyph.id, run.text.get(glyph.range()).unwrap_or_default());
            same && glyph.y_offset.get() == 0.0
        };
        !run.text.chars().any(is_right_to_left) && clusters(run).all(&mut is_plain)
    }

    /// Shows the glyphs of a run. Adds a replacement text if the gaps of the run would mislead
    /// readers.
    fn glyphs(&mut self, run: &TextItem, matrix: [f32; 6]) -> Result<(), Unsupported> {
        self.content.begin_text().set_text_matrix(matrix);
        let shared = self.shared.find(&run.font);
        let size = short(run.size.to_pt());
        let mut line = Line {
            pen: 0.0,
            drawn: 0.0,
            source: None,
            size,
            shown: Shown::default(),
        };
        let message = self.marks() && misleads_by_gaps(run);
        if message {
            begin_replacement(&mut self.content, &run.text);
        }
        for cluster in clusters(run) {
            self.cluster(&mut line, run, &cluster, shared)?;
        }
        line.shown.flush(&mut self.content);
        if message {
            self.content.end_marked_content();
        }
        self.content.end_text();
        Ok(())
    }

    fn cluster(
        &mut self,
        line: &mut Line,
        run: &TextItem,
        cluster: &Cluster<'_>,
        shared: Option<usize>,
    ) -> Result<(), Unsupported> {
        let is_shared = |at: usize| {
            cluster
                .glyphs
                .iter()
                .all(|glyph| self.shared.0[at].get(glyph.id).is_some())
        };
        let source = match shared {
            Some(at) if is_shared(at) => Source::Shared(at),
            _ => {
                let at = self.extra.of(&run.font)?;
                self.extra.0[at].add_cluster(cluster);
                Source::Extra(at)
            }
        };
        let subset: &Subset = match source {
            Source::Shared(at) => &self.shared.0[at],
            Source::Extra(at) => &self.extra.0[at],
        };
        if line.source != Some(source) {
            line.shown.flush(&mut self.content);
            let name = match source {
                Source::Shared(at) => format!("F{at}"),
                Source::Extra(at) => format!("X{at}"),
            };
            self.content.set_font(Name(name.as_bytes()), line.size);
            line.source = Some(source);
        }
        for glyph in cluster.glyphs {
            // proof: the subset was selected because it contains the glyph, or the glyph was added
            // to it.
            let Some((cid, width)) = subset.get(glyph.id) else {
                continue;
            };
            line.glyph(glyph, cid, width);
        }
        Ok(())
    }

    /// Paints a run as outlines.
    fn outlined(&mut self, run: &TextItem, place: Transform) -> Result<(), Unsupported> {
        let opacity = self.ink(run)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "PDF numbers are written as f32"
        )]
        let unit = (run.size.to_pt() / 1000.0) as f32;
        let [a, b, c, d, e, f] = self.text_matrix(place);
        self.content
            .save_state()
            .transform([a * unit, b * unit, c * unit, d * unit, e, f]);
        outlines::paint(&mut self.content, run);
        self.content.restore_state();
        self.end_ink(opacity);
        Ok(())
    }

    /// Puts the text of the runs of one line invisibly over their outlines, unless the runs are an
    /// artifact.
    fn lay_over(&mut self, runs: &[(&TextItem, Transform)]) {
        let Some((first, start)) = runs.first().filter(|_| self.marks()) else {
            return;
        };
        let matrix = self.text_matrix(*start);
        self.content.begin_text().set_text_matrix(matrix);
        self.content
            .set_text_rendering_mode(TextRenderingMode::Invisible);
        self.content.set_font(LAYER, short(first.size.to_pt()));
        // Some readers reverse right-to-left lines. A replacement text in reading order confuses
        // them.
        let message = !runs
            .iter()
            .any(|(run, _)| run.text.chars().any(is_right_to_left));
        if message {
            begin_replacement(
                &mut self.content,
                &runs
                    .iter()
                    .map(|(run, _)| run.text.as_str())
                    .collect::<String>(),
            );
        }
        let mut drawn = 0.0;
        let mut shown = Shown::default();
        for (run, place) in runs {
            let from = (place.tx - start.tx).to_pt() / start.sx.get() / first.size.to_pt() * 1000.0;
            for place in layer::places(run, from, run.size / first.size) {
                let back = ((drawn - place.x) * 100.0).round() / 100.0;
                if back != 0.0 {
                    shown.adjust(back);
                    drawn -= back;
                }
                shown
                    .glyphs
                    .extend_from_slice(&self.layer.glyph(&place).to_be_bytes());
                drawn += f64::from(place.width);
            }
        }
        shown.flush(&mut self.content);
        if message {
            self.content.end_marked_content();
        }
        self.content
            .set_text_rendering_mode(TextRenderingMode::Fill);
        self.content.end_text();
    }
}

/// Begins a span with a replacement text (ISO 32000-1, 14.9.4).
fn begin_replacement(content: &mut Content, text: &str) {
    let mut span = content.begin_marked_content_with_properties(Name(b"Span"));
    span.properties().actual_text(TextStr(text));
}

/// Returns true if it doesn't matter which of the two texts a reader extracts. All kinds of spaces
/// are the same here, because some fonts have one glyph for them.
fn is_same_text(one: &str, other: &str) -> bool {
    let is_blank = |text: &str| !text.is_empty() && text.chars().all(char::is_whitespace);
    one == other || (is_blank(one) && is_blank(other))
}

/// Smallest gap between letters, in em, that readers might take for a space. poppler takes gaps
/// from 0.1 em for spaces.
const WIDE: f64 = 0.05;
/// Smallest space, in em, that all readers detect. `pdftotext -raw` misses spaces of up to 1/6 em.
const NARROW: f64 = 0.19;

/// Returns true if readers that detect words by gaps might detect wrong words in a run. There are
/// four such cases: wide letter spacing (the first 3 glyphs are checked), a narrow space, a space
/// in a script that usually has none, and modifier letters, which are as narrow as spaces.
fn misleads_by_gaps(run: &TextItem) -> bool {
    let is_space = |glyph: &Glyph| run.text.get(glyph.range()) == Some(" ");
    let is_wide = |glyph: &Glyph| {
        let own = run.font.x_advance(glyph.id).unwrap_or_default();
        (glyph.x_advance - own).get() >= WIDE && !is_space(glyph)
    };
    let mut spaces = run.glyphs.iter().filter(|glyph| is_space(glyph)).peekable();
    run.glyphs.iter().take(3).any(is_wide)
        || (spaces.peek().is_some() && run.text.chars().any(is_ideographic))
        || run.text.chars().any(is_modifier)
        || spaces.any(|space| space.x_advance.get() < NARROW)
}

/// Returns true for letters that look like apostrophes or raised letters, by Unicode block.
const fn is_modifier(c: char) -> bool {
    matches!(c, '\u{2B0}'..='\u{2FF}' | '\u{A788}'..='\u{A78C}')
}

/// Returns true for East Asian letters, which are square and all have the same width, by Unicode
/// block.
const fn is_ideographic(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{D7FF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// State while the glyphs of a run are written. Positions are in thousandths of the font size.
struct Line {
    /// Position in typst's layout.
    pen: f64,
    /// Position that a PDF reader computes from the widths in the font.
    drawn: f64,
    source: Option<Source>,
    size: f32,
    shown: Shown,
}

impl Line {
    fn glyph(&mut self, glyph: &Glyph, cid: u16, width: f32) {
        let wanted = self.pen + glyph.x_offset.get() * 1000.0;
        let back = ((self.drawn - wanted) * 100.0).round() / 100.0;
        if back != 0.0 {
            self.shown.adjust(back);
            self.drawn -= back;
        }
        self.shown.glyphs.extend_from_slice(&cid.to_be_bytes());
        self.drawn += f64::from(width);
        self.pen += glyph.x_advance.get() * 1000.0;
    }
}

/// Operand of one text-showing operator: glyphs, and adjustments between them.
#[derive(Default)]
struct Shown {
    glyphs: Vec<u8>,
    /// Adjustments. Each has the number of bytes of `glyphs` that precede it.
    adjustments: Vec<(usize, f32)>,
}

impl Shown {
    fn adjust(&mut self, back: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "PDF numbers are written as f32"
        )]
        self.adjustments.push((self.glyphs.len(), back as f32));
    }

    fn flush(&mut self, content: &mut Content) {
        if self.glyphs.is_empty() && self.adjustments.is_empty() {
            return;
        }
        let mut operator = content.show_positioned();
        let mut items = operator.items();
        let mut from = 0;
        for (at, back) in self.adjustments.drain(..) {
            if at > from {
                items.show(Str(&self.glyphs[from..at]));
            }
            items.adjust(back);
            from = at;
        }
        if from < self.glyphs.len() {
            items.show(Str(&self.glyphs[from..]));
        }
        self.glyphs.clear();
    }
}
