//! Shared layout: the part of the layout that certificates of one definition and day have in
//! common, with slots for the lines that differ.
//!
//! A shared layout is derived from two specimens, which are pages of the definition for invented
//! people. Content that is the same on both is the same on every page. Content that differs must be
//! lines that show one of the [`Texts`], and this module must be able to set and place these lines.
//! Otherwise there is no shared layout, and typst lays out each page.
//!
//! A long name is set in a smaller size, and then other pieces move. At the first such name, two
//! more specimens are laid out: one whose name must be slightly smaller, and one whose name must be
//! much smaller. The movements are derived from the first one. Both are compared with stamped pages
//! for the same names.

use std::borrow::Cow;
use std::sync::OnceLock;

use typst::layout::{Abs, Size, Transform};
use typst::text::TextItem;
use typst_layout::Page;

use super::Unsupported;
use super::display::{Display, Draw, Fitted, Piece};
use super::line::{LineSetter, same_glyphs};
use super::prefix::TemplatePrefix;
use super::structure::Tree;

/// Fraction of the width of its box that a shrunk line fills. `fit` in templates uses the same
/// number.
const SHRUNK: f64 = 0.995;
/// Coordinates are treated as equal if they differ by less than this, in points.
const NEAR: f64 = 1e-6;

/// Texts that differ between certificates of one definition and day.
#[derive(Clone)]
pub(in crate::certificate_pdf) struct Texts {
    pub(in crate::certificate_pdf) name: String,
    pub(in crate::certificate_pdf) document: String,
    pub(in crate::certificate_pdf) public_id: String,
    pub(in crate::certificate_pdf) address: String,
}

impl Texts {
    fn get(&self, field: Field) -> &str {
        match field {
            Field::Name => &self.name,
            Field::Document => &self.document,
            Field::PublicId => &self.public_id,
            Field::Address => &self.address,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    Name,
    Document,
    PublicId,
    Address,
}

/// Line that shows one of the texts, with constant parts before and after it.
struct Filling {
    before: String,
    field: Field,
    after: String,
}

/// Line that is set for each certificate.
struct Slot {
    /// Index of the piece that the line replaces.
    piece: usize,
    filling: Filling,
    setter: LineSetter,
    fitted: Fitted,
    /// Fraction of the box's free width that is to the left of the line: 0, 0.5 or 1.
    align: f64,
    /// Width of the line on the specimen.
    width: Abs,
}

/// Layout that certificates of one definition and day share, with slots for the lines that differ.
pub(in crate::certificate_pdf) struct SharedLayout {
    size: Size,
    pieces: Vec<Piece<'static>>,
    /// Distance in points by which each piece moves down if the size of the name is one point
    /// smaller. Set at the first name that needs a smaller size. `None` if it could not be derived.
    descents: OnceLock<Option<Vec<f64>>>,
    slots: Vec<Slot>,
    tree: Tree,
    /// Figures whose alternative text contains one of the texts.
    alt_texts: Vec<(usize, Filling)>,
}

impl Filling {
    /// Returns the filling that produces `lines[0]` from `texts[0]` and `lines[1]` from `texts[1]`,
    /// if there is one.
    fn of(lines: [&str; 2], texts: [&Texts; 2]) -> Option<Self> {
        [
            Field::Address,
            Field::PublicId,
            Field::Document,
            Field::Name,
        ]
        .into_iter()
        .find_map(|field| {
            let (before, after) = lines[0].split_once(some(texts[0].get(field))?)?;
            let filling = Self {
                before: before.to_owned(),
                field,
                after: after.to_owned(),
            };
            (filling.fill(texts[1]) == lines[1]).then_some(filling)
        })
    }

    fn fill(&self, texts: &Texts) -> String {
        [&self.before, texts.get(self.field), &self.after].concat()
    }
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

impl SharedLayout {
    /// Derives a shared layout from two specimens. All their texts must be different.
    ///
    /// # Errors
    /// Returns [`Unsupported`] if the specimens differ in content other than lines that this module
    /// can set, if they don't show the name, or if they have content that this module can't write.
    pub(in crate::certificate_pdf) fn of(
        prefix: &TemplatePrefix,
        specimens: &[(Page, Texts)],
    ) -> Result<Self, Unsupported> {
        const APART: Unsupported = Unsupported("specimens that differ by more than lines");
        let [(page, texts), (other_page, other_texts)] = specimens else {
            return Err(APART);
        };
        let one = prefix.read(page)?;
        let other = prefix.read(other_page)?;
        let texts = [texts, other_texts];
        if one.pieces.len() != other.pieces.len() || one.size != other.size {
            return Err(APART);
        }
        let mut slots = Vec::new();
        for (n, pieces) in one.pieces.iter().zip(&other.pieces).enumerate() {
            if pieces.0 != pieces.1 {
                let fitted = one
                    .fitted
                    .iter()
                    .find(|fitted| fitted.0 == n)
                    .ok_or(APART)?
                    .1;
                slots.push(Slot::of(n, pieces, fitted, texts).ok_or(APART)?);
            }
        }
        // A page without the person's name is never issued. This is checked on pages that typst
        // lays out.
        if !slots.iter().any(|slot| slot.filling.field == Field::Name) {
            return Err(APART);
        }
        let alt_texts = one.tree.different_alt_texts(&other.tree).ok_or(APART)?;
        let alt_texts = alt_texts
            .into_iter()
            .map(|(element, lines)| Some((element, Filling::of(lines, texts)?)))
            .collect::<Option<_>>()
            .ok_or(APART)?;
        let pieces = one.pieces.iter().map(Piece::to_owned).collect();
        let layout = Self {
            size: one.size,
            pieces,
            descents: OnceLock::new(),
            slots,
            tree: one.tree.clone(),
            alt_texts,
        };
        if layout.stamps_like(prefix, None, other_page, other_texts) {
            Ok(layout)
        } else {
            Err(APART)
        }
    }

    /// Returns two names that fit on one line only in a smaller size. One needs a slightly smaller
    /// size, the other about the smallest allowed size.
    pub(super) fn long_names(&self) -> Option<[String; 2]> {
        let slot = self.name_slot()?;
        let [full, least] = slot.fitted.sizes;
        let narrower_than = |width: Abs, mut name: String| {
            let mut longer = name.clone();
            while slot.setter.set(longer.clone())?.width() <= width {
                name.clone_from(&longer);
                longer.push('n');
            }
            Some([name, longer])
        };
        let [_, a_little] = narrower_than(slot.fitted.width, "Nnn".to_owned())?;
        let widest = slot.fitted.width * (full / least) * SHRUNK;
        let [much, _] = narrower_than(widest, a_little.clone())?;
        (slot.setter.set(a_little.clone())?.width() < widest).then_some([a_little, much])
    }

    /// Returns the slot of the name if there is exactly one. With several slots, the name could
    /// have several sizes.
    fn name_slot(&self) -> Option<&Slot> {
        let mut slots = self
            .slots
            .iter()
            .filter(|slot| slot.filling.field == Field::Name);
        slots.next().filter(|_| slots.next().is_none())
    }

    /// Derives the movement of the pieces for a long name from the first specimen. Returns `None`
    /// if a stamped page then differs from one of `specimens`.
    fn learned(&self, prefix: &TemplatePrefix, specimens: &[(Page, Texts)]) -> Option<Vec<f64>> {
        let (page, texts) = specimens.first()?;
        let descents = self.descents_of(&prefix.read(page).ok()?, texts)?;
        let alike =
            |(page, texts): &(Page, Texts)| self.stamps_like(prefix, Some(&descents), page, texts);
        specimens.iter().all(alike).then_some(descents)
    }

    /// Returns true if stamping the texts of a specimen gives the page that typst laid out.
    fn stamps_like(
        &self,
        prefix: &TemplatePrefix,
        descents: Option<&[f64]>,
        page: &Page,
        texts: &Texts,
    ) -> bool {
        let (Some(stamped), Ok(laid_out)) = (self.set(texts, || descents), prefix.read(page))
        else {
            return false;
        };
        stamped.looks_like(&laid_out)
    }

    fn descents_of(&self, specimen: &Display<'_>, texts: &Texts) -> Option<Vec<f64>> {
        let slot = self.name_slot()?;
        let smaller =
            slot.fitted.sizes[0] - slot.size_of(&slot.setter.set(slot.filling.fill(texts))?)?;
        if smaller <= Abs::zero() || specimen.pieces.len() != self.pieces.len() {
            return None;
        }
        let descent =
            |(one, other): (&Piece<'_>, &Piece<'_>)| (other.place.ty - one.place.ty) / smaller;
        Some(
            self.pieces
                .iter()
                .zip(&specimen.pieces)
                .map(descent)
                .collect(),
        )
    }

    /// Returns the page of a certificate. Calls `lay_out` for specimens with [long
    /// names](Self::long_names) if this is the first certificate that needs them.
    ///
    /// # Errors
    /// Returns [`Unsupported`] if typst must lay out the page.
    pub(in crate::certificate_pdf) fn stamp(
        &self,
        prefix: &TemplatePrefix,
        texts: &Texts,
        lay_out: impl FnOnce([String; 2]) -> Option<Vec<(Page, Texts)>>,
    ) -> Result<Display<'_>, Unsupported> {
        let learn = || self.learned(prefix, &lay_out(self.long_names()?)?);
        let descents = || self.descents.get_or_init(learn).as_deref();
        self.set(texts, descents)
            .ok_or(Unsupported("text that only typst can set"))
    }

    /// Returns a page with `texts`, or `None` if typst must lay out the page.
    fn set<'d>(
        &self,
        texts: &Texts,
        descents: impl FnOnce() -> Option<&'d [f64]>,
    ) -> Option<Display<'_>> {
        let mut pieces: Vec<Piece<'_>> = self.pieces.iter().map(Piece::borrowed).collect();
        let mut smaller = Abs::zero();
        for slot in &self.slots {
            let mut line = slot.setter.set(slot.filling.fill(texts))?;
            let size = slot.size_of(&line)?;
            if size != line.size {
                if slot.filling.field != Field::Name {
                    return None;
                }
                smaller = line.size - size;
                line.size = size;
            }
            let piece = &mut pieces[slot.piece];
            piece.place.tx += (slot.width - line.width()) * slot.align;
            piece.draw = Draw::Text(Cow::Owned(line));
        }
        if smaller > Abs::zero() {
            for (piece, descent) in pieces.iter_mut().zip(descents()?) {
                piece.place.ty += smaller * *descent;
            }
        }
        let mut tree = self.tree.clone();
        for (element, filling) in &self.alt_texts {
            tree.set_alt_text(*element, filling.fill(texts).into());
        }
        Some(Display {
            size: self.size,
            pieces,
            tree,
            fitted: Vec::new(),
        })
    }
}

impl Slot {
    /// Returns a slot for a piece that differs between two specimens. Returns `None` if this module
    /// can't set the piece.
    fn of(
        piece: usize,
        (one, other): (&Piece<'_>, &Piece<'_>),
        fitted: Fitted,
        texts: [&Texts; 2],
    ) -> Option<Self> {
        let (Draw::Text(a), Draw::Text(b)) = (&one.draw, &other.draw) else {
            return None;
        };
        let filling = Filling::of([&a.text, &b.text], texts)?;
        let setter = LineSetter::like(a)?;
        let width = a.width();
        let wider = b.width() - width;
        if a.size != fitted.sizes[0] || wider.abs() < Abs::pt(0.5) {
            return None;
        }
        let align = (((one.place.tx - other.place.tx) / wider) * 2.0).round() / 2.0;
        Some(Self {
            piece,
            filling,
            setter,
            fitted,
            align,
            width,
        })
    }

    /// Returns the size at which a line fits into its box, computed like `fit` in templates.
    /// Returns `None` if the line needs a line break.
    fn size_of(&self, line: &TextItem) -> Option<Abs> {
        let [full, least] = self.fitted.sizes;
        let width = line.width();
        let size = if width <= self.fitted.width {
            full
        } else {
            full * (self.fitted.width / width) * SHRUNK
        };
        (size >= least).then_some(size)
    }
}

impl Display<'_> {
    /// Returns true if both pages have the same appearance and the same structure.
    pub(super) fn looks_like(&self, other: &Self) -> bool {
        let mut pieces = self.pieces.iter().zip(&other.pieces);
        self.size == other.size
            && self.pieces.len() == other.pieces.len()
            && pieces.all(|(one, other)| one.looks_like(other))
            && self
                .tree
                .different_alt_texts(&other.tree)
                .is_some_and(|alt_texts| alt_texts.is_empty())
    }
}

impl Piece<'_> {
    /// Returns true if both pieces have the same appearance and the same mark.
    pub(super) fn looks_like(&self, other: &Piece<'_>) -> bool {
        let p = self.place;
        let q = other.place;
        let near = |a: Abs, b: Abs| (a - b).to_pt().abs() < NEAR;
        let same_draw = match (&self.draw, &other.draw) {
            (Draw::Text(a), Draw::Text(b)) => {
                let alike = a.font == b.font
                    && a.fill == b.fill
                    && a.stroke == b.stroke
                    && a.lang == b.lang;
                alike
                    && near(a.size, b.size)
                    && a.text == b.text
                    && same_glyphs(&a.glyphs, &b.glyphs)
            }
            (a, b) => a == b,
        };
        let still = |t: Transform| Transform {
            tx: Abs::zero(),
            ty: Abs::zero(),
            ..t
        };
        same_draw
            && self.mark == other.mark
            && still(p) == still(q)
            && near(p.tx, q.tx)
            && near(p.ty, q.ty)
    }
}
