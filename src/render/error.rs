//! Why a certificate could not be rendered.

use std::fmt;

use crate::domain::Personal;

/// Why a certificate could not be rendered. No `Display` or `Debug` text holds a name or a document number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// This program does not ship that theme in that version.
    #[error("this program has no certificate theme {theme:?} in version {version}")]
    UnknownTheme {
        /// The theme's name.
        theme: String,
        /// Its version.
        version: u32,
    },
    /// Other bytes than this program makes were asked for.
    #[error("this program has no renderer {version}: a newer one asked for it")]
    UnknownRenderer {
        /// What was asked for.
        version: String,
    },
    /// Grapheme clusters that no bundled font draws whole: a glyph is missing, or a mark would stand apart from its
    /// letter. Nothing is printed instead.
    #[error("{field} holds characters that no bundled font can draw: {}", listed(clusters))]
    MissingGlyph {
        /// Field of the job, or `text` where only the place on the page is known.
        field: &'static str,
        /// The clusters, in order, each once.
        clusters: Vec<CodePoints>,
    },
    /// A text does not fit its place even at the smallest size.
    #[error("{field} is too long for its place on the certificate")]
    Overflow {
        /// Which field of the job, or `text` where only the place is known.
        field: String,
    },
    /// A text that must not be set: empty, or with control or direction characters.
    #[error("{field} {problem}")]
    InvalidText {
        /// Which field of the job.
        field: &'static str,
        /// What is wrong with it, as the end of a sentence.
        problem: String,
    },
    /// An option that the template doesn't have, or a value that it doesn't take.
    #[error("option {name} {problem}")]
    Option {
        /// The option's name.
        name: String,
        /// What is wrong with it, as the end of a sentence.
        problem: String,
    },
    /// The background image or the picture of an option cannot be used.
    #[error("the design image cannot be used: {reason}")]
    Design {
        /// Why, without its content.
        reason: String,
    },
    /// The template itself failed. What typst said may quote a name, so it is not printed.
    #[error("the template failed with {} messages", diagnostics.reveal().len())]
    Template {
        /// typst's messages, for the template's author.
        diagnostics: Personal<Vec<Diagnosis>>,
    },
    /// A bundled file is damaged: the program was built wrongly.
    #[error("bundled file {file} cannot be used")]
    Bundle {
        /// Which file.
        file: String,
    },
}

impl RenderError {
    /// A stable name for APIs, events and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownTheme { .. } => "RENDER_UNKNOWN_THEME",
            Self::UnknownRenderer { .. } => "RENDER_UNKNOWN_RENDERER",
            Self::MissingGlyph { .. } => "RENDER_MISSING_GLYPH",
            Self::Overflow { .. } => "RENDER_OVERFLOW",
            Self::InvalidText { .. } => "RENDER_INVALID_TEXT",
            Self::Option { .. } => "RENDER_OPTION",
            Self::Design { .. } => "RENDER_DESIGN",
            Self::Template { .. } => "RENDER_TEMPLATE",
            Self::Bundle { .. } => "RENDER_BUNDLE",
        }
    }

    /// True when the same job fails the same way however often it is tried. Only a theme or renderer that this
    /// program does not know may be known to another: a newer one, while both run side by side.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        !matches!(self, Self::UnknownTheme { .. } | Self::UnknownRenderer { .. } | Self::Bundle { .. })
    }
}

/// One thing that typst says of a template. It may quote what the template was given.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Diagnosis {
    /// Where, if it is known.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hints: Vec<String>,
}

/// A place in a template.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// The virtual path: the template's own ends with `/template.typ`.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl Diagnosis {
    pub(super) fn of_message(message: &str) -> Self {
        Self { place: None, message: message.to_owned(), hints: Vec::new() }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            let file = place.file.rsplit('/').next().unwrap_or_default();
            write!(f, "{file}:{}:{}: ", place.line, place.column)?;
        }
        f.write_str(&self.message)?;
        self.hints.iter().try_for_each(|hint| write!(f, " (hint: {hint})"))
    }
}

/// One grapheme cluster, shown as code points (`U+0045 U+0302`): telling enough to mend a field, too little to name a
/// person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodePoints(Vec<char>);

impl CodePoints {
    /// Most characters that are shown of a cluster.
    const SHOWN: usize = 8;

    pub(super) fn of_cluster(cluster: &str) -> Self {
        Self(cluster.chars().collect())
    }

    /// Returns the characters in the order of the text.
    #[must_use]
    pub fn as_slice(&self) -> &[char] {
        &self.0
    }
}

impl fmt::Display for CodePoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, c) in self.0.iter().take(Self::SHOWN).enumerate() {
            write!(f, "{}U+{:04X}", if i == 0 { "" } else { " " }, u32::from(*c))?;
        }
        if self.0.len() > Self::SHOWN { f.write_str(" …") } else { Ok(()) }
    }
}

/// Most clusters that a message names.
const LISTED: usize = 8;

/// Returns the first clusters, separated by commas, and how many more there are.
fn listed(clusters: &[CodePoints]) -> String {
    let mut list: Vec<String> = clusters.iter().take(LISTED).map(CodePoints::to_string).collect();
    let more = clusters.len().saturating_sub(LISTED);
    if more > 0 {
        list.push(format!("{more} more"));
    }
    list.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_shown_as_a_bounded_list_of_code_points() {
        let clusters =
            |texts: &[&str]| texts.iter().map(|text| CodePoints::of_cluster(text)).collect::<Vec<_>>();
        assert_eq!(listed(&clusters(&["M\u{302}\u{303}", "😀"])), "U+004D U+0302 U+0303, U+1F600");
        let many = listed(&clusters(&["a"; 26]));
        assert!(many.ends_with("U+0061, 18 more"), "{many}");
        let long = CodePoints::of_cluster(&"a\u{301}".repeat(9)).to_string();
        assert!(long.ends_with("U+0301 …"), "{long}");
    }

    #[test]
    fn what_typst_said_is_not_printed() {
        let error =
            RenderError::Template { diagnostics: Personal::new(vec![Diagnosis::of_message("Ada Lovelace")]) };
        assert!(!format!("{error} {error:?}").contains("Ada"));
    }
}
