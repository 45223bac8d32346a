//! Check of a laid-out page: every cluster is drawn whole by its font, and the name is there.

use std::collections::HashMap;

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
                text.glyphs
                    .iter()
                    .any(|glyph| glyph.id == 0 && (at..end).contains(&usize::from(glyph.range.start)))
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

/// Rejects a page that lacks a part of the name. Templates may set it in capitals and on several lines, and typst
/// repeats a cluster whose marks are at another height and puts lines from right to left in the order of the page: of a
/// word that isn't there in one piece, each cluster must be there as often.
pub(super) fn check_name(frame: &Frame, name: &str, origin: Origin) -> Result<(), RenderError> {
    let (mut page, mut there) = (String::new(), HashMap::new());
    for_each_text(frame, Transform::identity(), &mut |text, _| {
        page.push_str(&folded(&text.text));
        count(&text.text, &mut there);
        Ok(())
    })?;
    let mut needed = HashMap::new();
    for word in name.split_whitespace().filter(|word| !page.contains(&folded(word))) {
        count(word, &mut needed);
    }
    // Shapers know smaller clusters than Unicode where Devanagari letters are joined by a virama: these may be on the
    // page in several items.
    let is_joined = |cluster: &str| cluster.contains(VIRAMA) && page.contains(cluster);
    let is_short = |cluster: &&String| needed.get(*cluster) > there.get(*cluster) && !is_joined(cluster);
    let mut short: Vec<&String> = needed.keys().filter(is_short).collect();
    short.sort_unstable();
    let clusters: Vec<CodePoints> =
        short.into_iter().map(|cluster| CodePoints::of_cluster(cluster)).collect();
    match (clusters.is_empty(), origin) {
        (true, _) => Ok(()),
        (false, Origin::Shipped) => Err(RenderError::MissingGlyph { field: "full_name", clusters }),
        (false, Origin::Own) => {
            let message = "the page doesn't show the whole name: write d.name.text or the variable full_name";
            Err(template_error([message.into()]))
        }
    }
}

const VIRAMA: char = '\u{94D}';

/// Counts the clusters of a text's words.
fn count(text: &str, counts: &mut HashMap<String, usize>) {
    for word in text.split_whitespace().map(folded) {
        for (_, cluster) in clusters(&word) {
            *counts.entry(cluster.to_owned()).or_default() += 1;
        }
    }
}

/// Returns a text in capitals, without blanks and without characters that are not shown.
fn folded(text: &str) -> String {
    let shown = text.chars().filter(|c| !c.is_whitespace() && !is_default_ignorable(*c));
    shown.flat_map(char::to_uppercase).collect()
}
