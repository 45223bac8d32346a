//! Checks of a laid-out page: all clusters are drawn correctly, and the page shows the name.

use std::collections::{HashMap, HashSet};

use typst::layout::{Frame, Transform};
use typst::text::{TextItem, is_default_ignorable};
use unicode_script::{Script, UnicodeScript as _};

use super::coverage::{Coverage, clusters, is_mark, is_plain};
use super::error::CodePoints;
use super::page::{for_each_text, template_error};
use super::pdf::joined;
use super::text::is_right_to_left;
use super::{Origin, RenderError};

/// Rejects a page with a cluster that its font doesn't draw correctly. A cluster that is split
/// between two fonts is also rejected, because a mark without its letter isn't drawn correctly.
pub(super) fn check_clusters(frame: &Frame, coverage: &Coverage) -> Result<(), RenderError> {
    for_each_text(frame, Transform::identity(), &mut |text, _| {
        let font = coverage.font_of(text.font.font().data().as_slice());
        let has_box = text.glyphs.iter().any(|glyph| glyph.id == 0);
        let mut missing: Vec<CodePoints> = Vec::new();
        for (at, cluster) in clusters(&text.text) {
            let is_box = || {
                let end = at + cluster.len();
                text.glyphs.iter().any(|glyph| {
                    glyph.id == 0 && (at..end).contains(&usize::from(glyph.range.start))
                })
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
            Err(RenderError::MissingGlyph {
                field: "text",
                clusters: missing,
            })
        }
    })
}

/// Rejects a page on which a part of the name is missing. The name may be in capitals and on
/// several lines.
pub(super) fn check_name(frame: &Frame, name: &str, origin: Origin) -> Result<(), RenderError> {
    match origin {
        Origin::Shipped => check_clusters_of_name(frame, name),
        Origin::Own => check_words_of_name(frame, name),
    }
}

/// Checks a page of a bundled theme. If a word of the name isn't on the page in one piece, the page
/// must contain each of its clusters at least as often as the name does.
fn check_clusters_of_name(frame: &Frame, name: &str) -> Result<(), RenderError> {
    let is_there = |page: &PageText, word: &str| page.text.contains(&folded(word));
    let mut page = PageText::default();
    for_each_text(frame, Transform::identity(), &mut |text, _| {
        page.add(&text.text);
        Ok(())
    })?;
    if name.split_whitespace().all(|word| is_there(&page, word)) {
        return Ok(());
    }
    let lines = Lines::of(frame)?;
    let mut needed = HashMap::new();
    let mut there = HashMap::new();
    lines.texts.iter().for_each(|text| count(text, &mut there));
    let pages = lines.in_both_directions();
    for word in name
        .split_whitespace()
        .filter(|word| !pages.iter().any(|page| is_there(page, word)))
    {
        count(word, &mut needed);
    }
    let is_short = |cluster: &&String| needed.get(*cluster) > there.get(*cluster);
    let mut short: Vec<&String> = needed.keys().filter(is_short).collect();
    short.sort_unstable();
    if short.is_empty() {
        return Ok(());
    }
    let clusters = short
        .into_iter()
        .map(|cluster| CodePoints::of_cluster(cluster))
        .collect();
    Err(RenderError::MissingGlyph {
        field: "full_name",
        clusters,
    })
}

/// Checks a page of an issuer's template. The page must show each word of the name as a separate
/// word, not as a part of another one. For scripts that typst splits, it is enough that the page
/// has all clusters of the word.
fn check_words_of_name(frame: &Frame, name: &str) -> Result<(), RenderError> {
    let lines = Lines::of(frame)?;
    let pages = lines.in_both_directions();
    let mut there = HashMap::new();
    lines.texts.iter().for_each(|text| count(text, &mut there));
    let has_clusters = |word: &str| {
        let mut needed = HashMap::new();
        count(word, &mut needed);
        needed
            .iter()
            .all(|(cluster, times)| there.get(cluster) >= Some(times))
    };
    let has_word = |word: &str| {
        pages.iter().any(|page| page.has_word(&folded(word)))
            || word.chars().any(is_split) && has_clusters(word)
    };
    if name.split_whitespace().all(has_word) {
        return Ok(());
    }
    let message = "the page doesn't show the whole name as separate words: write d.name.text or the variable full_name";
    Err(template_error([message.into()]))
}

/// Texts of a page in page order. typst splits a text at glyphs with another vertical offset. If it
/// splits a cluster, both parts contain the cluster. Such parts are joined here.
struct Lines {
    texts: Vec<String>,
}

impl Lines {
    fn of(frame: &Frame) -> Result<Self, RenderError> {
        let mut texts: Vec<(Transform, TextItem)> = Vec::new();
        for_each_text(frame, Transform::identity(), &mut |text, place| {
            let whole = texts
                .last()
                .and_then(|(start, before)| joined(*start, before, text, place));
            if whole.is_some() {
                texts.pop();
            }
            texts.push(whole.unwrap_or_else(|| (place, text.clone())));
            Ok(())
        })?;
        Ok(Self {
            texts: texts
                .into_iter()
                .map(|(_, text)| text.text.to_string())
                .collect(),
        })
    }

    /// Returns the text of the page twice: once in page order, and once with reversed order for
    /// lines from right to left.
    fn in_both_directions(&self) -> [PageText; 2] {
        let mut forward = PageText::default();
        let mut backward = PageText::default();
        self.texts.iter().for_each(|text| forward.add(text));
        self.texts.iter().rev().for_each(|text| backward.add(text));
        [forward, backward]
    }
}

/// Text of a page in capitals and without spaces.
#[derive(Default)]
struct PageText {
    text: String,
    /// Byte offsets at which a run of text begins or a space was removed.
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

    /// Returns true if the page contains `word` as a separate word: no letter, digit or mark is
    /// directly before or after it. `word` must be folded. On the page, the word may be divided by
    /// spaces and into several runs of text.
    fn has_word(&self, word: &str) -> bool {
        let found = self
            .text
            .char_indices()
            .filter(|(at, _)| self.text[*at..].starts_with(word));
        found
            .map(|(at, _)| (at, at + word.len()))
            .any(|(start, end)| self.is_edge(start) && self.is_edge(end))
    }

    /// Returns true if a word may begin or end at byte offset `at`. A word never begins with a
    /// mark. In scripts without spaces, a word may begin and end at any other place.
    fn is_edge(&self, at: usize) -> bool {
        let (before, after) = self.text.split_at(at);
        let before = before.chars().next_back();
        let after = after.chars().next();
        let is_other = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && !is_mark(c));
        let is_inside = after.is_some_and(is_mark);
        let is_dense = [before, after].into_iter().flatten().all(is_unspaced);
        !is_inside && (self.gaps.contains(&at) || is_other(before) || is_other(after) || is_dense)
    }
}

/// Returns true for letters of scripts in which typst splits most words, because many glyphs are
/// raised or lowered.
fn is_split(c: char) -> bool {
    is_right_to_left(c) || c.script() == Script::Devanagari
}

/// Returns true for letters of scripts that have no spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(
        c.script(),
        Script::Thai | Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul
    )
}

/// Adds the clusters of the words of `text` to `counts`.
fn count(text: &str, counts: &mut HashMap<String, usize>) {
    for word in text.split_whitespace().map(folded) {
        for (_, cluster) in clusters(&word) {
            *counts.entry(cluster.to_owned()).or_default() += 1;
        }
    }
}

/// Returns a text in capitals, without spaces and invisible characters.
fn folded(text: &str) -> String {
    let shown = text
        .chars()
        .filter(|c| !c.is_whitespace() && !is_default_ignorable(*c));
    shown.flat_map(char::to_uppercase).collect()
}
