//! What the certificates of one definition and day have in common, and where on it each one's own lines go.
//!
//! A sheet is learned from specimens: pages of the definition for people who don't exist. Where two of them
//! are the same, every page is; where they differ by a line, it must be one of those in [`Texts`], and how it
//! is set and placed must be understood, or there is no sheet and typst lays out each page. Two more, whose names
//! are set a little and much smaller to fit, tell and prove where everything else moves then: they are laid out
//! when the first such name comes.

use std::borrow::Cow;
use std::sync::OnceLock;

use typst::layout::{Abs, Size, Transform};
use typst::text::TextItem;
use typst_layout::Page;

use super::Unsupported;
use super::display::{Display, Draw, Fitted, Piece};
use super::line::{LineSetter, same_glyphs};
use super::plate::Plate;
use super::structure::Tree;

/// How much of the width that fits a line gets that is shrunk: `fit` in templates says the same.
const SHRUNK: f64 = 0.995;
/// Coordinates that are nearer, in points, are the same.
const NEAR: f64 = 1e-6;

/// What is different from certificate to certificate of one definition and day.
#[derive(Clone)]
pub(in crate::render) struct Texts {
    pub(in crate::render) name: String,
    pub(in crate::render) document: String,
    pub(in crate::render) public_id: String,
    pub(in crate::render) address: String,
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

/// One of the texts with what stands before and after it.
struct Filling {
    before: String,
    field: Field,
    after: String,
}

/// A line to be set.
struct Slot {
    /// The piece whose place it takes.
    piece: usize,
    filling: Filling,
    setter: LineSetter,
    fitted: Fitted,
    /// How much of what the box has left is at the left of it: none, half or all.
    align: f64,
    /// How wide it is on the specimen.
    width: Abs,
}

/// What certificates of one definition and day have in common, and where their own lines go.
pub(in crate::render) struct Sheet {
    size: Size,
    pieces: Vec<Piece<'static>>,
    /// By how much of a point each piece is further down for each point that the name is smaller; none if
    /// names that have to be smaller are not understood. Learned from the first of them.
    descents: OnceLock<Option<Vec<f64>>>,
    slots: Vec<Slot>,
    tree: Tree,
    /// Elements whose alternative text tells one of the texts.
    told: Vec<(usize, Filling)>,
}

impl Filling {
    /// What makes one line of the first texts and the other of the second.
    fn of(lines: [&str; 2], texts: [&Texts; 2]) -> Option<Self> {
        [Field::Address, Field::PublicId, Field::Document, Field::Name].into_iter().find_map(|field| {
            let (before, after) = lines[0].split_once(some(texts[0].get(field))?)?;
            let filling = Self { before: before.to_owned(), field, after: after.to_owned() };
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

impl Sheet {
    /// Learns from two specimens, which are to differ in each of their texts.
    ///
    /// # Errors
    /// They differ by more than lines that can be set here.
    pub(in crate::render) fn of(plate: &Plate, specimens: &[(Page, Texts)]) -> Result<Self, Unsupported> {
        const APART: Unsupported = Unsupported("specimens that differ by more than lines");
        let [(page, texts), (other_page, other_texts)] = specimens else { return Err(APART) };
        let (one, other, texts) = (plate.read(page)?, plate.read(other_page)?, [texts, other_texts]);
        if one.pieces.len() != other.pieces.len() || one.size != other.size {
            return Err(APART);
        }
        let mut slots = Vec::new();
        for (n, pieces) in one.pieces.iter().zip(&other.pieces).enumerate() {
            if pieces.0 != pieces.1 {
                let fitted = one.fitted.iter().find(|fitted| fitted.0 == n).ok_or(APART)?.1;
                slots.push(Slot::of(n, pieces, fitted, texts).ok_or(APART)?);
            }
        }
        // A page without the person's name is never issued; that is found where typst lays it out.
        if !slots.iter().any(|slot| slot.filling.field == Field::Name) {
            return Err(APART);
        }
        let told = one.tree.told_otherwise(&other.tree).ok_or(APART)?;
        let told = told
            .into_iter()
            .map(|(element, lines)| Some((element, Filling::of(lines, texts)?)))
            .collect::<Option<_>>()
            .ok_or(APART)?;
        let pieces = one.pieces.iter().map(Piece::to_owned).collect();
        let sheet =
            Self { size: one.size, pieces, descents: OnceLock::new(), slots, tree: one.tree.clone(), told };
        if sheet.stamps_like(plate, None, (other_page, other_texts)) { Ok(sheet) } else { Err(APART) }
    }

    /// Names that are to be set smaller to fit, but not to be broken: one a little, one as much as may be.
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

    /// Where the name goes, if that is in one place: only then is one size to be found.
    fn name_slot(&self) -> Option<&Slot> {
        let mut slots = self.slots.iter().filter(|slot| slot.filling.field == Field::Name);
        slots.next().filter(|_| slots.next().is_none())
    }

    /// Learns from a specimen with the first of these names where things move. Set here, it and the other one must
    /// come out as they were laid out, or it was not understood.
    fn learned(&self, plate: &Plate, specimens: &[(Page, Texts)]) -> Option<Vec<f64>> {
        let (page, texts) = specimens.first()?;
        let descents = self.descents_of(&plate.read(page).ok()?, texts)?;
        let alike = |(page, texts): &(Page, Texts)| self.stamps_like(plate, Some(&descents), (page, texts));
        specimens.iter().all(alike).then_some(descents)
    }

    /// Whether a page is stamped as it was laid out.
    fn stamps_like(&self, plate: &Plate, descents: Option<&[f64]>, (page, texts): (&Page, &Texts)) -> bool {
        let (Some(stamped), Ok(laid_out)) = (self.set(texts, || descents), plate.read(page)) else {
            return false;
        };
        stamped.looks_like(&laid_out)
    }

    fn descents_of(&self, specimen: &Display<'_>, texts: &Texts) -> Option<Vec<f64>> {
        let slot = self.name_slot()?;
        let smaller = slot.fitted.sizes[0] - slot.size_of(&slot.setter.set(slot.filling.fill(texts))?)?;
        if smaller <= Abs::zero() || specimen.pieces.len() != self.pieces.len() {
            return None;
        }
        let descent = |(one, other): (&Piece<'_>, &Piece<'_>)| (other.place.ty - one.place.ty) / smaller;
        Some(self.pieces.iter().zip(&specimen.pieces).map(descent).collect())
    }

    /// The page of a certificate. Lays specimens with [long names](Self::long_names) out if it is the first that
    /// needs them.
    ///
    /// # Errors
    /// typst is to lay it out.
    pub(in crate::render) fn stamp(
        &self,
        plate: &Plate,
        texts: &Texts,
        lay_out: impl FnOnce([String; 2]) -> Option<Vec<(Page, Texts)>>,
    ) -> Result<Display<'_>, Unsupported> {
        let learn = || self.learned(plate, &lay_out(self.long_names()?)?);
        let descents = || self.descents.get_or_init(learn).as_deref();
        self.set(texts, descents).ok_or(Unsupported("text that typst is to set"))
    }

    /// A page with these texts; `None` if that is not understood.
    fn set<'d>(&self, texts: &Texts, descents: impl FnOnce() -> Option<&'d [f64]>) -> Option<Display<'_>> {
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
        for (element, filling) in &self.told {
            tree.tell(*element, filling.fill(texts).into());
        }
        Some(Display { size: self.size, pieces, tree, fitted: Vec::new() })
    }
}

impl Slot {
    /// What makes a piece of the first specimen and the same piece of the second.
    fn of(
        piece: usize,
        (one, other): (&Piece<'_>, &Piece<'_>),
        fitted: Fitted,
        texts: [&Texts; 2],
    ) -> Option<Self> {
        let (Draw::Text(a), Draw::Text(b)) = (&one.draw, &other.draw) else { return None };
        let filling = Filling::of([&a.text, &b.text], texts)?;
        let setter = LineSetter::like(a)?;
        let width = a.width();
        let wider = b.width() - width;
        if a.size != fitted.sizes[0] || wider.abs() < Abs::pt(0.5) {
            return None;
        }
        let align = (((one.place.tx - other.place.tx) / wider) * 2.0).round() / 2.0;
        Some(Self { piece, filling, setter, fitted, align, width })
    }

    /// The size in which a line fits; `None` if it has to be broken. As `fit` in templates has it.
    fn size_of(&self, line: &TextItem) -> Option<Abs> {
        let ([full, least], width) = (self.fitted.sizes, line.width());
        let size =
            if width <= self.fitted.width { full } else { full * (self.fitted.width / width) * SHRUNK };
        (size >= least).then_some(size)
    }
}

impl Display<'_> {
    /// Whether nobody could tell it from another.
    pub(super) fn looks_like(&self, other: &Self) -> bool {
        let mut pieces = self.pieces.iter().zip(&other.pieces);
        self.size == other.size
            && self.pieces.len() == other.pieces.len()
            && pieces.all(|(one, other)| one.looks_like(other))
            && self.tree.told_otherwise(&other.tree).is_some_and(|told| told.is_empty())
    }
}

impl Piece<'_> {
    /// Whether nobody could tell it from another.
    pub(super) fn looks_like(&self, other: &Piece<'_>) -> bool {
        let (p, q) = (self.place, other.place);
        let near = |a: Abs, b: Abs| (a - b).to_pt().abs() < NEAR;
        let same_draw = match (&self.draw, &other.draw) {
            (Draw::Text(a), Draw::Text(b)) => {
                let alike = a.font == b.font && a.fill == b.fill && a.stroke == b.stroke && a.lang == b.lang;
                alike && near(a.size, b.size) && a.text == b.text && same_glyphs(&a.glyphs, &b.glyphs)
            }
            (a, b) => a == b,
        };
        let still = |t: Transform| Transform { tx: Abs::zero(), ty: Abs::zero(), ..t };
        same_draw && self.mark == other.mark && still(p) == still(q) && near(p.tx, q.tx) && near(p.ty, q.ty)
    }
}
