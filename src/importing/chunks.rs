//! Reading of a file on a separate thread, in chunks of rows and ahead of the import.

use std::path::Path;

use tokio::sync::mpsc;

use super::{CHUNK, ImportError, READ_AHEAD};
use crate::domain::certification::import::{FileFormat, ImportRequested};
use crate::spreadsheet;
use crate::spreadsheet::{Format, Limits, SheetReader, SheetRow};

/// Reads a file on a separate thread and sends its rows in chunks.
pub(super) fn read_in_chunks(
    file: &Path,
    asked: &ImportRequested,
    limits: Limits,
) -> mpsc::Receiver<Result<Vec<SheetRow>, ImportError>> {
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    let file = file.to_owned();
    let format = asked.format;
    let requires_document = asked.requires_document;
    let reading = asked.reading.clone();
    tokio::task::spawn_blocking(move || {
        let opened = spreadsheet::open(&file, format.into(), limits, &reading);
        let reader = match opened.and_then(|reader| reader.with_document_column(requires_document))
        {
            Ok(reader) => reader,
            Err(error) => {
                // Sending fails only if the import has stopped and dropped the receiver.
                let _ = sender.blocking_send(Err(error.into()));
                return;
            }
        };
        hand_over(reader, &sender);
    });
    receiver
}

fn hand_over(reader: SheetReader, sender: &mpsc::Sender<Result<Vec<SheetRow>, ImportError>>) {
    let mut chunk = Vec::with_capacity(CHUNK);
    for row in reader {
        match row {
            Ok(row) => chunk.push(row),
            Err(error) => {
                let _ = sender.blocking_send(Ok(chunk));
                let _ = sender.blocking_send(Err(error.into()));
                return;
            }
        }
        if chunk.len() == CHUNK
            && sender
                .blocking_send(Ok(std::mem::take(&mut chunk)))
                .is_err()
        {
            return;
        }
    }
    let _ = sender.blocking_send(Ok(chunk));
}

impl From<FileFormat> for Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Csv => Self::Csv,
            FileFormat::Xlsx => Self::Xlsx,
            FileFormat::Xls => Self::Xls,
            FileFormat::Json => Self::Json,
        }
    }
}

impl From<Format> for FileFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Xlsx => Self::Xlsx,
            Format::Xls => Self::Xls,
            Format::Json => Self::Json,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SharedEmail;
    use crate::domain::certification::mail::MailDelivery;
    use crate::spreadsheet::made_up_people;

    #[tokio::test]
    async fn rows_arrive_in_chunks_and_one_chunk_is_read_ahead() {
        let asked = ImportRequested {
            object_key: String::new(),
            format: FileFormat::Csv,
            sha256: String::new(),
            size: 1,
            update_existing: false,
            certificate_id: None,
            delivery: MailDelivery::Immediate,
            issue_date: None,
            requires_document: true,
            shared_email: SharedEmail::Refuse,
            reading: crate::domain::certification::reading::Reading::default(),
        };
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        made_up_people(5 * CHUNK + 1, 7, &mut file).expect("the file is writable");
        let mut chunks = read_in_chunks(file.path(), &asked, Limits::default());
        assert_eq!(chunks.max_capacity(), READ_AHEAD);
        let mut sizes = Vec::new();
        let mut last = 1;
        while let Some(chunk) = chunks.recv().await {
            let chunk = chunk.expect("the file is whole");
            assert_eq!(
                chunk.first().map(|row| row.row),
                Some(last + 1),
                "in the file's order"
            );
            last = chunk.last().map_or(last, |row| row.row);
            sizes.push(chunk.len());
        }
        assert_eq!(sizes, [CHUNK, CHUNK, CHUNK, CHUNK, CHUNK, 1]);
    }
}
