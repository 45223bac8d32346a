//! Runs of glyphs as text-showing operators (ISO 32000-1, 9.4).

use pdf_writer::{Content, Name, Str, TextStr};
use typst::layout::Transform;
use typst::text::TextItem;

use super::Unsupported;
use super::content::{Body, SRGB, colour, short};
use super::fonts::{Cluster, Subset, clusters};

/// Where the glyphs of one cluster come from.
#[derive(Clone, Copy, PartialEq)]
enum Source {
    Shared(usize),
    Extra(usize),
}

impl Body<'_> {
    pub(super) fn text(&mut self, run: &TextItem, place: Transform) -> Result<(), Unsupported> {
        if run.stroke.is_some() {
            return Err(Unsupported("outlined text"));
        }
        let (rgb, opacity) = colour(&run.fill)?;
        if opacity != u8::MAX {
            self.content.save_state();
            self.opacity(opacity);
        }
        self.content.set_fill_color_space(SRGB).set_fill_color(rgb);
        let [a, b, c, d, e, f] = self.matrix_of(place);
        self.content.begin_text().set_text_matrix([a, b, -c, -d, e, f]);
        let (shared, size) = (self.shared.find(&run.font), short(run.size.to_pt()));
        let mut line = Line { pen: 0.0, drawn: 0.0, rise: 0.0, source: None, size, shown: Shown::default() };
        let wide = self.tells_wide && is_wide(run);
        if wide {
            tell(&mut self.content, &run.text);
        }
        for cluster in clusters(run) {
            self.cluster(&mut line, run, &cluster, shared, wide)?;
        }
        line.shown.flush(&mut self.content);
        if wide {
            self.content.end_marked_content();
        }
        if line.rise != 0.0 {
            self.content.set_rise(0.0);
        }
        self.content.end_text();
        if opacity != u8::MAX {
            self.content.restore_state();
        }
        Ok(())
    }

    fn cluster(
        &mut self,
        line: &mut Line,
        run: &TextItem,
        cluster: &Cluster<'_>,
        shared: Option<usize>,
        told: bool,
    ) -> Result<(), Unsupported> {
        let is_shared =
            |at: usize| cluster.glyphs.iter().all(|glyph| self.shared.0[at].get(glyph.id).is_some());
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
        let told = told
            || cluster
                .glyphs
                .first()
                .and_then(|glyph| subset.get(glyph.id))
                .is_some_and(|(cid, _)| subset.tells(cid, cluster));
        if !told {
            line.shown.flush(&mut self.content);
            tell(&mut self.content, cluster.text);
        }
        for glyph in cluster.glyphs {
            if glyph.y_advance.get() != 0.0 {
                return Err(Unsupported("upright text"));
            }
            // proof: the subset was chosen, or made, to hold it.
            let Some((cid, width)) = subset.get(glyph.id) else { continue };
            line.glyph(&mut self.content, glyph, cid, width);
        }
        if !told {
            line.shown.flush(&mut self.content);
            self.content.end_marked_content();
        }
        Ok(())
    }
}

/// Begins a span whose text is told apart from its glyphs (ISO 32000-1, 14.9.4).
fn tell(content: &mut Content, text: &str) {
    let mut span = content.begin_marked_content_with_properties(Name(b"Span"));
    span.properties().actual_text(TextStr(text));
}

/// Gaps that are as wide, in parts of the font size, may be taken for spaces: poppler does from a tenth on.
const WIDE: f64 = 0.05;

/// Whether the letters of a run stand apart: its first few tell.
fn is_wide(run: &TextItem) -> bool {
    run.glyphs.iter().take(3).any(|glyph| {
        let own = run.font.x_advance(glyph.id).unwrap_or_default();
        (glyph.x_advance - own).get() >= WIDE && run.text.get(glyph.range()).is_some_and(|text| text != " ")
    })
}

/// A run under way, all in thousandths of the font size.
struct Line {
    /// Where the layout is.
    pen: f64,
    /// Where the PDF is.
    drawn: f64,
    rise: f32,
    source: Option<Source>,
    size: f32,
    shown: Shown,
}

impl Line {
    fn glyph(&mut self, content: &mut Content, glyph: &typst::text::Glyph, cid: u16, width: f32) {
        let rise = short(glyph.y_offset.get() * f64::from(self.size));
        #[expect(clippy::float_cmp, reason = "the same number or another one")]
        if rise != self.rise {
            self.shown.flush(content);
            content.set_rise(rise);
            self.rise = rise;
        }
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

/// What one operator shows: glyphs with the adjustments before them.
#[derive(Default)]
struct Shown {
    glyphs: Vec<u8>,
    /// How many bytes of `glyphs` precede each adjustment.
    adjustments: Vec<(usize, f32)>,
}

impl Shown {
    fn adjust(&mut self, back: f64) {
        #[expect(clippy::cast_possible_truncation, reason = "a PDF's numbers are of this kind")]
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
