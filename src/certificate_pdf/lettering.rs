//! Font choice before layout, for texts that at least one preferred font can't draw correctly.
//!
//! typst tries the fonts of a list for each glyph separately. It may therefore set one word in
//! several fonts. If a font has a mark but not its letter, the letter is lost. So this module
//! divides texts into runs of one script and selects the font families that draw a whole run. If no
//! family does, it selects families for each word, and then for each part of a word. The show rule
//! in `templates/certificate/lib/letters.typ` sets each piece in the first of these families that
//! the template lists.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use unicode_script::{Script, UnicodeScript as _};

use super::coverage::{Coverage, FontSet, clusters};

/// Preferred families: each is the first in the font list of a template. A text that all of them
/// draw needs no choice.
const HEADS: [&str; 4] = [
    "eb garamond",
    "montserrat",
    "space grotesk",
    "instrument serif",
];

/// Pieces of the texts of one certificate, with the families that draw them correctly.
#[derive(Default, serde::Serialize)]
pub(super) struct Lettering<'a> {
    /// Regular expression that matches every piece. Longer pieces are first.
    pattern: String,
    /// For each piece, the families for upright and for italic text.
    families: BTreeMap<String, [Vec<&'a str>; 2]>,
}

impl<'a> Lettering<'a> {
    /// Chooses families for the texts of a certificate, in their original case and in capitals.
    /// Returns `None` if no text needs a choice.
    pub(super) fn of<'t>(
        texts: impl Iterator<Item = &'t str>,
        coverage: &'a Coverage,
    ) -> Option<Self> {
        let mut lettering = Self::default();
        let heads = coverage.fonts_of(&HEADS);
        let is_hard = |piece: &str| heads & !shared(piece, coverage) != 0;
        for text in texts.filter(|text| !text.is_ascii()) {
            let capitals = text.to_uppercase();
            for run in runs(text)
                .into_iter()
                .chain(runs(&capitals))
                .filter(|run| is_hard(run))
            {
                lettering.choose(run, coverage, is_hard);
            }
        }
        let mut pieces: Vec<&str> = lettering.families.keys().map(String::as_str).collect();
        pieces.sort_by_key(|piece| Reverse(piece.len()));
        for (n, piece) in pieces.iter().enumerate() {
            lettering.pattern.push_str(if n == 0 { "" } else { "|" });
            for c in piece.chars() {
                // proof: writing into a String never fails.
                let _ = write!(lettering.pattern, "\\x{{{:x}}}", u32::from(c));
            }
        }
        (!pieces.is_empty()).then_some(lettering)
    }

    /// Chooses families for a run, and also for its words and its clusters of several characters,
    /// because templates may split the run. Skips words and parts for which `is_hard` is false:
    /// they need no choice, and the pattern would also match them in other texts.
    fn choose(&mut self, run: &str, coverage: &'a Coverage, is_hard: impl Fn(&str) -> bool) {
        self.add(run, coverage);
        for word in run.split_whitespace().filter(|word| is_hard(word)) {
            if !self.add(word, coverage) {
                for part in parts(word, coverage).filter(|part| is_hard(part)) {
                    self.add(part, coverage);
                }
            }
        }
        // A match must not end inside of a cluster. So each cluster of several characters is a
        // piece, too, and the pattern tries longer pieces first.
        for (_, cluster) in clusters(run).filter(|(_, cluster)| is_composed(cluster)) {
            self.add(cluster, coverage);
        }
    }

    fn add(&mut self, piece: &str, coverage: &'a Coverage) -> bool {
        let set = shared(piece, coverage);
        let families =
            [false, true].map(|italic| coverage.families_in(set, italic).collect::<Vec<_>>());
        let is_drawn = families.iter().all(|families| !families.is_empty());
        if is_drawn {
            self.families.insert(piece.to_owned(), families);
        }
        is_drawn
    }
}

/// Returns the fonts that draw all letters of a text. Signs without a mark may be in any font.
fn shared(text: &str, coverage: &Coverage) -> FontSet {
    let needed =
        clusters(text).filter(|(_, cluster)| is_composed(cluster) || script_of(cluster).is_some());
    needed.fold(FontSet::MAX, |set, (_, cluster)| {
        set & coverage.drawn_by(cluster)
    })
}

fn is_composed(cluster: &str) -> bool {
    cluster.chars().nth(1).is_some()
}

/// Divides a word into the longest parts that one family draws. Omits clusters that no family
/// draws.
fn parts<'a>(word: &'a str, coverage: &Coverage) -> impl Iterator<Item = &'a str> {
    let mut rest = clusters(word)
        .map(|(at, cluster)| (at, at + cluster.len()))
        .peekable();
    std::iter::from_fn(move || {
        let (start, mut end) = rest.next()?;
        let is_drawn = |end: usize| {
            let has_family = |part| {
                coverage
                    .families_in(shared(part, coverage), false)
                    .next()
                    .is_some()
            };
            word.get(start..end).is_some_and(has_family)
        };
        while let Some((_, next)) = rest.next_if(|(_, next)| is_drawn(*next)) {
            end = next;
        }
        word.get(start..end)
    })
}

/// Divides a text into runs of one script. Spaces and signs belong to the preceding run.
fn runs(text: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut start = 0;
    let mut current = None;
    for (at, cluster) in clusters(text) {
        let Some(script) = script_of(cluster) else {
            continue;
        };
        if *current.get_or_insert(script) != script {
            runs.extend(text.get(start..at).map(str::trim_end));
            (start, current) = (at, Some(script));
        }
    }
    runs.extend(text.get(start..));
    runs
}

/// Returns the script of the first letter of a cluster, or `None` for signs, digits and spaces. One
/// font has the Chinese, Japanese and Korean scripts, so they are treated as one script.
fn script_of(cluster: &str) -> Option<Script> {
    match cluster.chars().next()?.script() {
        Script::Common | Script::Inherited | Script::Unknown => None,
        Script::Hiragana | Script::Katakana | Script::Hangul | Script::Bopomofo => {
            Some(Script::Han)
        }
        script => Some(script),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate_pdf::bundled_fonts::Fonts;

    fn families(text: &str, piece: &str) -> Option<Vec<String>> {
        let fonts = Fonts::load().expect("bundled fonts load");
        let lettering = Lettering::of([text].into_iter(), fonts.coverage())?;
        Some(
            lettering.families.get(piece)?[0]
                .iter()
                .map(|family| (*family).to_owned())
                .collect(),
        )
    }

    #[test]
    fn text_is_split_into_runs_of_one_script() {
        assert_eq!(runs("Ali محمد Khan"), ["Ali", "محمد", "Khan"]);
        assert_eq!(runs("12 山田 さくら"), ["12 山田 さくら"]);
        assert_eq!(runs("Nguyễn (Ελένη) 7."), ["Nguyễn (", "Ελένη) 7."]);
    }

    #[test]
    fn common_names_need_no_font_selection() {
        let fonts = Fonts::load().expect("bundled fonts load");
        for name in [
            "Ada Lovelace",
            "José Ñandú Çelik-Łukasz",
            "Şağıroğlu Őry",
            "12.345–6",
            "",
        ] {
            assert!(
                Lettering::of([name].into_iter(), fonts.coverage()).is_none(),
                "{name}"
            );
        }
    }

    #[test]
    fn run_gets_font_families_that_contain_all_its_characters() {
        let whole = families("Kɔ́fí Ɛ̀dɛ̀", "Kɔ́fí Ɛ̀dɛ̀").expect("some draw it");
        assert!(
            whole.contains(&"noto serif".to_owned()) && whole.contains(&"montserrat".to_owned()),
            "{whole:?}"
        );
        assert!(
            !whole.contains(&"space grotesk".to_owned())
                && !whole.contains(&"eb garamond".to_owned())
        );
        assert_eq!(
            families("Ada محمد", "محمد"),
            Some(vec!["noto naskh arabic".to_owned()])
        );
        assert_eq!(families("Ada محمد", "Ada"), None, "every font has it");
        assert!(
            families("O Ḣ", "O Ḣ").is_some() && families("O Ḣ", "O").is_none(),
            "it may be a part of any word"
        );
    }

    #[test]
    fn word_without_a_single_covering_font_family_is_split() {
        let fonts = Fonts::load().expect("bundled fonts load");
        let divided = |word| parts(word, fonts.coverage()).collect::<Vec<_>>();
        assert_eq!(divided("aбв"), ["aбв"]);
        assert_eq!(divided("aб山ọ̀م"), ["aб", "山", "ọ̀", "م"]);
    }
}
