//! Check of a laid-out page: every cluster is drawn whole by its font, and the name is there.

use std::collections::{HashMap, HashSet};

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
/// word that isn't there in one piece, each cluster must be there as often. A page of an issuer's template must have each
/// word of ASCII letters as a word, because letters are in other words as well. typst keeps such a word in one piece.
pub(super) fn check_name(frame: &Frame, name: &str, origin: Origin) -> Result<(), RenderError> {
    let (mut page, mut there) = (PageText::default(), HashMap::new());
    for_each_text(frame, Transform::identity(), &mut |text, _| {
        page.add(&text.text);
        count(&text.text, &mut there);
        Ok(())
    })?;
    let mut needed = HashMap::new();
    for word in name.split_whitespace().filter(|word| !page.text.contains(&folded(word))) {
        count(word, &mut needed);
    }
    let is_ascii = |word: &&str| word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let has_words = name.split_whitespace().filter(is_ascii).all(|word| page.has_word(&folded(word)));
    // Shapers know smaller clusters than Unicode where Devanagari letters are joined by a virama: these may be on the
    // page in several items.
    let is_joined = |cluster: &str| cluster.contains(VIRAMA) && page.text.contains(cluster);
    let is_short = |cluster: &&String| needed.get(*cluster) > there.get(*cluster) && !is_joined(cluster);
    let mut short: Vec<&String> = needed.keys().filter(is_short).collect();
    short.sort_unstable();
    let clusters: Vec<CodePoints> =
        short.into_iter().map(|cluster| CodePoints::of_cluster(cluster)).collect();
    match origin {
        Origin::Shipped if clusters.is_empty() => Ok(()),
        Origin::Shipped => Err(RenderError::MissingGlyph { field: "full_name", clusters }),
        Origin::Own if clusters.is_empty() && has_words => Ok(()),
        Origin::Own => {
            let message = "the page doesn't show the whole name as separate words: write d.name.text or the variable \
                           full_name";
            Err(template_error([message.into()]))
        }
    }
}

/// Text of a page in capitals without blanks.
#[derive(Default)]
struct PageText {
    text: String,
    /// Byte offsets at which a run of text begins or a blank was.
    gaps: HashSet<usize>,
}

impl PageText {
    /// Adds a run of text.
    fn add(&mut self, run: &str) {
        self.gaps.insert(self.text.len());
        for part in run.split_inclusive(char::is_whitespace) {
            self.text.push_str(&folded(part));
            if part.ends_with(char::is_whitespace) {
                self.gaps.insert(self.text.len());
            }
        }
    }

    /// Returns true if a folded word is there with no letter or digit directly before or after it. A run of text may
    /// end inside of a word, and blanks may be between its letters.
    fn has_word(&self, word: &str) -> bool {
        let found = self.text.char_indices().filter(|(at, _)| self.text[*at..].starts_with(word));
        found
            .map(|(at, _)| (at, at + word.len()))
            .any(|(start, end)| self.is_edge(start) && self.is_edge(end))
    }

    /// Returns true if a word may begin or end at a byte offset.
    fn is_edge(&self, at: usize) -> bool {
        let (before, after) = self.text.split_at(at);
        let is_other = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        self.gaps.contains(&at) || is_other(before.chars().next_back()) || is_other(after.chars().next())
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
