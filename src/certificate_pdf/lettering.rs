//! Font choice before layout, for texts that some font at the head of a list can't draw whole.
//!
//! typst tries the fonts of a list one after the other for single glyphs. So it may set a word in
//! several fonts, and it loses a letter if a font has only its mark. Here each run of one script
//! gets the families that draw all of it. If there are none, each word gets its families, and then
//! each part of a word. The show rule of `templates/certificate/lib/letters.typ` sets these pieces
//! in the first such family that the template names.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use unicode_script::{Script, UnicodeScript as _};

use super::coverage::{Coverage, FontSet, clusters};

/// Families at the beginning of the templates' font lists. A text that all of them draw needs no
/// choice.
const HEADS: [&str; 4] = [
    "eb garamond",
    "montserrat",
    "space grotesk",
    "instrument serif",
];

/// Pieces of one certificate's texts with the families that draw them whole.
#[derive(Default, serde::Serialize)]
pub(super) struct Lettering<'a> {
    /// Regular expression that matches any of the pieces, longer ones first.
    pattern: String,
    /// For each piece, the families for upright and for italic text.
    families: BTreeMap<String, [Vec<&'a str>; 2]>,
}

impl<'a> Lettering<'a> {
    /// Chooses families for the texts of a certificate, as they are and in capitals. Returns `None`
    /// if the texts need no choice.
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

    /// Chooses families for one run. Templates may split it, so its words and its composed clusters
    /// get families too. Words that are not hard are left out, because they may be parts of other
    /// texts.
    fn choose(&mut self, run: &str, coverage: &'a Coverage, is_hard: impl Fn(&str) -> bool) {
        self.add(run, coverage);
        for word in run.split_whitespace().filter(|word| is_hard(word)) {
            if !self.add(word, coverage) {
                for part in parts(word, coverage).filter(|part| is_hard(part)) {
                    self.add(part, coverage);
                }
            }
        }
        // No match may end within a cluster. So each cluster is a piece, which is tried before
        // shorter ones.
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

/// Returns the fonts that draw all letters of a text. A sign without a mark may come from any font.
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

/// Divides a word into the longest parts that one family draws. Clusters that none draws are left
/// out.
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

/// Divides a text into runs of one script. Spaces and signs belong to the run before them.
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

/// Returns the script of a cluster's first letter, or `None` for signs, digits and spaces. The
/// scripts of Chinese, Japanese and Korean come from one font and count as one script.
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
    fn runs_are_of_one_script() {
        assert_eq!(runs("Ali محمد Khan"), ["Ali", "محمد", "Khan"]);
        assert_eq!(runs("12 山田 さくら"), ["12 山田 さくら"]);
        assert_eq!(runs("Nguyễn (Ελένη) 7."), ["Nguyễn (", "Ελένη) 7."]);
    }

    #[test]
    fn common_names_need_no_choice() {
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
    fn run_gets_the_families_that_draw_all_of_it() {
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
    fn word_that_no_family_draws_is_divided() {
        let fonts = Fonts::load().expect("bundled fonts load");
        let divided = |word| parts(word, fonts.coverage()).collect::<Vec<_>>();
        assert_eq!(divided("aбв"), ["aбв"]);
        assert_eq!(divided("aб山ọ̀م"), ["aб", "山", "ọ̀", "م"]);
    }
}
