//! Longest names of a dry run, which are checked for whether they fit into their place on the
//! certificate.

use crate::domain::Personal;

/// Error code of a name that is too long.
pub const NAME_TOO_LONG: &str = "NAME_TOO_LONG";
/// Maximum length, in characters, of a name that is not checked. It fits in every shipped theme,
/// with any letters.
pub const SAFE_CHARACTERS: usize = 40;
/// Maximum number of names that a dry run checks.
const MAX_TRIED: usize = 50;
/// Number of lines into which a theme breaks a long name.
const LINES: usize = 3;

/// Longest names of a dry run, at most 50, each with its value.
#[derive(Debug)]
pub struct LongNames<T>(Vec<LongName<T>>);

/// Name to check.
#[derive(Debug)]
pub struct LongName<T> {
    /// Full name.
    pub name: Personal<String>,
    /// Value that belongs to the name.
    pub of: T,
    weight: usize,
}

impl<T> Default for LongNames<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> LongNames<T> {
    /// Adds a name if it has more than 40 characters. If there are then more than 50 names, removes
    /// the shortest one. A name with a long word is treated as longer, because themes set a long
    /// name on several lines and don't hyphenate words.
    pub fn add(&mut self, name: &str, of: impl FnOnce() -> T) {
        let length = name.chars().count();
        if length <= SAFE_CHARACTERS {
            return;
        }
        let word = name
            .split_whitespace()
            .map(|word| word.chars().count())
            .max()
            .unwrap_or_default();
        let weight = length.max(LINES * word);
        let place = self.0.partition_point(|kept| kept.weight >= weight);
        if place < MAX_TRIED {
            self.0.truncate(MAX_TRIED - 1);
            self.0.insert(
                place,
                LongName {
                    name: name.to_owned().into(),
                    of: of(),
                    weight,
                },
            );
        }
    }

    /// Returns the names, longest first.
    #[must_use]
    pub fn into_longest(self) -> Vec<LongName<T>> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::certificate_pdf::{RenderJob, Renderer};
    use crate::domain::Locale;

    #[test]
    fn names_of_a_safe_length_fit_in_every_theme() {
        let renderer = Renderer::new().expect("bundled fonts load");
        for theme in renderer.themes() {
            for letter in ["W", "Ẅ", "鬱", "Щ", "ﻼ"] {
                let full_name = letter.repeat(SAFE_CHARACTERS).into();
                let job = RenderJob {
                    full_name,
                    ..theme.sample(Locale::En, date!(2026 - 11 - 21))
                };
                let one = renderer.render(&[job]).remove(0);
                assert!(one.is_ok(), "{} {letter}: {one:?}", theme.name());
            }
        }
    }

    #[test]
    fn only_the_50_longest_of_the_long_names_are_kept() {
        let mut names = LongNames::default();
        for length in 1..=200 {
            names.add(&"ñ".repeat(length), || length);
        }
        let kept: Vec<usize> = names
            .into_longest()
            .into_iter()
            .map(|long| long.of)
            .collect();
        assert_eq!(kept, (151..=200).rev().collect::<Vec<_>>());
        let mut names = LongNames::default();
        names.add(&"Ana ".repeat(20), || 1);
        names.add(&"W".repeat(50), || 2);
        assert_eq!(
            names
                .into_longest()
                .iter()
                .map(|long| long.of)
                .collect::<Vec<_>>(),
            [2, 1]
        );
        let mut names = LongNames::default();
        names.add(&"W".repeat(SAFE_CHARACTERS), || 0);
        names.add(&"W".repeat(SAFE_CHARACTERS + 1), || 1);
        assert_eq!(
            names
                .into_longest()
                .iter()
                .map(|long| long.of)
                .collect::<Vec<_>>(),
            [1]
        );
    }
}
