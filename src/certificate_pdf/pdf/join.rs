//! Joins text items. typst begins a new item wherever the height of glyphs changes, even inside a
//! cluster.

use typst::layout::{Abs, Em, Transform};
use typst::text::{Glyph, TextItem};

use super::display::{Draw, Mark, Piece};
use crate::certificate_pdf::text::is_right_to_left;

/// Coordinates count as equal if their difference is smaller than this, in points.
const NEAR: f64 = 1e-4;

/// Appends `next`, which is at `place`, to the text before it, if both are parts of one line in one
/// style. Returns the place and text of the joined item. The height of a glyph becomes its
/// `y_offset`.
pub(in crate::certificate_pdf) fn joined(
    start: Transform,
    text: &TextItem,
    next: &TextItem,
    place: Transform,
) -> Option<(Transform, TextItem)> {
    if !is_beside(start, text, place) || !is_same_style(text, next) {
        return None;
    }
    let scale = start.sy.get();
    let whole_text = whole(text, next)?;
    let rise = Em::new((start.ty - place.ty).to_pt() / scale / text.size.to_pt());
    // Marks have no width: the wider part has the letters and therefore the baseline.
    let next_has_baseline = next.width() > text.width();
    let mut whole = TextItem {
        text: whole_text.text,
        glyphs: Vec::new(),
        ..text.clone()
    };
    let place_of_whole = if next_has_baseline {
        Transform {
            ty: place.ty,
            ..start
        }
    } else {
        start
    };
    let part = |glyphs: &[Glyph], raised: Em, later: u16| -> Vec<Glyph> {
        let shifted = |glyph: &Glyph| Glyph {
            y_offset: glyph.y_offset + raised,
            range: glyph.range.start + later..glyph.range.end + later,
            ..glyph.clone()
        };
        glyphs.iter().map(shifted).collect()
    };
    let raised = if next_has_baseline {
        [-rise, Em::zero()]
    } else {
        [Em::zero(), rise]
    };
    whole.glyphs = part(&text.glyphs, raised[0], whole_text.later[0]);
    whole
        .glyphs
        .extend(part(&next.glyphs, raised[1], whole_text.later[1]));
    Some((place_of_whole, whole))
}

/// Returns true if `next` continues the line of `piece`, in another font or style. Runs of
/// different directions are kept apart, because MuPDF needs that.
pub(super) fn is_continued(piece: &Piece<'_>, next: &Piece<'_>) -> bool {
    let (Draw::Text(text), Draw::Text(next_text)) = (&piece.draw, &next.draw) else {
        return false;
    };
    let is_reversed = |text: &str| text.chars().any(is_right_to_left);
    if is_reversed(&text.text) != is_reversed(&next_text.text) {
        return false;
    }
    let is_content = [piece.mark, next.mark]
        .iter()
        .all(|mark| matches!(mark, Mark::Content(_)));
    is_content && is_beside(piece.place, text, next.place) && near(piece.place.ty, next.place.ty)
}

/// Returns true if a text that isn't rotated ends at `place`, possibly at another height.
fn is_beside(start: Transform, text: &TextItem, place: Transform) -> bool {
    is_upright(start)
        && is_upright(place)
        && (start.sx, start.sy) == (place.sx, place.sy)
        && start.sy.get() > 0.0
        && near(start.tx + text.width() * start.sx.get(), place.tx)
}

fn near(one: Abs, other: Abs) -> bool {
    (one - other).to_pt().abs() < NEAR
}

fn is_upright(place: Transform) -> bool {
    place.kx.get() == 0.0 && place.ky.get() == 0.0
}

fn is_same_style(one: &TextItem, other: &TextItem) -> bool {
    one.font == other.font
        && one.size == other.size
        && one.fill == other.fill
        && one.stroke == other.stroke
        && (one.lang, one.region) == (other.lang, other.region)
}

/// Joined text of two parts, and the number of bytes by which the ranges of each part move.
struct Whole {
    text: ecow::EcoString,
    later: [u16; 2],
}

/// Joins the texts of two parts. A cluster that is split between them is in both texts, and once in
/// the result.
fn whole(left: &TextItem, right: &TextItem) -> Option<Whole> {
    let last = left.glyphs.last()?;
    let first = right.glyphs.first()?;
    let forward = match (is_forward(left), is_forward(right)) {
        (Some(one), Some(other)) if one != other => return None,
        (Some(forward), _) | (None, Some(forward)) => forward,
        (None, None)
            if [left, right]
                .iter()
                .any(|part| part.text.chars().any(is_right_to_left)) =>
        {
            false
        }
        (None, None) => last.span.1 <= first.span.1,
    };
    let (before, after) = if forward {
        (left, right)
    } else {
        (right, left)
    };
    let (end, start) = if forward {
        (last, first)
    } else {
        (first, last)
    };
    let end_text = before.text.get(end.range())?;
    let start_text = after.text.get(start.range())?;
    if end.range().end != before.text.len() || start.range().start != 0 {
        return None;
    }
    // The span is the position of the cluster in the source, so parts of one cluster have the same
    // span.
    let split = last.span == first.span && end_text == start_text;
    let shared = if split { start_text.len() } else { 0 };
    let later = u16::try_from(before.text.len() - shared).ok()?;
    let text = [before.text.as_str(), after.text.get(shared..)?].concat();
    u16::try_from(text.len()).ok()?;
    Some(Whole {
        text: text.into(),
        later: if forward { [0, later] } else { [later, 0] },
    })
}

/// Returns true if the clusters of a text run from left to right. Returns `None` for a single
/// cluster.
pub(super) fn is_forward(text: &TextItem) -> Option<bool> {
    let first = text.glyphs.first()?;
    let last = text.glyphs.last()?;
    (first.range != last.range).then_some(first.range.start < last.range.start)
}
