//! Parts that pages have in common, as they were laid out on one of them.
//!
//! A template names parts that stand at a fixed place and depend on nothing but what certificates of one
//! definition share (`templates/certificate/README.md` tells how). They are laid out once; other pages say where
//! they belong and get them from here, with the same outcome as if typst had laid them out again.

use std::collections::HashMap;

use typst::layout::Transform;

use super::display::Draw;
use super::structure::Kind;

/// What happens on a page, in the order in which it is read.
pub(super) enum Event {
    Begin(Begun),
    /// Ends the latest element.
    End,
    Paint(Transform, Draw<'static>),
}

/// What an element is to the tree.
pub(super) enum Begun {
    Artifact,
    /// It is heard as part of the one around it.
    Outer,
    Element(Kind),
}

/// The parts of one page by their names.
#[derive(Default)]
pub(in crate::render) struct Sheet(HashMap<String, Vec<Event>>);

impl Sheet {
    pub(super) fn put(&mut self, name: String, events: Vec<Event>) {
        self.0.insert(name, events);
    }

    pub(super) fn get(&self, name: &str) -> Option<&[Event]> {
        self.0.get(name).map(Vec::as_slice)
    }
}
