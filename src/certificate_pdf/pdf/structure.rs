//! Structure tree: the content of a page in reading order (ISO 32000-1, 14.7 and 14.8).

use ecow::EcoString;
use pdf_writer::types::StructRole;
use pdf_writer::{Finish, Name, Ref, TextStr};

use super::file::Objects;

/// Type of a structure element.
#[derive(Clone, PartialEq)]
pub(super) enum Kind {
    Document,
    Division,
    Paragraph,
    /// Heading of level 1 to 6.
    Heading(u8),
    Title,
    Strong,
    Emphasis,
    /// Figure with its alternative text, which may be empty.
    Figure(EcoString),
    /// Wrapper for content that is a direct child of a document or division.
    Loose,
}

#[derive(Clone)]
struct Element {
    kind: Kind,
    parent: usize,
    children: Vec<Child>,
}

#[derive(Clone, Copy, PartialEq)]
enum Child {
    Element(usize),
    Content(i32),
}

/// Structure elements of one page, parents before children.
#[derive(Clone)]
pub(super) struct Tree {
    elements: Vec<Element>,
    /// For each piece of content, by its number: the index of the element that contains it.
    owners: Vec<usize>,
}

impl Tree {
    /// Index of the root element.
    pub(super) const DOCUMENT: usize = 0;

    pub(super) fn new() -> Self {
        let document = Element {
            kind: Kind::Document,
            parent: Self::DOCUMENT,
            children: Vec::new(),
        };
        Self {
            elements: vec![document],
            owners: Vec::new(),
        }
    }

    /// Adds an element as the last child of `parent`. Returns its index.
    pub(super) fn add(&mut self, parent: usize, kind: Kind) -> usize {
        let index = self.elements.len();
        self.elements.push(Element {
            kind,
            parent,
            children: Vec::new(),
        });
        self.elements[parent].children.push(Child::Element(index));
        index
    }

    /// Adds a piece of content to an element. Returns the number of the piece.
    pub(super) fn mark(&mut self, element: usize) -> i32 {
        // A page has thousands of pieces at most.
        let number = i32::try_from(self.owners.len()).unwrap_or(i32::MAX);
        // A document or division contains only elements, so its content goes into a `Loose` one.
        let owner = match self.elements[element].kind {
            Kind::Document | Kind::Division => match self.elements[element].children.last() {
                Some(Child::Element(last)) if matches!(self.elements[*last].kind, Kind::Loose) => {
                    *last
                }
                _ => self.add(element, Kind::Loose),
            },
            _ => element,
        };
        self.elements[owner].children.push(Child::Content(number));
        self.owners.push(owner);
        number
    }

    /// Returns the text that screen readers read instead of the element, if it has one.
    pub(super) fn alternative(&self, element: usize) -> Option<&EcoString> {
        match &self.elements[element].kind {
            Kind::Figure(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// Sets the alternative text of a figure.
    pub(super) fn set_alt_text(&mut self, element: usize, text: EcoString) {
        self.elements[element].kind = Kind::Figure(text);
    }

    /// Returns the index of each figure whose alternative text is different in `other`, with both
    /// texts. Returns `None` if the trees differ in any other way.
    pub(super) fn different_alt_texts<'t>(
        &'t self,
        other: &'t Self,
    ) -> Option<Vec<(usize, [&'t str; 2])>> {
        if self.owners != other.owners || self.elements.len() != other.elements.len() {
            return None;
        }
        let mut different = Vec::new();
        for (n, (one, other)) in self.elements.iter().zip(&other.elements).enumerate() {
            if (one.parent, &one.children) != (other.parent, &other.children) {
                return None;
            }
            match (&one.kind, &other.kind) {
                (a, b) if a == b => {}
                (Kind::Figure(a), Kind::Figure(b)) => different.push((n, [a.as_str(), b.as_str()])),
                _ => return None,
            }
        }
        Some(different)
    }

    /// Writes the root, the parent tree and every element that isn't empty. Returns the reference
    /// of the root.
    pub(super) fn write(&self, objects: &mut Objects, page: Ref) -> Ref {
        let root = objects.next();
        let parents = objects.next();
        let ids: Vec<Option<Ref>> = (0..self.elements.len())
            .map(|index| self.is_written(index).then(|| objects.next()))
            .collect();
        let mut tree = objects
            .begin(root)
            .start::<pdf_writer::writers::StructTreeRoot>();
        tree.children().items(ids.first().copied().flatten());
        tree.parent_tree().nums().insert(0, parents);
        tree.parent_tree_next_key(1);
        tree.role_map()
            .insert(Name(b"Em"), StructRole::Span)
            .insert(Name(b"Strong"), StructRole::Span)
            .insert(Name(b"Title"), StructRole::P);
        tree.finish();
        objects
            .begin(parents)
            .array()
            .items(self.owners.iter().filter_map(|owner| ids[*owner]));
        for (element, id) in self.elements.iter().zip(&ids) {
            if let Some(id) = id {
                let parent = if matches!(element.kind, Kind::Document) {
                    Some(root)
                } else {
                    ids[element.parent]
                };
                element.write(objects, *id, parent.unwrap_or(root), page, &ids);
            }
        }
        root
    }

    /// Returns true for the document, for figures, and for elements with content. Empty paragraphs
    /// and groups are not written.
    fn is_written(&self, index: usize) -> bool {
        let element = &self.elements[index];
        matches!(element.kind, Kind::Document | Kind::Figure(_))
            || element.children.iter().any(|child| match child {
                Child::Content(_) => true,
                Child::Element(inner) => self.is_written(*inner),
            })
    }
}

impl Element {
    fn write(&self, objects: &mut Objects, id: Ref, parent: Ref, page: Ref, ids: &[Option<Ref>]) {
        let mut element = objects
            .begin(id)
            .start::<pdf_writer::writers::StructElement>();
        match &self.kind {
            Kind::Document => element.kind(StructRole::Document),
            Kind::Division => element.kind(StructRole::Div),
            Kind::Paragraph => element.kind(StructRole::P),
            Kind::Heading(1) => element.kind(StructRole::H1),
            Kind::Heading(2) => element.kind(StructRole::H2),
            Kind::Heading(3) => element.kind(StructRole::H3),
            Kind::Heading(4) => element.kind(StructRole::H4),
            Kind::Heading(5) => element.kind(StructRole::H5),
            Kind::Heading(_) => element.kind(StructRole::H6),
            Kind::Title => element.custom_kind(Name(b"Title")),
            Kind::Strong => element.custom_kind(Name(b"Strong")),
            Kind::Emphasis => element.custom_kind(Name(b"Em")),
            Kind::Loose => element.kind(StructRole::Span),
            Kind::Figure(text) if text.is_empty() => element.kind(StructRole::Figure),
            Kind::Figure(text) => element.kind(StructRole::Figure).alt(TextStr(text)),
        };
        element.parent(parent);
        if self
            .children
            .iter()
            .any(|child| matches!(child, Child::Content(_)))
        {
            element.page(page);
        }
        if matches!(self.kind, Kind::Loose) {
            element
                .attributes()
                .push()
                .layout()
                .placement(pdf_writer::types::Placement::Block);
        }
        let mut children = element.children();
        for child in &self.children {
            match child {
                Child::Element(inner) => {
                    if let Some(id) = ids[*inner] {
                        children.struct_element(id);
                    }
                }
                Child::Content(number) => {
                    children.marked_content_id(*number);
                }
            }
        }
    }
}
