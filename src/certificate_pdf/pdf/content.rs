//! Content streams: pieces of a page as PDF operators (ISO 32000-1, 8 and 9).

use std::collections::BTreeSet;

use pdf_writer::types::{LineCapStyle, LineJoinStyle};
use pdf_writer::{Content, Name, TextStr};
use typst::layout::{Abs, Ratio, Transform};
use typst::text::TextItem;
use typst::visualize::{
    Color, Curve, CurveItem, FillRule, FixedStroke, Geometry, LineCap, LineJoin, Paint,
    ProcessColorSpace, Shape,
};

use super::Unsupported;
use super::display::{Draw, Mark, Piece};
use super::file::COMPACT;
use super::font_subset::Subsets;
use super::join::is_continued;
use super::layer::Layer;

/// Resource name of the colour space that all fills and strokes use.
pub(super) const SRGB: Name<'static> = Name(b"s");

/// Content stream under construction.
pub(super) struct Body<'a> {
    /// Font subsets of the prefix.
    pub(super) shared: &'a Subsets,
    /// Page height in points, for the conversion of coordinates: the vertical axis points up in PDF
    /// and down in typst.
    height: f64,
    pub(super) content: Content,
    /// Font subsets with the glyphs that the prefix doesn't have.
    pub(super) extra: Subsets,
    /// Opacities that the page sets, in units of 1/255. Full opacity is omitted.
    pub(super) opacities: BTreeSet<u8>,
    /// True if each piece is marked separately. False in a form, which the page marks as a whole.
    marking: bool,
    marked: Option<Mark>,
    /// Invisible text over runs that are painted as outlines.
    pub(super) layer: Layer,
    language: &'a str,
}

/// Finished content stream, and the resources that it needs in addition to the prefix's fonts.
pub(super) struct Finished {
    pub(super) content: pdf_writer::Buf,
    pub(super) extra: Subsets,
    pub(super) layer: Layer,
    pub(super) opacities: BTreeSet<u8>,
}

impl<'a> Body<'a> {
    pub(super) fn new(shared: &'a Subsets, height: Abs, language: &'a str) -> Self {
        Self {
            shared,
            height: height.to_pt(),
            content: Content::with_settings_and_capacity(COMPACT, 16 << 10),
            extra: Subsets::default(),
            opacities: BTreeSet::new(),
            marking: true,
            marked: None,
            layer: Layer::default(),
            language,
        }
    }

    /// Creates the content stream of a form, whose pieces are not marked.
    pub(super) fn unmarked(shared: &'a Subsets, height: Abs) -> Self {
        Self {
            marking: false,
            ..Self::new(shared, height, "")
        }
    }

    /// Ends the stream and returns it with the resources that it needs in addition to the prefix's
    /// fonts.
    pub(super) fn finish(mut self) -> Finished {
        self.end_mark();
        let Self {
            content,
            extra,
            layer,
            opacities,
            ..
        } = self;
        Finished {
            content: content.finish(),
            extra,
            layer,
            opacities,
        }
    }

    /// Returns true if the open marked-content sequence is text or a figure, and not an ornament.
    pub(super) fn marks(&self) -> bool {
        matches!(self.marked, Some(Mark::Content(_)))
    }

    /// Paints pieces in order. Adjacent texts on one line are painted together.
    ///
    /// # Errors
    /// Returns [`Unsupported`] if a fill or stroke isn't a plain colour, or if a font or image
    /// can't be embedded.
    pub(super) fn pieces(&mut self, pieces: &[Piece<'_>]) -> Result<(), Unsupported> {
        pieces
            .chunk_by(is_continued)
            .try_for_each(|line| match line {
                [piece] => self.piece(piece),
                parts => self.line(parts),
            })
    }

    /// Paints a piece, or begins or ends a clip.
    ///
    /// # Errors
    /// Returns [`Unsupported`] if a fill or stroke isn't a plain colour, or if a font or image
    /// can't be embedded.
    pub(super) fn piece(&mut self, piece: &Piece<'_>) -> Result<(), Unsupported> {
        match &piece.draw {
            Draw::Clip(curve) => {
                self.end_mark();
                self.content.save_state();
                self.outline(curve, self.matrix_of(piece.place));
                self.content.clip_nonzero().end_path();
                Ok(())
            }
            Draw::Unclip => {
                self.end_mark();
                self.content.restore_state();
                Ok(())
            }
            Draw::Text(text) => {
                self.mark(piece.mark, Some(text));
                self.text(text, piece.place)
            }
            Draw::Shape(shape) => {
                self.mark(piece.mark, None);
                self.shape(shape, piece.place)
            }
            Draw::Form(at) => {
                self.mark(piece.mark, None);
                self.content.x_object(Name(format!("P{at}").as_bytes()));
                Ok(())
            }
            Draw::Code(runs) => {
                self.mark(piece.mark, None);
                let matrix = self.matrix_of(piece.place);
                self.content.save_state().transform(matrix);
                self.content
                    .set_fill_color_space(SRGB)
                    .set_fill_color([0.0; 3]);
                for (x, y, length) in runs {
                    #[expect(
                        clippy::cast_precision_loss,
                        reason = "a code has 177 modules a side at most"
                    )]
                    self.content.rect(*x as f32, *y as f32, *length as f32, 1.0);
                }
                self.content.fill_nonzero().restore_state();
                Ok(())
            }
            Draw::Image(..) => Err(Unsupported("image that the sample lacks")),
            Draw::Embedded(at, size) => {
                self.mark(piece.mark, None);
                // PDF paints an image into the unit square, with its first row at the top.
                let square = Transform {
                    sx: Ratio::new(size.x.to_pt()),
                    ky: Ratio::zero(),
                    kx: Ratio::zero(),
                    sy: Ratio::new(-size.y.to_pt()),
                    tx: Abs::zero(),
                    ty: size.y,
                };
                let matrix = self.matrix_of(piece.place.pre_concat(square));
                self.content.save_state().transform(matrix);
                self.content
                    .x_object(Name(format!("I{at}").as_bytes()))
                    .restore_state();
                Ok(())
            }
        }
    }

    /// Begins a marked-content sequence, unless the open sequence already has the same mark.
    pub(super) fn mark(&mut self, mark: Mark, text: Option<&TextItem>) {
        if self.marked == Some(mark) || !self.marking {
            return;
        }
        self.end_mark();
        match mark {
            Mark::Artifact => {
                self.content.begin_marked_content(Name(b"Artifact"));
            }
            Mark::Content(number) => {
                let mut sequence = self
                    .content
                    .begin_marked_content_with_properties(Name(b"Span"));
                let mut properties = sequence.properties();
                properties.identify(number);
                if let Some(text) = text
                    && text.lang.as_str() != self.language
                {
                    properties.pair(Name(b"Lang"), TextStr(text.lang.as_str()));
                }
            }
        }
        self.marked = Some(mark);
    }

    fn end_mark(&mut self) {
        if self.marked.take().is_some() {
            self.content.end_marked_content();
        }
    }

    fn shape(&mut self, shape: &Shape, place: Transform) -> Result<(), Unsupported> {
        let stroke = shape
            .stroke
            .as_ref()
            .filter(|stroke| stroke.thickness > Abs::zero());
        let fill = shape.fill.as_ref().map(colour).transpose()?;
        let line = stroke.map(|stroke| colour(&stroke.paint)).transpose()?;
        let Some(opacity) = fill.or(line).map(|colour| colour.1) else {
            return Ok(());
        };
        if line.is_some_and(|line| line.1 != opacity) {
            return Err(Unsupported("fill and stroke of two opacities"));
        }
        let matrix = self.matrix_of(place);
        self.content.save_state().transform(matrix);
        self.opacity(opacity);
        if let Some((rgb, _)) = fill {
            self.content.set_fill_color_space(SRGB).set_fill_color(rgb);
        }
        if let (Some(stroke), Some((rgb, _))) = (stroke, line) {
            self.content.set_stroke_color_space(SRGB);
            self.content.set_stroke_color(rgb);
            self.stroke(stroke);
        }
        match &shape.geometry {
            Geometry::Line(to) => {
                self.content
                    .move_to(0.0, 0.0)
                    .line_to(short(to.x.to_pt()), short(to.y.to_pt()));
            }
            Geometry::Rect(size) => {
                self.content
                    .rect(0.0, 0.0, short(size.x.to_pt()), short(size.y.to_pt()));
            }
            Geometry::Curve(curve) => self.outline(curve, UNTOUCHED),
        }
        match (fill, line, shape.fill_rule) {
            (Some(_), None, FillRule::NonZero) => self.content.fill_nonzero(),
            (Some(_), None, FillRule::EvenOdd) => self.content.fill_even_odd(),
            (Some(_), Some(_), FillRule::NonZero) => self.content.fill_nonzero_and_stroke(),
            (Some(_), Some(_), FillRule::EvenOdd) => self.content.fill_even_odd_and_stroke(),
            (None, ..) => self.content.stroke(),
        };
        self.content.restore_state();
        Ok(())
    }

    fn stroke(&mut self, stroke: &FixedStroke) {
        self.content.set_line_width(short(stroke.thickness.to_pt()));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "PDF numbers are written as f32"
        )]
        self.content
            .set_miter_limit(stroke.miter_limit.get() as f32);
        match stroke.cap {
            LineCap::Butt => {}
            LineCap::Round => drop(self.content.set_line_cap(LineCapStyle::RoundCap)),
            LineCap::Square => drop(self.content.set_line_cap(LineCapStyle::ProjectingSquareCap)),
        }
        match stroke.join {
            LineJoin::Miter => {}
            LineJoin::Round => drop(self.content.set_line_join(LineJoinStyle::RoundJoin)),
            LineJoin::Bevel => drop(self.content.set_line_join(LineJoinStyle::BevelJoin)),
        }
        if let Some(dash) = &stroke.dash {
            let lengths = dash.array.iter().map(|length| short(length.to_pt()));
            self.content
                .set_dash_pattern(lengths, short(dash.phase.to_pt()));
        }
    }

    /// Sets an opacity in units of 1/255. The caller saves and restores the graphics state.
    pub(super) fn opacity(&mut self, opacity: u8) {
        if opacity != u8::MAX {
            self.opacities.insert(opacity);
            self.content
                .set_parameters(Name(format!("O{opacity}").as_bytes()));
        }
    }

    /// Appends a curve, transformed by the matrix, to the current path.
    fn outline(&mut self, curve: &Curve, [a, b, c, d, e, f]: [f32; 6]) {
        let point = |p: &typst::layout::Point| {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "PDF numbers are written as f32"
            )]
            let x = p.x.to_pt() as f32;
            let y = p.y.to_pt() as f32;
            (
                short((a * x + c * y + e).into()),
                short((b * x + d * y + f).into()),
            )
        };
        for item in &curve.0 {
            match item {
                CurveItem::Move(p) => {
                    let (x, y) = point(p);
                    self.content.move_to(x, y);
                }
                CurveItem::Line(p) => {
                    let (x, y) = point(p);
                    self.content.line_to(x, y);
                }
                CurveItem::Cubic(p1, p2, p3) => {
                    let (x1, y1) = point(p1);
                    let (x2, y2) = point(p2);
                    let (x3, y3) = point(p3);
                    self.content.cubic_to(x1, y1, x2, y2, x3, y3);
                }
                CurveItem::Close => drop(self.content.close_path()),
            }
        }
    }

    /// Converts a transform in page coordinates, where the vertical axis points down, to a PDF
    /// matrix.
    pub(super) fn matrix_of(&self, place: Transform) -> [f32; 6] {
        let fine = |ratio: Ratio| {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "PDF numbers are written as f32"
            )]
            let rounded = ((ratio.get() * 1e6).round() / 1e6) as f32;
            rounded
        };
        [
            fine(place.sx),
            -fine(place.ky),
            fine(place.kx),
            -fine(place.sy),
            whole(place.tx.to_pt()),
            whole(self.height - place.ty.to_pt()),
        ]
    }
}

const UNTOUCHED: [f32; 6] = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// Converts to the nearest `f32` without rounding to fewer digits. Some viewers snap glyphs to
/// pixels, so the smallest difference can be visible.
fn whole(value: f64) -> f32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "PDF numbers are written as f32"
    )]
    let nearest = value as f32;
    nearest
}

/// Rounds to a thousandth. In points, that is a third of a micrometre.
pub(super) fn short(value: f64) -> f32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "PDF numbers are written as f32"
    )]
    let rounded = ((value * 1000.0).round() / 1000.0) as f32;
    rounded
}

/// Returns red, green and blue of a plain colour (0 to 1), and its opacity (0 to 255).
pub(super) fn colour(paint: &Paint) -> Result<([f32; 3], u8), Unsupported> {
    let Paint::Solid(Color::Process(colour)) = paint else {
        return Err(Unsupported("paint"));
    };
    if colour.space() == ProcessColorSpace::Cmyk {
        return Err(Unsupported("ink colour"));
    }
    let [red, green, blue, opacity] = colour.to_space(ProcessColorSpace::Srgb).to_vec4_u8();
    Ok((
        [red, green, blue].map(|part| short(f64::from(part) / 255.0)),
        opacity,
    ))
}
