//! Check of the free space on this machine: for stored files, and for uploads in progress.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::BinaryBytes;

use super::Context;
use super::finding::Finding;

/// With less free space there is a warning: it may not suffice for a day's work.
const LITTLE: u64 = 5 << 30;
/// With less free space the check fails: it may not suffice for the next upload or PDF.
const TOO_LITTLE: u64 = 512 << 20;

pub async fn check(context: Arc<Context>) -> Vec<Finding> {
    let mut places = vec![(
        "disk.temporary",
        "uploads in progress",
        std::env::temp_dir(),
    )];
    if let Some(folder) = context.config.storage.folder_path() {
        places.push(("disk.objects", "stored files", folder));
    }
    let measure = move || {
        places
            .into_iter()
            .map(|(check, what, folder)| room(check, what, &folder))
            .collect()
    };
    // On a thread for blocking work: a network folder that hangs must not block the other checks.
    tokio::task::spawn_blocking(measure)
        .await
        .unwrap_or_default()
}

fn room(check: &'static str, what: &str, folder: &Path) -> Finding {
    match rustix::fs::statvfs(existing(folder)) {
        Ok(found) => judge(
            check,
            what,
            folder,
            found.f_bavail.saturating_mul(found.f_frsize),
        ),
        Err(error) => Finding::failed(
            check,
            format!(
                "the free space of {} can't be read: {error}",
                folder.display()
            ),
            "create the folder, and let this user read and write it",
        ),
    }
}

/// Returns the folder, or its closest parent that exists.
fn existing(folder: &Path) -> PathBuf {
    folder
        .ancestors()
        .find(|path| path.exists())
        .unwrap_or(Path::new("."))
        .to_owned()
}

fn judge(check: &'static str, what: &str, folder: &Path, free: u64) -> Finding {
    let found = format!(
        "{} free in {} for {what}",
        BinaryBytes(free),
        folder.display()
    );
    match free {
        free if free < TOO_LITTLE => {
            Finding::failed(check, found, "free disk space, or use another disk")
        }
        free if free < LITTLE => {
            Finding::warning(check, found, "free disk space before it is full")
        }
        _ => Finding::ok(check, found),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn low_disk_space_is_a_warning_or_a_failure() {
        let level = |free| judge("disk", "x", Path::new("/x"), free).level;
        assert_eq!(
            [LITTLE, LITTLE - 1, TOO_LITTLE, TOO_LITTLE - 1].map(level),
            [Level::Ok, Level::Warning, Level::Warning, Level::Failed]
        );
    }

    #[test]
    fn missing_folder_is_checked_by_its_existing_parent() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(existing(&folder.path().join("a/b")), folder.path());
    }
}
