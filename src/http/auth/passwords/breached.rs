//! Passwords that are known from breaches. They are in a file that the operator provides. The file
//! is too large to load into memory.
//!
//! The file is the SHA-1 download of "Pwned Passwords": lines of the form `HASH:COUNT`, ordered by
//! hash. A binary search finds a password in about 40 short reads.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::HEXLOWER_PERMISSIVE;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use thiserror::Error;

/// Length of the longest line: a hash, a colon, a count of up to 20 digits, and the line end.
const MAX_LINE: usize = 40 + 1 + 20 + 2;
/// Size of one read. It contains at least one whole line, regardless of the byte at which the read
/// starts.
const PIECE: usize = 2 * MAX_LINE;
/// Number of lines that are checked when the file is opened. They are spread over the whole file.
const SAMPLES: u64 = 1_024;

type Sha1 = [u8; 20];

/// Open list. Cheap to clone.
#[derive(Clone)]
pub struct BreachedPasswords {
    file: Arc<File>,
    bytes: u64,
}

/// Reason why a file of breached passwords can't be used.
#[derive(Debug, Error)]
pub enum BadList {
    /// The file can't be read.
    #[error("{} can't be read: {error}", .path.display())]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Cause.
        error: io::Error,
    },
    /// The file does not have the expected content.
    #[error("{}: {problem} near byte {at}; give the Pwned Passwords by SHA-1, ordered by hash", .path.display())]
    Content {
        /// Path of the file.
        path: PathBuf,
        /// Problem.
        problem: &'static str,
        /// Byte offset of the problem.
        at: u64,
    },
}

/// Line of the file: start, end and hash.
struct Line {
    begin: u64,
    end: u64,
    hash: Sha1,
}

impl BreachedPasswords {
    /// Opens the file and checks a sample of its lines: each must be a hash, and the hashes must be
    /// in order. Blocks the thread.
    ///
    /// # Errors
    /// The file can't be read, or does not have the expected content.
    pub fn open(path: &Path) -> Result<Self, BadList> {
        let io = |error| BadList::Io {
            path: path.to_owned(),
            error,
        };
        let file = File::open(path).map_err(io)?;
        let bytes = file.metadata().map_err(io)?.len();
        let list = Self {
            file: Arc::new(file),
            bytes,
        };
        let wrong = |problem, at| BadList::Content {
            path: path.to_owned(),
            problem,
            at,
        };
        let mut last: Option<Line> = None;
        for sample in 0..SAMPLES {
            let at = bytes / SAMPLES * sample + bytes % SAMPLES * sample / SAMPLES;
            let line = list.line_from(at).map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => {
                    wrong("the line does not have the form HASH:COUNT", at)
                }
                _ => io(error),
            })?;
            let Some(line) = line else { break };
            if last
                .as_ref()
                .is_some_and(|last| last.begin < line.begin && last.hash >= line.hash)
            {
                return Err(wrong("the hashes are not in order", line.begin));
            }
            last = Some(line);
        }
        last.map(|_| list)
            .ok_or_else(|| wrong("the file is empty", 0))
    }

    /// Returns true if the file contains `password`. Blocks the thread.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn contains(&self, password: &[u8]) -> io::Result<bool> {
        let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, password);
        let mut low = 0;
        let mut high = self.bytes;
        while low < high {
            let middle = low + (high - low) / 2;
            match self.line_from(middle)?.filter(|line| line.begin < high) {
                Some(line) if sha1.as_ref() == line.hash => return Ok(true),
                Some(line) if sha1.as_ref() > line.hash.as_slice() => low = line.end,
                _ => high = middle,
            }
        }
        Ok(false)
    }

    /// Returns the first line that starts at byte `place` or later, or `None` at the end of the
    /// file.
    fn line_from(&self, place: u64) -> io::Result<Option<Line>> {
        // The read starts one byte before `place`: if that byte is a newline, a line starts at
        // `place`.
        let from = place.saturating_sub(1);
        let mut piece = [0; PIECE];
        let mut filled = 0;
        while filled < PIECE {
            match self
                .file
                .read_at(&mut piece[filled..], from + filled as u64)?
            {
                0 => break,
                read => filled += read,
            }
        }
        let piece = &piece[..filled];
        let begin = match (place, piece.iter().position(|byte| *byte == b'\n')) {
            (0, _) => 0,
            (_, Some(newline)) => newline + 1,
            (_, None) if from + filled as u64 == self.bytes => return Ok(None),
            (_, None) => return Err(io::ErrorKind::InvalidData.into()),
        };
        let line = &piece[begin..];
        if line.is_empty() {
            return Ok(None);
        }
        let length = line
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(line.len(), |newline| newline + 1);
        let hash = hash_of(&line[..length]).ok_or(io::ErrorKind::InvalidData)?;
        let begin = from + begin as u64;
        Ok(Some(Line {
            begin,
            end: begin + length as u64,
            hash,
        }))
    }
}

/// Returns the hash of a line `HASH:COUNT`, or `None` if the line has another form.
fn hash_of(line: &[u8]) -> Option<Sha1> {
    let (digits, count) = line.split_at_checked(40)?;
    let count = count.trim_ascii_end();
    let counts = count.split_first().is_some_and(|(colon, digits)| {
        *colon == b':' && !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
    });
    if !counts {
        return None;
    }
    HEXLOWER_PERMISSIVE.decode(digits).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use data_encoding::HEXLOWER;
    use proptest::prelude::*;
    use tempfile::NamedTempFile;

    use super::*;

    fn line(password: &str, count: u32) -> String {
        let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        format!("{}:{count}", HEXLOWER.encode(sha1.as_ref()).to_uppercase())
    }

    fn file(text: &str) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn list(passwords: &[String], end: &str) -> NamedTempFile {
        let count = |n: usize| u32::try_from(n * n * 7_919 % 1_000_003).unwrap();
        let mut lines: Vec<_> = passwords
            .iter()
            .enumerate()
            .map(|(n, text)| line(text, count(n)))
            .collect();
        lines.sort();
        lines.dedup_by_key(|line| line[..40].to_owned());
        file(
            &lines
                .iter()
                .map(|line| format!("{line}{end}"))
                .collect::<String>(),
        )
    }

    #[test]
    fn search_finds_exactly_the_passwords_in_the_list() {
        let passwords: Vec<_> = (0..3_000).map(|n| format!("Password-{n}")).collect();
        for end in ["\r\n", "\n"] {
            let file = list(&passwords, end);
            let list = BreachedPasswords::open(file.path()).unwrap();
            assert!(
                passwords
                    .iter()
                    .all(|password| list.contains(password.as_bytes()).unwrap())
            );
            assert!((0..3_000).all(|n| !list.contains(format!("Another-{n}").as_bytes()).unwrap()));
        }
        // The last line may lack a newline.
        let one = file(&line("only", 3));
        let list = BreachedPasswords::open(one.path()).unwrap();
        assert!(list.contains(b"only").unwrap() && !list.contains(b"other").unwrap());
    }

    #[test]
    fn invalid_or_unsorted_list_is_rejected_with_the_reason() {
        let mut lines: Vec<_> = (0..10).map(|n| line(&n.to_string(), n)).collect();
        lines.sort();
        lines.reverse();
        let unordered = lines.join("\n");
        let hashes = lines[0].replace(':', " ");
        for (text, problem) in [
            ("", "empty"),
            (unordered.as_str(), "order"),
            ("password\n123456\n", "HASH:COUNT"),
            (hashes.as_str(), "HASH:COUNT"),
            (&"A".repeat(1_000), "HASH:COUNT"),
        ] {
            let error = BreachedPasswords::open(file(text).path())
                .err()
                .map(|error| error.to_string());
            assert!(
                error.as_ref().is_some_and(|error| error.contains(problem)),
                "{error:?}"
            );
        }
        let missing = BreachedPasswords::open(Path::new("/nonexistent/list"));
        assert!(matches!(missing, Err(BadList::Io { .. })));
    }

    proptest! {
        #[test]
        fn any_list_file_is_searched_without_panic(text in "[0-9A-F:\n]{0,400}", password in ".{0,9}") {
            let file = file(&text);
            if let Ok(list) = BreachedPasswords::open(file.path()) {
                let _ = list.contains(password.as_bytes());
            }
        }
    }
}
