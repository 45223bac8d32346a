//! First check of a drawing. It reads the text once and rejects input that would take the tree
//! parser too much time.
//!
//! The tree parser compares each attribute and each namespace of an element with all others of the
//! same element. For each element with namespace declarations, it also copies all namespaces in
//! scope.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::super::NotTaken;
use super::{AS_PICTURE, MAX_NODES};

/// Maximum nesting depth of elements. Later steps are recursive.
pub(super) const MAX_DEPTH: usize = 64;
/// Maximum number of attributes of one element, including namespace declarations.
pub(super) const MAX_ATTRIBUTES: usize = 128;
/// Maximum number of namespace declarations in the document. Editors write about ten.
const MAX_NAMESPACES: usize = 1_000;
/// Maximum size of the text of all `style` elements together, in bytes.
const MAX_STYLE_BYTES: usize = 1 << 20;
/// Maximum length of the document type declaration in bytes. The declaration of SVG 1.1 has about
/// 100.
const MAX_DOCTYPE_BYTES: usize = 1_024;

/// Rejects document types that declare entities, and input that would take the tree parser too much
/// time.
pub(super) fn check(text: &str) -> Result<(), NotTaken> {
    if text.contains("<!ENTITY") {
        return Err(own_doctype());
    }
    let mut reader = Reader::from_str(text);
    let mut seen = Seen::default();
    loop {
        match reader.read_event().map_err(|_| NotTaken::Broken)? {
            Event::Eof => return Ok(()),
            Event::Start(element) => {
                seen.element(&element)?;
                seen.enter(&element)?;
            }
            Event::Empty(element) => seen.element(&element)?,
            Event::End(_) => seen.leave(),
            Event::Text(piece) => seen.text(piece.len())?,
            Event::CData(piece) => seen.text(piece.len())?,
            Event::DocType(doctype) => seen.doctype(&doctype)?,
            Event::Comment(_) | Event::PI(_) => seen.node()?,
            Event::Decl(_) | Event::GeneralRef(_) => {}
        }
    }
}

/// Counters of the check.
#[derive(Default)]
struct Seen {
    nodes: u32,
    elements: u32,
    namespaces: usize,
    doctypes: u32,
    depth: usize,
    style_bytes: usize,
    in_style: bool,
}

impl Seen {
    fn node(&mut self) -> Result<(), NotTaken> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            Err(NotTaken::svg("too many elements", AS_PICTURE))
        } else {
            Ok(())
        }
    }

    fn element(&mut self, element: &BytesStart<'_>) -> Result<(), NotTaken> {
        self.node()?;
        self.elements += 1;
        if self.in_style {
            return Err(NotTaken::svg(
                "an element inside of a <style>",
                "save it as plain SVG",
            ));
        }
        let mut number = 0;
        for attribute in element.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| NotTaken::Broken)?;
            number += 1;
            if number > MAX_ATTRIBUTES {
                return Err(NotTaken::svg(
                    "an element with too many attributes",
                    AS_PICTURE,
                ));
            }
            let name: &str = attribute.key.as_ref();
            self.namespaces += usize::from(name == "xmlns" || name.starts_with("xmlns:"));
        }
        if self.namespaces > MAX_NAMESPACES {
            return Err(NotTaken::svg("too many namespaces", "save it as plain SVG"));
        }
        Ok(())
    }

    fn enter(&mut self, element: &BytesStart<'_>) -> Result<(), NotTaken> {
        self.depth += 1;
        self.in_style = element.local_name().as_ref() == "style";
        if self.depth > MAX_DEPTH {
            return Err(NotTaken::svg(
                "elements that are nested too deeply",
                "flatten its groups and save it again",
            ));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.in_style = false;
    }

    fn text(&mut self, bytes: usize) -> Result<(), NotTaken> {
        if self.in_style {
            self.style_bytes += bytes;
        }
        if self.style_bytes > MAX_STYLE_BYTES {
            return Err(NotTaken::svg("too many styles", AS_PICTURE));
        }
        Ok(())
    }

    /// Accepts one plain declaration before the first element. Editors write such declarations.
    fn doctype(&mut self, doctype: &str) -> Result<(), NotTaken> {
        self.doctypes += 1;
        let is_plain = !doctype.contains('[') && doctype.len() <= MAX_DOCTYPE_BYTES;
        if self.doctypes == 1 && self.elements == 0 && is_plain {
            Ok(())
        } else {
            Err(own_doctype())
        }
    }
}

fn own_doctype() -> NotTaken {
    NotTaken::svg("entities or a custom document type", "save it as plain SVG")
}
