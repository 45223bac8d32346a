//! Bundle of a batch's issued certificates: a ZIP archive, or a single PDF for printing.
//!
//! A bundle is streamed, so that only a few certificates are in memory at a time.

use std::collections::HashSet;
use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use time::Date;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Rendering, RenderingError};
use crate::certificate_pdf::joined::JoinedPdf;
use crate::domain::certification::file_name::attachment_file_name;
use crate::domain::{IssuanceId, Personal};

/// Maximum number of certificates that are loaded concurrently.
const AT_ONCE: usize = 4;
/// Maximum number of loaded certificates that are waiting to be written.
const AHEAD: usize = 2;
/// Size of the chunks that the client receives, in bytes.
const PIECE: usize = 128 << 10;
/// Maximum number of chunks that are waiting for the client.
const PIECES_AHEAD: usize = 4;
/// Time limit for the client to accept one chunk.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// Time limit for a whole bundle.
const LONGEST: Duration = Duration::from_secs(3600);
/// Name of the entry in the archive that contains the number of missing certificates.
const MISSING: &str = "NOT_INCLUDED.txt";

/// Format of the bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleKind {
    /// ZIP archive with one PDF per certificate.
    Zip,
    /// One PDF with the pages of all certificates.
    Pdf,
}

/// Bundle to write.
pub struct Bundle {
    /// Format of the bundle.
    pub kind: BundleKind,
    /// Certificates in order, each with the person's name.
    pub certificates: Vec<(IssuanceId, Personal<String>)>,
    /// Number of certificates that are not included because they have no PDF or are revoked.
    pub missing: usize,
    /// Modification date of the archive's entries.
    pub date: Date,
}

/// Loaded certificate, or the end. The end contains the number of certificates that are revoked by
/// now.
enum Incoming {
    Certificate(Personal<String>, Bytes),
    End { revoked: usize },
}

impl Bundle {
    /// Starts writing the bundle and returns its chunks. `None` marks the end of a complete bundle.
    /// No chunk follows an error. `guard` is dropped when writing has ended.
    pub fn write<G: Send + 'static>(
        self,
        rendering: Rendering,
        guard: G,
    ) -> mpsc::Receiver<io::Result<Option<Bytes>>> {
        let (pieces, receiver) = mpsc::channel(PIECES_AHEAD);
        let (loaded, incoming) = mpsc::channel(AHEAD);
        let Self {
            kind,
            certificates,
            missing,
            date,
        } = self;
        tokio::spawn(load(rendering, certificates, loaded));
        let runtime = Handle::current();
        let until = Instant::now() + LONGEST;
        tokio::task::spawn_blocking(move || {
            let _guard = guard;
            let mut out = Pieces {
                runtime,
                pieces,
                piece: Vec::with_capacity(PIECE),
                until,
            };
            let written = match kind {
                BundleKind::Zip => write_zip(&mut out, incoming, missing, date),
                BundleKind::Pdf => write_pdf(&mut out, incoming),
            };
            if let Err(error) = written.and_then(|()| out.end()) {
                tracing::warn!(kind = ?kind, error = %error.kind(), "bundle of certificates aborted");
                out.fail(error);
            }
        });
        receiver
    }
}

/// Loads the certificates in order. If one is unavailable, ends without [`Incoming::End`].
async fn load(
    rendering: Rendering,
    certificates: Vec<(IssuanceId, Personal<String>)>,
    loaded: mpsc::Sender<Incoming>,
) {
    let rendering = &rendering;
    let mut files = stream::iter(certificates)
        .map(|(id, name)| async move { (id, name, rendering.issued_pdf(id).await) })
        .buffered(AT_ONCE);
    let mut revoked = 0;
    while let Some((id, name, file)) = files.next().await {
        match file {
            Ok(Some(file)) => {
                if loaded
                    .send(Incoming::Certificate(name, file))
                    .await
                    .is_err()
                {
                    return;
                }
            }
            Err(RenderingError::Revoked) => revoked += 1,
            Ok(None) => {
                return tracing::error!(issuance_id = %id, "PDF missing in log");
            }
            Err(error) => {
                return tracing::error!(issuance_id = %id, code = error.code(), "certificate not available for a bundle");
            }
        }
    }
    let _ = loaded.send(Incoming::End { revoked }).await;
}

fn write_zip(
    out: &mut Pieces,
    mut incoming: mpsc::Receiver<Incoming>,
    missing: usize,
    date: Date,
) -> io::Result<()> {
    let year = u16::try_from(date.year()).unwrap_or_default();
    let modified =
        zip::DateTime::from_date_and_time(year, date.month().into(), date.day(), 0, 0, 0);
    // PDFs are already compressed.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(modified.unwrap_or_default());
    let mut zip = ZipWriter::new_stream(out);
    let mut names = FileNames::default();
    let revoked = loop {
        match incoming.blocking_recv() {
            Some(Incoming::Certificate(name, file)) => {
                zip.start_file(names.unique(name.reveal_str()), options)?;
                zip.write_all(&file)?;
            }
            Some(Incoming::End { revoked }) => break revoked,
            None => return Err(io::Error::other("a certificate is not available")),
        }
    };
    if missing + revoked > 0 {
        zip.start_file(MISSING, options)?;
        zip.write_all(missing_note(missing + revoked).as_bytes())?;
    }
    zip.finish()?;
    Ok(())
}

fn write_pdf(out: &mut Pieces, mut incoming: mpsc::Receiver<Incoming>) -> io::Result<()> {
    let mut joined = JoinedPdf::new(out)?;
    loop {
        match incoming.blocking_recv() {
            Some(Incoming::Certificate(_, file)) => joined.add(file).map_err(io::Error::other)?,
            Some(Incoming::End { .. }) => return joined.finish(),
            None => return Err(io::Error::other("a certificate is not available")),
        }
    }
}

/// Returns the text about missing certificates.
fn missing_note(missing: usize) -> String {
    format!(
        "Certificates of this batch that are not in this file: {missing}.\r\n\
         They have no PDF, or were revoked.\r\n\r\n\
         Certificados de este lote que no están en este archivo: {missing}.\r\n\
         No tienen PDF o fueron revocados.\r\n"
    )
}

/// Set of used file names. They stay unique on a file system that ignores case.
#[derive(Default)]
struct FileNames(HashSet<String>);

impl FileNames {
    /// Returns `{full_name}_certificate.pdf`, with a number before the extension if the name is
    /// already used.
    fn unique(&mut self, full_name: &str) -> String {
        let first = attachment_file_name(full_name);
        let stem = first.strip_suffix(".pdf").unwrap_or(&first);
        let numbered = (2..).map(|n: u32| format!("{stem} ({n}).pdf"));
        let mut names = std::iter::once(first.clone()).chain(numbered);
        names
            .find(|name| self.0.insert(name.to_lowercase()))
            .unwrap_or_default()
    }
}

/// Writer that sends chunks to the client and blocks until the client accepts them.
struct Pieces {
    runtime: Handle,
    pieces: mpsc::Sender<io::Result<Option<Bytes>>>,
    piece: Vec<u8>,
    /// Time at which writing is aborted.
    until: Instant,
}

impl Pieces {
    /// Sends the last chunk, then the end of the bundle.
    fn end(&mut self) -> io::Result<()> {
        self.flush()?;
        self.send(Ok(None), self.until.min(Instant::now() + MAX_WAIT))
    }

    /// Ends the bundle with an error, so that the client recognises it as incomplete.
    fn fail(&self, error: io::Error) {
        let _ = self.send(Err(error), Instant::now() + MAX_WAIT);
    }

    /// Sends a chunk or an error. Fails if the client doesn't accept it before `deadline`.
    fn send(&self, piece: io::Result<Option<Bytes>>, deadline: Instant) -> io::Result<()> {
        // A timer must be created inside the runtime.
        let sent = self
            .runtime
            .block_on(async { tokio::time::timeout_at(deadline, self.pieces.send(piece)).await });
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        if self.piece.len() == PIECE {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::replace(
            &mut self.piece,
            Vec::with_capacity(PIECE),
        ));
        let now = Instant::now();
        if now >= self.until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.send(Ok(Some(piece)), self.until.min(now + MAX_WAIT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_unique_also_without_case() {
        let mut names = FileNames::default();
        let unique: Vec<String> = [
            "José Núñez",
            "JOSÉ NÚÑEZ",
            "Jose\u{301} Nu\u{301}n\u{303}ez",
            "",
            "/",
            "Ada",
        ]
        .map(|name| names.unique(name))
        .to_vec();
        assert_eq!(
            unique,
            [
                "José Núñez_certificate.pdf",
                "JOSÉ NÚÑEZ_certificate (2).pdf",
                "José Núñez_certificate (3).pdf",
                "certificate.pdf",
                "-_certificate.pdf",
                "Ada_certificate.pdf"
            ]
        );
    }

    async fn read(mut receiver: mpsc::Receiver<io::Result<Option<Bytes>>>) -> io::Result<Vec<u8>> {
        let mut read = Vec::new();
        while let Some(piece) = receiver.recv().await.expect("an end")? {
            read.extend_from_slice(&piece);
        }
        Ok(read)
    }

    /// Creates an archive of the given items and returns its bytes.
    async fn archive(sent: Vec<Incoming>, longest: Duration) -> io::Result<Vec<u8>> {
        let (pieces, receiver) = mpsc::channel(1);
        let (loaded, incoming) = mpsc::channel(1);
        tokio::spawn(async move {
            for one in sent {
                let _ = loaded.send(one).await;
            }
        });
        let runtime = Handle::current();
        let until = Instant::now() + longest;
        tokio::task::spawn_blocking(move || {
            let mut out = Pieces {
                runtime,
                pieces,
                piece: Vec::with_capacity(PIECE),
                until,
            };
            let date = time::macros::date!(2026 - 11 - 21);
            if let Err(error) = write_zip(&mut out, incoming, 2, date).and_then(|()| out.end()) {
                out.fail(error);
            }
        });
        read(receiver).await
    }

    #[tokio::test]
    async fn archive_contains_every_file_and_the_number_of_missing_ones() {
        let file = |byte: u8| Bytes::from(vec![byte; 3 * PIECE / 2]);
        let certificate =
            |name: &str, byte| Incoming::Certificate(name.to_owned().into(), file(byte));
        let sent = vec![
            certificate("Ana Núñez", 1),
            certificate("ana núñez", 2),
            Incoming::End { revoked: 1 },
        ];
        let zip = archive(sent, LONGEST).await.unwrap();
        let mut zip = zip::ZipArchive::new(io::Cursor::new(zip)).unwrap();
        let names: Vec<String> = zip
            .file_names()
            .map(|name| name.unwrap().into_owned())
            .collect();
        assert_eq!(
            names,
            [
                "Ana Núñez_certificate.pdf",
                "ana núñez_certificate (2).pdf",
                MISSING
            ]
        );
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut zip.by_index(1).unwrap(), &mut bytes).unwrap();
        assert_eq!(bytes, file(2));
        let text = io::read_to_string(zip.by_name(MISSING).unwrap()).unwrap();
        assert!(text.contains("not in this file: 3."), "{text}");
    }

    #[tokio::test]
    async fn missing_end_of_the_input_ends_the_archive_with_an_error() {
        let sent = vec![Incoming::Certificate(
            "Ada".to_owned().into(),
            Bytes::from_static(b"pdf"),
        )];
        assert!(archive(sent, LONGEST).await.is_err());
    }

    #[tokio::test]
    async fn archive_that_takes_too_long_ends_with_an_error() {
        let file = Bytes::from(vec![1; 2 * PIECE]);
        let sent = vec![
            Incoming::Certificate("Ada".to_owned().into(), file),
            Incoming::End { revoked: 0 },
        ];
        assert!(archive(sent, Duration::ZERO).await.is_err());
    }
}
