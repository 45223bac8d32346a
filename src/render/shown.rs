//! Check of a laid-out page: every cluster is drawn whole by its font, and the name is there.

use std::collections::BTreeSet;

use typst::layout::{Frame, Transform};
use typst::text::is_default_ignorable;

use super::coverage::{Coverage, clusters, is_plain};
use super::error::CodePoints;
use super::page::{for_each_text, template_error};
use super::{Origin, RenderError};

/// Rejects a page with a cluster that its font doesn't draw whole. A cluster that two fonts share is one too: a mark
/// without its letter isn't whole.
pub(super) fn check_clusters(frame: &Frame, coverage: &Coverage) -> Result<(), RenderError> {
    for_each_text(frame, Transform::identity(), &mut |text, _| {
        let font = coverage.font_of(text.font.font().data().as_slice());
        let has_box = text.glyphs.iter().any(|glyph| glyph.id == 0);
        let mut missing: Vec<CodePoints> = Vec::new();
        for (at, cluster) in clusters(&text.text) {
            let is_box = || {
                let end = at + cluster.len();
                text.glyphs.iter().any(|glyph| glyph.id == 0 && (at..end).contains(&usize::from(glyph.range.start)))
            };
            let is_blank = cluster.chars().all(char::is_whitespace);
            let is_drawn = is_plain(cluster) || is_blank || coverage.drawn_by(cluster) & font != 0;
            if !is_drawn || has_box && is_box() {
                missing.push(CodePoints::of_cluster(cluster));
            }
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(RenderError::MissingGlyph { field: "text", clusters: missing })
        }
    })
}

/// Rejects a page that lacks a part of the name. Templates may set it in capitals and on several lines, and lines from
/// right to left are in the order of the page: a word whose letters are all there in another order is accepted.
pub(super) fn check_name(frame: &Frame, name: &str, origin: Origin) -> Result<(), RenderError> {
    let mut page = String::new();
    for_each_text(frame, Transform::identity(), &mut |text, _| {
        page.push_str(&folded(&text.text));
        Ok(())
    })?;
    let mut words = name.split_whitespace().map(folded).filter(|word| !page.contains(word)).peekable();
    if words.peek().is_none() {
        return Ok(());
    }
    let there: BTreeSet<&str> = clusters(&page).map(|(_, cluster)| cluster).collect();
    let missing = |word: String| -> Vec<CodePoints> {
        let missing = clusters(&word).filter(|(_, cluster)| !there.contains(cluster));
        missing.map(|(_, cluster)| CodePoints::of_cluster(cluster)).collect()
    };
    let clusters: Vec<CodePoints> = words.flat_map(missing).collect();
    match (clusters.is_empty(), origin) {
        (true, _) => Ok(()),
        (false, Origin::Shipped) => Err(RenderError::MissingGlyph { field: "full_name", clusters }),
        (false, Origin::Own) => {
            let message = "the page doesn't show the whole name: write d.name.text or the variable full_name";
            Err(template_error([message.into()]))
        }
    }
}

/// Returns a text in capitals, without blanks and without characters that are not shown.
fn folded(text: &str) -> String {
    let shown = text.chars().filter(|c| !c.is_whitespace() && !is_default_ignorable(*c));
    shown.flat_map(char::to_uppercase).collect()
}
