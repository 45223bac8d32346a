//! Checks the content of a drawing: only supported elements, only references within the document,
//! and a limited number of both.

use std::collections::HashMap;

use resvg::usvg::roxmltree::{Document, Node};

use super::super::NotTaken;
use super::AS_PICTURE;
use super::structure::MAX_DEPTH;

const SVG: &str = "http://www.w3.org/2000/svg";
/// Maximum number of elements after every `use` has been replaced with its target.
const MAX_USED: u64 = 200_000;
/// Maximum number of comparisons between a style rule and an element.
const MAX_STYLING: usize = 20_000_000;
/// Supported SVG elements. Elements in other namespaces, such as those that editors add, are
/// ignored.
const DRAWN: &[&str] = &[
    "a",
    "circle",
    "clipPath",
    "defs",
    "desc",
    "ellipse",
    "feBlend",
    "feColorMatrix",
    "feComponentTransfer",
    "feComposite",
    "feDropShadow",
    "feFlood",
    "feFuncA",
    "feFuncB",
    "feFuncG",
    "feFuncR",
    "feGaussianBlur",
    "feMerge",
    "feMergeNode",
    "feOffset",
    "filter",
    "g",
    "image",
    "line",
    "linearGradient",
    "mask",
    "metadata",
    "path",
    "pattern",
    "polygon",
    "polyline",
    "radialGradient",
    "rect",
    "stop",
    "style",
    "svg",
    "switch",
    "symbol",
    "title",
    "use",
    "view",
];
const TEXTS: &[&str] = &["text", "tspan", "textPath", "tref", "font", "font-face"];

/// Rejects unsupported elements, references to other files, and documents whose processing would
/// take too long.
pub(super) fn check(document: &Document) -> Result<(), NotTaken> {
    let mut rules = 0;
    let mut elements = 0;
    for node in document.root().descendants().filter(Node::is_element) {
        elements += 1;
        check_element(&node)?;
        if node.tag_name().name() == "style" {
            let style: String = node.descendants().filter_map(|part| part.text()).collect();
            check_style(&style)?;
            rules += style.matches('{').count() + style.matches(',').count();
        }
    }
    if rules.saturating_mul(elements) > MAX_STYLING {
        return Err(NotTaken::svg("too many styles", AS_PICTURE));
    }
    check_uses(document)
}

fn check_element(node: &Node) -> Result<(), NotTaken> {
    let name = node.tag_name().name();
    let is_foreign = node
        .tag_name()
        .namespace()
        .is_some_and(|space| space != SVG);
    if !is_foreign && !DRAWN.contains(&name) {
        if TEXTS.contains(&name) {
            let advice = "the server does not have its fonts; convert texts to paths (outlines) and save it again";
            return Err(NotTaken::svg("texts", advice));
        }
        let known = !name.is_empty()
            && name.len() <= 30
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let what = if known {
            format!("an element <{name}>")
        } else {
            "an unknown element".to_owned()
        };
        return Err(NotTaken::svg(
            what,
            "remove it, or export the design as PNG or JPEG",
        ));
    }
    for attribute in node.attributes() {
        let key = attribute.name();
        let value = attribute.value().trim();
        if key.len() > 2
            && key.get(..2).is_some_and(|on| on.eq_ignore_ascii_case("on"))
            && !is_foreign
        {
            return Err(NotTaken::svg("scripts", "save it as plain SVG"));
        }
        let is_link = key == "href" && name != "a" && !is_foreign;
        if is_link
            && !value.starts_with('#')
            && !(name == "image" && value.starts_with("data:image/"))
        {
            return Err(outside());
        }
        check_style(value)?;
    }
    Ok(())
}

/// Rejects external references in a style sheet, or in an attribute that may contain style
/// properties.
fn check_style(style: &str) -> Result<(), NotTaken> {
    let lower = style.to_ascii_lowercase();
    let leads_out = lower.match_indices("url(").any(|(at, open)| {
        !lower[at + open.len()..]
            .trim_start()
            .trim_start_matches(['"', '\''])
            .trim_start()
            .starts_with('#')
    });
    if leads_out || lower.contains("@import") {
        return Err(outside());
    }
    Ok(())
}

fn outside() -> NotTaken {
    NotTaken::svg(
        "references to other files",
        "embed the content of these files, or export it as PNG or JPEG",
    )
}

/// Element with an id: the number of elements inside of it, and the targets of the `use` elements
/// inside of it.
#[derive(Default)]
struct Named<'d> {
    elements: u64,
    uses: Vec<&'d str>,
}

/// Rejects documents with too many elements after the replacement of every `use`. A few dozen `use`
/// elements can expand to billions of elements.
fn check_uses(document: &Document) -> Result<(), NotTaken> {
    let mut named: HashMap<&str, Named> = HashMap::new();
    let mut whole = Named::default();
    for node in document.root().descendants().filter(Node::is_element) {
        let used = (node.tag_name().name() == "use")
            .then(|| href(&node))
            .flatten();
        whole.elements += 1;
        whole.uses.extend(used);
        for id in node.ancestors().filter_map(|around| around.attribute("id")) {
            let around = named.entry(id).or_default();
            around.elements += 1;
            around.uses.extend(used);
        }
    }
    let mut counted = HashMap::new();
    let all = expanded(&whole, &named, &mut counted, 0);
    if all > MAX_USED {
        return Err(NotTaken::svg("too many elements", AS_PICTURE));
    }
    Ok(())
}

fn href<'d>(node: &Node<'d, '_>) -> Option<&'d str> {
    let link = node
        .attributes()
        .find(|attribute| attribute.name() == "href")?;
    link.value().trim().strip_prefix('#')
}

/// Returns the number of elements after expansion. Returns [`u64::MAX`] for a cycle, or for a chain
/// of `use` elements longer than [`MAX_DEPTH`].
fn expanded<'d>(
    from: &Named<'d>,
    named: &HashMap<&'d str, Named<'d>>,
    counted: &mut HashMap<&'d str, u64>,
    depth: usize,
) -> u64 {
    if depth > MAX_DEPTH {
        return u64::MAX;
    }
    let mut sum = from.elements;
    for id in &from.uses {
        let each = match (counted.get(id), named.get(id)) {
            (Some(known), _) => *known,
            (None, Some(inside)) => {
                let each = expanded(inside, named, counted, depth + 1);
                counted.insert(id, each);
                each
            }
            (None, None) => 0,
        };
        sum = sum.saturating_add(each);
    }
    sum
}
