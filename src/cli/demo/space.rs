//! Check of the free disk space for certificates and mails, which are kept.

use std::path::Path;

use indicatif::{DecimalBytes, HumanCount};

/// Bytes per person: PDF, mail with the PDF, events and rows. Measured with the demo's design.
const PER_PERSON: u64 = 240_000;
/// Additional bytes that the servers need.
const RESERVE: u64 = 200_000_000;

/// Rejects more people than fit on the disk.
///
/// # Errors
/// Fails if there is not enough space. The message says how many people fit.
pub fn check(people: u64, folder: &Path) -> anyhow::Result<()> {
    let found = rustix::fs::statvfs(folder)?;
    enough(people, found.f_bavail.saturating_mul(found.f_frsize))
        .map_err(|text| anyhow::anyhow!("{text} in {}", folder.display()))
}

fn enough(people: u64, free: u64) -> Result<(), String> {
    let needed = people.saturating_mul(PER_PERSON).saturating_add(RESERVE);
    if needed <= free {
        return Ok(());
    }
    let fit = free.saturating_sub(RESERVE) / PER_PERSON;
    let people = HumanCount(people);
    let needed = DecimalBytes(needed);
    let free = DecimalBytes(free);
    Err(format!(
        "{people} people need about {needed}; give at most --people {fit} or another --data-dir: only {free} are free"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_people_are_refused_with_the_maximum() {
        assert_eq!(enough(1_000, 500_000_000), Ok(()));
        let refused = enough(10_000, 500_000_000).expect_err("too many");
        assert!(
            refused.contains("10,000 people need about 2.60 GB; give at most --people 1250"),
            "{refused}"
        );
        assert!(enough(u64::MAX, u64::MAX - 1).is_err());
    }

    #[test]
    fn free_disk_space_is_checked() {
        assert!(check(u64::MAX, &std::env::temp_dir()).is_err());
        assert!(check(1, Path::new("/nonexistent")).is_err());
    }
}
