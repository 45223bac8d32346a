//! Errors of rendering, and messages for authors of templates.

use std::fmt;

use crate::domain::Personal;

/// Error of rendering a certificate. Its `Display` and `Debug` texts contain no name and no
/// document number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// This program doesn't ship the theme in this version.
    #[error("this program has no certificate theme {theme:?} in version {version}")]
    UnknownTheme {
        /// Name of the theme.
        theme: String,
        /// Version of the theme.
        version: u32,
    },
    /// This program doesn't have the requested version of the renderer.
    #[error("this program has no renderer {version}; a newer program requested it")]
    UnknownRenderer {
        /// Requested version.
        version: String,
    },
    /// A text has grapheme clusters that no bundled font draws whole: a glyph is missing, or a mark
    /// would be apart from its letter. No replacement glyph is drawn.
    #[error(
        "{field} holds characters that no bundled font can draw: {}",
        listed(clusters)
    )]
    MissingGlyph {
        /// Field of the job, or `text` if the field is unknown.
        field: &'static str,
        /// The clusters, in order, without duplicates.
        clusters: Vec<CodePoints>,
    },
    /// A text doesn't fit its place even at the smallest font size.
    #[error("{field} is too long for its place on the certificate")]
    Overflow {
        /// Field of the job, or `text` if the field is unknown.
        field: String,
    },
    /// A text is empty, too long, or has characters that are not allowed, such as control or
    /// direction characters.
    #[error("{field} {problem}")]
    InvalidText {
        /// Field of the job.
        field: &'static str,
        /// Problem, as the end of a sentence.
        problem: String,
    },
    /// The template doesn't have the option, or doesn't accept its value.
    #[error("option {name} {problem}")]
    Option {
        /// Name of the option.
        name: String,
        /// Problem, as the end of a sentence.
        problem: String,
    },
    /// The background image can't be used, or pictures can't be compared.
    #[error("the design image cannot be used: {reason}")]
    Design {
        /// Reason, without content of the image.
        reason: String,
    },
    /// The template failed. typst's messages are not printed, because they may quote a name.
    #[error("the template failed with {} messages", diagnostics.reveal().len())]
    Template {
        /// Messages of typst, for the author of the template.
        diagnostics: Personal<Vec<Diagnosis>>,
    },
    /// A bundled file is damaged. This is a defect of the build.
    #[error("bundled file {file} cannot be used")]
    Bundle {
        /// Name of the file.
        file: String,
    },
}

impl RenderError {
    /// Returns a stable code for APIs, events and metrics.
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

    /// Returns true if the same job always fails the same way. A theme or renderer that this
    /// program doesn't know may be known to a newer program that runs beside it. A damaged bundled
    /// file concerns only this program.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        !matches!(
            self,
            Self::UnknownTheme { .. } | Self::UnknownRenderer { .. } | Self::Bundle { .. }
        )
    }
}

/// One message of typst about a template. It may quote the template's input.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Diagnosis {
    /// Place, if it is known.
    pub place: Option<Place>,
    /// Problem.
    pub message: String,
    /// Hints for the correction.
    pub hints: Vec<String>,
}

/// Place in a template.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// Virtual path. The path of the template itself ends with `/template.typ`.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Diagnosis {
    pub(super) fn of_message(message: &str) -> Self {
        Self {
            place: None,
            message: message.to_owned(),
            hints: Vec::new(),
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            let file = place.file.rsplit('/').next().unwrap_or_default();
            write!(f, "{file}:{}:{}: ", place.line, place.column)?;
        }
        f.write_str(&self.message)?;
        self.hints
            .iter()
            .try_for_each(|hint| write!(f, " (hint: {hint})"))
    }
}

/// One grapheme cluster, shown as code points (`U+0045 U+0302`). They show what to correct in a
/// field, but don't identify a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodePoints(Vec<char>);

impl CodePoints {
    /// Maximum number of characters of a cluster that are shown.
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
            write!(
                f,
                "{}U+{:04X}",
                if i == 0 { "" } else { " " },
                u32::from(*c)
            )?;
        }
        if self.0.len() > Self::SHOWN {
            f.write_str(" …")
        } else {
            Ok(())
        }
    }
}

/// Maximum number of clusters in a message.
const LISTED: usize = 8;

/// Returns the first clusters, separated by commas, and the number of the others.
fn listed(clusters: &[CodePoints]) -> String {
    let mut list: Vec<String> = clusters
        .iter()
        .take(LISTED)
        .map(CodePoints::to_string)
        .collect();
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
        let clusters = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| CodePoints::of_cluster(text))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            listed(&clusters(&["M\u{302}\u{303}", "😀"])),
            "U+004D U+0302 U+0303, U+1F600"
        );
        let many = listed(&clusters(&["a"; 26]));
        assert!(many.ends_with("U+0061, 18 more"), "{many}");
        let long = CodePoints::of_cluster(&"a\u{301}".repeat(9)).to_string();
        assert!(long.ends_with("U+0301 …"), "{long}");
    }

    #[test]
    fn typst_messages_are_not_shown_in_errors() {
        let error = RenderError::Template {
            diagnostics: Personal::new(vec![Diagnosis::of_message("Ada Lovelace")]),
        };
        assert!(!format!("{error} {error:?}").contains("Ada"));
    }
}
