//! Names that may be too long for their place on a certificate: the longest ones of a rehearsal, to be laid out.

use crate::domain::Personal;

/// Code of a name that is too long.
pub const NAME_TOO_LONG: &str = "NAME_TOO_LONG";
/// Names of at most so many characters are not laid out: they fit in every shipped theme, whatever their letters.
pub const SAFE_CHARACTERS: usize = 40;
/// Most names that one rehearsal lays out.
const MAX_TRIED: usize = 50;
/// Lines that a theme sets a long name on.
const LINES: usize = 3;

/// The longest names of a rehearsal, at most 50, each with what it belongs to.
#[derive(Debug)]
pub struct LongNames<T>(Vec<LongName<T>>);

/// A name to lay out.
#[derive(Debug)]
pub struct LongName<T> {
    /// The name.
    pub name: Personal<String>,
    /// What it belongs to.
    pub of: T,
    weight: usize,
}

impl<T> Default for LongNames<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> LongNames<T> {
    /// Keeps a name that is long enough, and drops the least long one of too many. A long word counts more, because
    /// themes set a long name on several lines and divide no word.
    pub fn add(&mut self, name: &str, of: impl FnOnce() -> T) {
        let length = name.chars().count();
        if length <= SAFE_CHARACTERS {
            return;
        }
        let word = name.split_whitespace().map(|word| word.chars().count()).max().unwrap_or_default();
        let weight = length.max(LINES * word);
        let place = self.0.partition_point(|kept| kept.weight >= weight);
        if place < MAX_TRIED {
            self.0.truncate(MAX_TRIED - 1);
            self.0.insert(place, LongName { name: name.to_owned().into(), of: of(), weight });
        }
    }

    /// The names, longest first.
    #[must_use]
    pub fn into_longest(self) -> Vec<LongName<T>> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::domain::Locale;
    use crate::render::{RenderJob, Renderer};

    #[test]
    fn names_of_a_safe_length_fit_in_every_theme() {
        let renderer = Renderer::new().expect("bundled fonts load");
        for theme in renderer.themes() {
            for letter in ["W", "Ẅ", "鬱", "Щ", "ﻼ"] {
                let full_name = letter.repeat(SAFE_CHARACTERS).into();
                let job = RenderJob { full_name, ..theme.sample(Locale::En, date!(2026 - 11 - 21)) };
                let one = renderer.render(&[job]).remove(0);
                assert!(one.is_ok(), "{} {letter}: {one:?}", theme.name());
            }
        }
    }

    #[test]
    fn only_long_names_are_kept_and_the_longest_of_many() {
        let mut names = LongNames::default();
        for length in 1..=200 {
            names.add(&"ñ".repeat(length), || length);
        }
        let kept: Vec<usize> = names.into_longest().into_iter().map(|long| long.of).collect();
        assert_eq!(kept, (151..=200).rev().collect::<Vec<_>>());
        let mut names = LongNames::default();
        names.add(&"Ana ".repeat(20), || 1);
        names.add(&"W".repeat(50), || 2);
        assert_eq!(names.into_longest().iter().map(|long| long.of).collect::<Vec<_>>(), [2, 1]);
        let mut names = LongNames::default();
        names.add(&"W".repeat(SAFE_CHARACTERS), || 0);
        names.add(&"W".repeat(SAFE_CHARACTERS + 1), || 1);
        assert_eq!(names.into_longest().iter().map(|long| long.of).collect::<Vec<_>>(), [1]);
    }
}
