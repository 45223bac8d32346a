//! Laid-out page as a list of pieces in painting order, and a structure tree.

use std::borrow::Cow;

use qrcodegen::QrCode;
use typst::foundations::{Content, NativeElement, Value};
use typst::introspection::{Location, MetadataElem, Tag};
use typst::layout::{
    Abs, Em, Frame, FrameItem, GridCell, GridElem, GroupItem, HideElem, PlaceElem, Ratio,
    RepeatElem, Size, Transform,
};
use typst::model::{EmphElem, FigureElem, HeadingElem, Outlinable, ParElem, StrongElem, TitleElem};
use typst::pdf::ArtifactElem;
use typst::text::TextItem;
use typst::visualize::{Curve, Geometry, Image, ImageElem, Shape};
use typst_layout::Page;

use super::Unsupported;
use super::join::joined;
use super::structure::{Kind, Tree};
use crate::certificate_pdf::page::dark_runs;
use crate::domain::certification::manifest::QrPlace;

/// One thing to paint, or the beginning or end of a clip.
#[derive(PartialEq)]
pub(super) struct Piece<'a> {
    /// Transform from the piece's coordinates to the page's. The vertical axes of both point down.
    pub(super) place: Transform,
    pub(super) mark: Mark,
    pub(super) draw: Draw<'a>,
}

/// Role of a piece when the page is read aloud.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// Ornament, which is not read.
    Artifact,
    /// Content with this number in the structure tree.
    Content(i32),
}

#[derive(PartialEq)]
pub(super) enum Draw<'a> {
    Text(Cow<'a, TextItem>),
    Shape(Cow<'a, Shape>),
    Image(Cow<'a, Image>, Size),
    /// Image of the prefix, by index.
    Embedded(usize, Size),
    /// Clips the pieces that follow to this curve.
    Clip(Cow<'a, Curve>),
    /// Ends the latest clip.
    Unclip,
    /// Form of the prefix, by index.
    Form(usize),
    /// Dark modules of a QR code as runs (column, row, length). A module is one unit wide.
    Code(Vec<(i32, i32, i32)>),
}

/// Page as pieces and structure tree.
pub(in crate::certificate_pdf) struct Display<'a> {
    pub(super) size: Size,
    pub(super) pieces: Vec<Piece<'a>>,
    pub(super) tree: Tree,
    /// Indices of the pieces that are lines fitted into a box, with the box of each.
    pub(super) fitted: Vec<(usize, Fitted)>,
}

/// Box into which a template fits a line. See `templates/certificate/README.md`.
#[derive(Clone, Copy)]
pub(super) struct Fitted {
    /// Width of the box.
    pub(super) width: Abs,
    /// Full size of the line, and the smallest size before the line is broken.
    pub(super) sizes: [Abs; 2],
}

impl Draw<'_> {
    /// Returns a copy that doesn't borrow from the page.
    pub(super) fn to_owned(&self) -> Draw<'static> {
        match self {
            Draw::Text(text) => Draw::Text(Cow::Owned(TextItem::clone(text))),
            Draw::Shape(shape) => Draw::Shape(Cow::Owned(Shape::clone(shape))),
            Draw::Image(image, size) => Draw::Image(Cow::Owned(Image::clone(image)), *size),
            Draw::Clip(curve) => Draw::Clip(Cow::Owned(Curve::clone(curve))),
            Draw::Embedded(at, size) => Draw::Embedded(*at, *size),
            Draw::Unclip => Draw::Unclip,
            Draw::Form(at) => Draw::Form(*at),
            Draw::Code(runs) => Draw::Code(runs.clone()),
        }
    }

    /// Returns the same, borrowed from this one.
    fn borrowed(&self) -> Draw<'_> {
        match self {
            Draw::Text(text) => Draw::Text(Cow::Borrowed(text)),
            Draw::Shape(shape) => Draw::Shape(Cow::Borrowed(shape)),
            Draw::Image(image, size) => Draw::Image(Cow::Borrowed(image), *size),
            Draw::Clip(curve) => Draw::Clip(Cow::Borrowed(curve)),
            Draw::Embedded(at, size) => Draw::Embedded(*at, *size),
            Draw::Unclip => Draw::Unclip,
            Draw::Form(at) => Draw::Form(*at),
            Draw::Code(runs) => Draw::Code(runs.clone()),
        }
    }
}

impl Piece<'_> {
    /// Returns a copy that doesn't borrow from the page.
    pub(super) fn to_owned(&self) -> Piece<'static> {
        Piece {
            place: self.place,
            mark: self.mark,
            draw: self.draw.to_owned(),
        }
    }

    /// Returns the same piece, borrowed from this one.
    pub(super) fn borrowed(&self) -> Piece<'_> {
        Piece {
            place: self.place,
            mark: self.mark,
            draw: self.draw.borrowed(),
        }
    }
}

impl<'a> Display<'a> {
    /// Reads a page.
    ///
    /// # Errors
    /// Returns [`Unsupported`] for content that the writer cannot write: bleed, links, floating
    /// places, overlapping elements, and types of elements that [`Kind`] lacks.
    pub(super) fn of(page: &'a Page) -> Result<Self, Unsupported> {
        if page.bleed != Default::default() {
            return Err(Unsupported("bleed"));
        }
        let mut reader = Reader {
            pieces: Vec::new(),
            tree: Tree::new(),
            open: Vec::new(),
            fitted: Vec::new(),
            fits: None,
            last_text: None,
        };
        if let Some(fill) = page.fill_or_transparent() {
            let shape = Geometry::Rect(page.frame.size()).filled(fill);
            let draw = Draw::Shape(Cow::Owned(shape));
            reader.pieces.push(Piece {
                place: Transform::identity(),
                mark: Mark::Artifact,
                draw,
            });
        }
        reader.frame(&page.frame, Transform::identity())?;
        let Reader {
            pieces,
            tree,
            fitted,
            ..
        } = reader;
        Ok(Self {
            size: page.frame.size(),
            pieces,
            tree,
            fitted,
        })
    }

    /// Paints a QR code over everything else.
    pub(in crate::certificate_pdf) fn stamp(&mut self, code: &QrCode, at: QrPlace) {
        let scale = Ratio::new(Abs::mm(at.size).to_pt() / f64::from(code.size()));
        let place = Transform::translate(Abs::mm(at.x), Abs::mm(at.y))
            .pre_concat(Transform::scale(scale, scale));
        self.pieces.push(Piece {
            place,
            mark: Mark::Artifact,
            draw: Draw::Code(dark_runs(code)),
        });
    }
}

struct Reader<'a> {
    pieces: Vec<Piece<'a>>,
    tree: Tree,
    /// Elements that have begun but not ended, with their indices in the tree. The index of an
    /// artifact is `None`.
    open: Vec<(Location, Option<usize>)>,
    fitted: Vec<(usize, Fitted)>,
    /// Box that the template reported for the next line.
    fits: Option<Fitted>,
    /// Element of the last piece, if that piece is a text.
    last_text: Option<Option<usize>>,
}

impl<'a> Reader<'a> {
    fn frame(&mut self, frame: &'a Frame, place: Transform) -> Result<(), Unsupported> {
        for (position, item) in frame.items() {
            let here = place.pre_concat(Transform::translate(position.x, position.y));
            match item {
                FrameItem::Group(group) => self.group(group, here)?,
                FrameItem::Text(text) => self.paint(here, Draw::Text(Cow::Borrowed(text))),
                FrameItem::Shape(shape, _) => self.paint(here, Draw::Shape(Cow::Borrowed(shape))),
                FrameItem::Image(image, size, _) => {
                    self.paint(here, Draw::Image(Cow::Borrowed(image), *size));
                }
                FrameItem::Link(..) => return Err(Unsupported("link")),
                FrameItem::Tag(Tag::Start(element, flags)) if flags.tagged => {
                    self.begin(element)?
                }
                FrameItem::Tag(Tag::End(location, _, flags)) if flags.tagged => {
                    self.end(*location)?
                }
                FrameItem::Tag(Tag::Start(element, _)) => self.note(element),
                FrameItem::Tag(_) => {}
            }
        }
        Ok(())
    }

    fn group(&mut self, group: &'a GroupItem, here: Transform) -> Result<(), Unsupported> {
        if group.parent.is_some() {
            return Err(Unsupported("floating place"));
        }
        let here = here.pre_concat(group.transform);
        if let Some(curve) = &group.clip {
            self.paint(here, Draw::Clip(Cow::Borrowed(curve)));
        }
        self.frame(&group.frame, here)?;
        if group.clip.is_some() {
            self.paint(here, Draw::Unclip);
        }
        Ok(())
    }

    fn paint(&mut self, place: Transform, draw: Draw<'a>) {
        let current = self.current();
        if let (Draw::Text(text), Some(last)) = (&draw, self.pieces.last_mut())
            && self.last_text == Some(current)
            && let Draw::Text(before) = &last.draw
            && let Some((place, whole)) = joined(last.place, before, text, place)
        {
            (last.place, last.draw) = (place, Draw::Text(Cow::Owned(whole)));
            return;
        }
        self.last_text = matches!(draw, Draw::Text(_)).then_some(current);
        if let (Draw::Text(_), Some(fits)) = (&draw, self.fits.take()) {
            self.fitted.push((self.pieces.len(), fits));
        }
        let mark = match (&draw, current) {
            (Draw::Text(_) | Draw::Image(..), Some(element)) => {
                Mark::Content(self.tree.mark(element))
            }
            _ => Mark::Artifact,
        };
        self.pieces.push(Piece { place, mark, draw });
    }

    /// Returns the innermost open element, or `None` if it is an artifact.
    fn current(&self) -> Option<usize> {
        self.open
            .last()
            .map_or(Some(Tree::DOCUMENT), |(_, element)| *element)
    }

    fn begin(&mut self, element: &Content) -> Result<(), Unsupported> {
        let location = element
            .location()
            .ok_or(Unsupported("element without a location"))?;
        if is::<PlaceElem>(element) {
            return Ok(());
        }
        let artifact =
            is::<ArtifactElem>(element) || is::<HideElem>(element) || is::<RepeatElem>(element);
        let inside = match self.current() {
            None => None,
            Some(_) if artifact => None,
            // The alternative text is read instead of the elements inside.
            Some(outer) if self.tree.alternative(outer).is_some() => Some(outer),
            Some(outer) => Some(self.tree.add(outer, kind_of(element)?)),
        };
        self.open.push((location, inside));
        Ok(())
    }

    fn end(&mut self, location: Location) -> Result<(), Unsupported> {
        self.fits = None;
        if self.open.last().is_some_and(|(open, _)| *open == location) {
            self.open.pop();
        } else if self.open.iter().any(|(open, _)| *open == location) {
            return Err(Unsupported("elements that overlap"));
        }
        Ok(())
    }

    /// Records the box that a template reports for the next line.
    fn note(&mut self, element: &Content) {
        let Some(metadata) = element.to_packed::<MetadataElem>() else {
            return;
        };
        let Value::Dict(said) = &metadata.value else {
            return;
        };
        let length = |name: &str| match said.get(name) {
            Ok(Value::Length(length)) if length.em == Em::zero() => Some(length.abs),
            _ => None,
        };
        if let (Some(width), Some(full), Some(least)) = (
            length("fits-width"),
            length("full-size"),
            length("least-size"),
        ) {
            self.fits = Some(Fitted {
                width,
                sizes: [full, least],
            });
        }
    }
}

fn is<T: NativeElement>(element: &Content) -> bool {
    element.to_packed::<T>().is_some()
}

fn kind_of(element: &Content) -> Result<Kind, Unsupported> {
    if is::<ParElem>(element) {
        Ok(Kind::Paragraph)
    } else if let Some(heading) = element.to_packed::<HeadingElem>() {
        Ok(Kind::Heading(
            u8::try_from(heading.level().get()).map_or(6, |level| level.min(6)),
        ))
    } else if is::<ImageElem>(element) || is::<FigureElem>(element) {
        match element.get_by_name("alt") {
            Ok(Value::Str(alternative)) => Ok(Kind::Figure(alternative.into())),
            _ if is::<ImageElem>(element) => Ok(Kind::Figure(Default::default())),
            _ => Ok(Kind::Division),
        }
    } else if is::<GridElem>(element) || is::<GridCell>(element) {
        Ok(Kind::Division)
    } else if is::<TitleElem>(element) {
        Ok(Kind::Title)
    } else if is::<StrongElem>(element) {
        Ok(Kind::Strong)
    } else if is::<EmphElem>(element) {
        Ok(Kind::Emphasis)
    } else {
        Err(Unsupported("element"))
    }
}
