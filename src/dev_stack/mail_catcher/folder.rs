//! Folder of caught messages. Each file starts with header lines for the envelope: `Return-Path`,
//! one `Delivered-To` per recipient, and a `Received` that marks the end of these lines. The
//! message follows.

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use mail_parser::MessageParser;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::eml;

/// Number of bytes of each file that are read for a list. The headers are within this part.
const HEAD_BYTES: u64 = 64 * 1024;
const END_OF_ENVELOPE: &str = "Received: by laureate-mail-catcher; ";

/// Message that the catcher has received. Its `Debug` form contains no address and no subject.
#[derive(Clone, PartialEq, Eq)]
pub struct CaughtMail {
    /// Id of digits and dashes. Sorted ids are in order of arrival.
    pub id: String,
    /// Sender of the envelope.
    pub from: String,
    /// Accepted recipients of the envelope.
    pub to: Vec<String>,
    /// Decoded subject. Empty if there is none.
    pub subject: String,
    /// Time of arrival.
    pub received_at: OffsetDateTime,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// The `.eml` file.
    pub path: PathBuf,
}

impl fmt::Debug for CaughtMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaughtMail")
            .field("id", &self.id)
            .field("recipients", &self.to.len())
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

pub(crate) struct MailFolder {
    path: PathBuf,
    count: AtomicU64,
    next: AtomicU64,
}

impl MailFolder {
    /// Opens or creates the folder. Removes incomplete files of a killed run.
    pub fn open(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let mut count = 0;
        for entry in fs::read_dir(path)? {
            let file = entry?.path();
            match file.extension().and_then(|extension| extension.to_str()) {
                Some("eml") => count += 1,
                Some("part") => fs::remove_file(file)?,
                _ => {}
            }
        }
        Ok(Self {
            path: path.to_path_buf(),
            count: AtomicU64::new(count),
            next: AtomicU64::new(0),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Stores a message and returns its id. The file is created completely or not at all. It is not
    /// synced to disk.
    pub fn keep(&self, from: &str, to: &[String], body: &[u8]) -> io::Result<String> {
        let now = OffsetDateTime::now_utc();
        let micros = now.unix_timestamp_nanos() / 1000;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("{micros:016}-{number:07}");
        let mut text = format!("Return-Path: <{from}>\r\n");
        for to in to {
            text += &format!("Delivered-To: {to}\r\n");
        }
        let date = now.format(&Rfc2822).map_err(io::Error::other)?;
        text += &format!("{END_OF_ENVELOPE}{date}\r\n");
        let unfinished = self.path.join(format!("{id}.part"));
        let mut file = File::create_new(&unfinished)?;
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(body);
        file.write_all(&bytes)?;
        drop(file);
        fs::rename(unfinished, eml(&self.path, &id))?;
        self.count.fetch_add(1, Ordering::Relaxed);
        Ok(id)
    }
}

/// Returns the newest `limit` messages in the folder of a catcher, newest first.
pub fn caught_mails(folder: &Path, limit: usize) -> io::Result<Vec<CaughtMail>> {
    let mut ids: Vec<String> = fs::read_dir(folder)?
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".eml")?.to_owned()))
        .collect();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.truncate(limit);
    ids.iter()
        .filter_map(|id| caught_mail(folder, id).transpose())
        .collect()
}

/// Returns the message with id `id`, or `None` if it doesn't exist or the id is malformed.
pub fn caught_mail(folder: &Path, id: &str) -> io::Result<Option<CaughtMail>> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return Ok(None);
    }
    let path = eml(folder, id);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let bytes = file.metadata()?.len();
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head)?;
    let (from, to) = envelope(&head);
    let subject = MessageParser::default()
        .parse_headers(&head[..])
        .and_then(|message| message.subject().map(str::to_owned))
        .unwrap_or_default();
    Ok(Some(CaughtMail {
        id: id.to_owned(),
        from,
        to,
        subject,
        received_at: arrival(id).unwrap_or(OffsetDateTime::UNIX_EPOCH),
        bytes,
        path,
    }))
}

fn arrival(id: &str) -> Option<OffsetDateTime> {
    let micros: i128 = id.split('-').next()?.parse().ok()?;
    OffsetDateTime::from_unix_timestamp_nanos(micros.checked_mul(1000)?).ok()
}

fn envelope(head: &[u8]) -> (String, Vec<String>) {
    let mut from = String::new();
    let mut to = Vec::new();
    for line in head.split(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if let Some(sender) = line.strip_prefix("Return-Path: ") {
            from = sender.trim_matches(['<', '>']).to_owned();
        } else if let Some(recipient) = line.strip_prefix("Delivered-To: ") {
            to.push(recipient.to_owned());
        } else {
            break;
        }
    }
    (from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_message_is_listed_with_its_headers() {
        let temp = tempfile::tempdir().unwrap();
        let folder = MailFolder::open(temp.path()).unwrap();
        let to = ["a@example.org".to_owned(), "b@example.org".to_owned()];
        let body = "Delivered-To: x@example.org\r\nSubject: =?utf-8?B?wqFIb2xhIQ==?=\r\n\r\nHi\r\n";
        let first = folder.keep("me@example.org", &to, body.as_bytes()).unwrap();
        let second = folder.keep("", &to[..1], b"no headers").unwrap();
        let mails = caught_mails(temp.path(), 10).unwrap();
        assert_eq!(
            mails.iter().map(|mail| &mail.id).collect::<Vec<_>>(),
            [&second, &first]
        );
        let mail = &mails[1];
        assert_eq!(
            (mail.from.as_str(), &mail.to[..]),
            ("me@example.org", &to[..])
        );
        assert_eq!(mail.subject, "¡Hola!");
        assert!(fs::read(&mail.path).unwrap().ends_with(body.as_bytes()));
        assert!((OffsetDateTime::now_utc() - mail.received_at).whole_minutes() < 5);
        assert!(!format!("{mail:?}").contains("example.org"));
        assert_eq!(caught_mails(temp.path(), 1).unwrap().len(), 1);
        assert_eq!(MailFolder::open(temp.path()).unwrap().count(), 2);
    }

    #[test]
    fn mail_id_cannot_escape_the_folder() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("secret.eml"), "x").unwrap();
        let inner = temp.path().join("mail");
        MailFolder::open(&inner).unwrap();
        for id in ["../secret", "", "..", "secret", "1/2"] {
            assert!(caught_mail(&inner, id).unwrap().is_none(), "{id}");
        }
    }
}
