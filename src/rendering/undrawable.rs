//! Check before a certificate is issued: finds texts that the bundled fonts can't draw.

use std::fmt::Write as _;

use crate::certificate_pdf::{CodePoints, Renderer};

/// Error code for a text that can't be drawn.
pub const UNDRAWABLE: &str = "UNDRAWABLE";
/// Maximum number of characters that a message names.
const MAX_NAMED: usize = 8;

/// Field of a person that can't be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndrawableField {
    /// Name of the field in the API.
    pub field: &'static str,
    /// Description of the problem, which follows the field's name in messages. It quotes characters
    /// of the value. So show it only to users who sent the value or may read it.
    pub problem: String,
}

/// Returns a description of the characters in `text` that the bundled fonts can't draw, with their
/// code points. Returns `None` if the fonts can draw all characters. The description follows the
/// field's name in messages.
#[must_use]
pub fn problem(renderer: &Renderer, text: &str) -> Option<String> {
    let missing = renderer.undrawable(text);
    (!missing.is_empty()).then(|| {
        format!(
            "has characters that no font on certificates draws: {}",
            named(&missing)
        )
    })
}

/// Returns the fields of a person that certificates show and that can't be drawn.
#[must_use]
pub fn of_fields(
    renderer: &Renderer,
    full_name: &str,
    document_number: Option<&str>,
) -> Vec<UndrawableField> {
    let fields = [
        ("fullName", Some(full_name)),
        ("documentNumber", document_number),
    ];
    let checked = fields.into_iter().filter_map(|(field, text)| {
        Some(UndrawableField {
            field,
            problem: problem(renderer, text?)?,
        })
    });
    checked.collect()
}

fn named(missing: &[CodePoints]) -> String {
    let mut list = String::new();
    for (n, cluster) in missing.iter().take(MAX_NAMED).enumerate() {
        let separator = if n == 0 { "" } else { ", " };
        let characters: String = cluster.as_slice().iter().collect();
        // Writing to a string cannot fail.
        let _ = write!(list, "{separator}{characters} (");
        for (m, character) in cluster.as_slice().iter().enumerate() {
            let space = if m == 0 { "" } else { " " };
            let _ = write!(list, "{space}U+{:04X}", u32::from(*character));
        }
        list.push(')');
    }
    match missing.len().checked_sub(MAX_NAMED) {
        Some(more @ 1..) => format!("{list} and {more} more"),
        _ => list,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawable_texts_have_no_problem() {
        let renderer = Renderer::new().expect("bundled fonts load");
        for text in [
            "Ana Rojas",
            "Nguyễn Thị Ánh",
            "محمد",
            "علی\u{200C}رضا",
            "山田 太郎",
            "",
        ] {
            assert_eq!(problem(&renderer, text), None, "{text}");
        }
    }

    #[test]
    fn characters_are_named_with_their_code_points() {
        let renderer = Renderer::new().expect("bundled fonts load");
        let output = problem(&renderer, "Ana 😀 \u{12000}😀").expect("not drawable");
        assert!(
            output.contains("😀 (U+1F600)") && output.contains("(U+12000)"),
            "{output}"
        );
        let many: String = ('\u{12000}'..'\u{12020}').collect();
        assert!(
            problem(&renderer, &many)
                .expect("not drawable")
                .ends_with("and 24 more")
        );
    }

    #[test]
    fn both_fields_of_a_person_are_reported() {
        let renderer = Renderer::new().expect("bundled fonts load");
        assert_eq!(of_fields(&renderer, "Ana", Some("7")), []);
        let fields: Vec<_> = of_fields(&renderer, "😀", Some("😀"))
            .into_iter()
            .map(|undrawable| undrawable.field)
            .collect();
        assert_eq!(fields, ["fullName", "documentNumber"]);
    }
}
