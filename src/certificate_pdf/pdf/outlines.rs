//! Paints runs of glyphs as filled curves.

use pdf_writer::Content;
use ttf_parser::{GlyphId, OutlineBuilder};
use typst::text::TextItem;

/// Paints the glyphs of a run. The unit is a thousandth of the font size. The origin is the start
/// of the baseline.
pub(super) fn paint(content: &mut Content, run: &TextItem) {
    let face = run.font.ttf();
    let scale = 1000.0 / f64::from(face.units_per_em());
    let mut x = 0.0;
    for glyph in &run.glyphs {
        let origin = [
            x + glyph.x_offset.get() * 1000.0,
            glyph.y_offset.get() * 1000.0,
        ];
        let mut pen = Pen {
            content,
            origin,
            scale,
            last: [0.0; 2],
            has_ink: false,
        };
        face.outline_glyph(GlyphId(glyph.id), &mut pen);
        if pen.has_ink {
            content.fill_nonzero();
        }
        x += glyph.x_advance.get() * 1000.0;
    }
}

struct Pen<'a> {
    content: &'a mut Content,
    origin: [f64; 2],
    scale: f64,
    /// Current point of the curve, in font units.
    last: [f32; 2],
    has_ink: bool,
}

impl Pen<'_> {
    /// Converts font units to thousandths of the font size, rounded to two decimals.
    fn point(&self, x: f32, y: f32) -> [f32; 2] {
        let [left, base] = self.origin;
        let rounded = |value: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "PDF numbers are written as f32"
            )]
            let rounded = ((value * 100.0).round() / 100.0) as f32;
            rounded
        };
        [
            rounded(left + f64::from(x) * self.scale),
            rounded(base + f64::from(y) * self.scale),
        ]
    }
}

impl OutlineBuilder for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let [a, b] = self.point(x, y);
        self.content.move_to(a, b);
        (self.last, self.has_ink) = ([x, y], true);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let [a, b] = self.point(x, y);
        self.content.line_to(a, b);
        self.last = [x, y];
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        // The control points of the same curve as a cubic one are two thirds of the way from each
        // end to that of the quadratic one.
        let third = |end: f32, control: f32| end + (control - end) * (2.0 / 3.0);
        let [from_x, from_y] = self.last;
        self.curve_to(
            third(from_x, x1),
            third(from_y, y1),
            third(x, x1),
            third(y, y1),
            x,
            y,
        );
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let [a, b] = self.point(x1, y1);
        let [c, d] = self.point(x2, y2);
        let [e, f] = self.point(x, y);
        self.content.cubic_to(a, b, c, d, e, f);
        self.last = [x, y];
    }

    fn close(&mut self) {
        self.content.close_path();
    }
}
