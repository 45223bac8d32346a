//! Mappings that messages propose.

use super::printable;
use crate::domain::certification::reading::IGNORE;

/// Returns a mapping as JSON, which the user can copy from the message.
pub(super) fn mapped(columns: &[(&str, &str)]) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let pairs = columns
        .iter()
        .map(|(key, field)| format!("{}: {}", text(key), text(field)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

/// Returns the part of a message that proposes mappings for a suspicious column.
pub(super) fn proposed(key: &str, proposal: &str) -> String {
    if proposal == IGNORE {
        let name = mapped(&[(key, "lastName")]);
        let nothing = mapped(&[(key, IGNORE)]);
        format!(", such as {name}, or leave it out: {nothing}")
    } else {
        format!(
            ": {}, or \"ignore\" to leave it out",
            mapped(&[(key, proposal)])
        )
    }
}

/// Returns the part of a message that proposes a mapping for a full name column that contains only
/// given names. `surname` is the column with the surnames, if there is one.
pub(super) fn given_names(full: &str, surname: Option<&str>) -> String {
    let both = |surname| mapped(&[(full, "firstName"), (surname, "lastName")]);
    surname.map_or_else(String::new, |surname| {
        format!(
            "; if it has given names only, and \"{}\" all surnames: {}",
            printable(surname),
            both(surname)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposed_mapping_is_valid_json() {
        let key = "Nombre \"legal\" \\ alias";
        let text = mapped(&[(key, "firstName"), ("Apellidos", "lastName")]);
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            read,
            serde_json::json!({ key: "firstName", "Apellidos": "lastName" })
        );
        assert_eq!(mapped(&[("B", "ignore")]), r#"{"B": "ignore"}"#);
    }
}
