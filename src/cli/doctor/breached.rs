//! Check of the list of breached passwords: it exists and is sorted.

use std::path::PathBuf;
use std::sync::Arc;

use super::Context;
use super::finding::Finding;
use crate::http::auth::passwords::BreachedPasswords;

const CHECK: &str = "passwords";
const TO_DO: &str =
    "download Pwned Passwords (SHA-1, ordered by hash) as one file, or remove the setting";

pub async fn check(context: Arc<Context>) -> Vec<Finding> {
    let path = context.config.auth.breached_passwords.clone();
    let looked = tokio::task::spawn_blocking(move || vec![look(path)]).await;
    looked.unwrap_or_else(|_| {
        vec![Finding::failed(
            CHECK,
            "the check panicked",
            "report this as a defect",
        )]
    })
}

fn look(path: Option<PathBuf>) -> Finding {
    let Some(path) = path else {
        return Finding::ok(
            CHECK,
            "no list of breached passwords (auth.breached_passwords); common ones are rejected",
        );
    };
    match BreachedPasswords::open(&path) {
        Ok(_) => Finding::ok(CHECK, "the list of breached passwords exists and is sorted"),
        Err(error) => Finding::failed(CHECK, error.to_string(), TO_DO),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn missing_or_unsorted_list_is_a_failure() {
        assert_eq!(look(None).level, Level::Ok);
        assert_eq!(look(Some("/nonexistent/list".into())).level, Level::Failed);
        let file = tempfile::NamedTempFile::new().unwrap();
        let low = "0".repeat(40);
        let high = "F".repeat(40);
        for (text, level) in [
            (format!("{low}:1\n{high}:1\n"), Level::Ok),
            (format!("{high}:1\n{low}:1\n"), Level::Failed),
        ] {
            std::fs::write(file.path(), text).unwrap();
            assert_eq!(look(Some(file.path().to_owned())).level, level);
        }
    }
}
