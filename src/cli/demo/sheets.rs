//! Spreadsheets of the demo: the sample, or a given number of made-up people.

use std::io::{self, Write};

use bytes::Bytes;

use crate::spreadsheet::made_up_people;

/// Sample file of the repository.
const SAMPLE: &[u8] = include_bytes!("../../../samples/people.csv");
/// Rows of the sample that must be rejected: an invalid address, a missing document, and a
/// duplicate.
pub const SAMPLE_REJECTED: u64 = 3;
/// Rows per file. Several files are imported concurrently.
const ROWS_PER_FILE: u64 = 100_000;

/// File to upload.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Name of the file.
    pub name: String,
    /// Number of rows below the header.
    pub rows: u64,
    /// Content, as CSV.
    pub bytes: Bytes,
}

/// Returns the sample file.
pub fn sample() -> Sheet {
    let rows = csv::Reader::from_reader(SAMPLE).byte_records().count() as u64;
    Sheet {
        name: "people.csv".to_owned(),
        rows,
        bytes: Bytes::from_static(SAMPLE),
    }
}

/// Returns made-up people, in files of 100,000 rows.
///
/// # Errors
/// Writes only to memory, so no error is expected.
pub fn made_up(people: usize, seed: u64) -> io::Result<Vec<Sheet>> {
    let mut files = Files {
        rows_per_file: ROWS_PER_FILE,
        ..Files::default()
    };
    made_up_people(people, seed, &mut files)?;
    Ok(files.finish())
}

/// Splits a CSV into files of `rows_per_file` rows, each with the header. Values must not contain
/// line breaks.
#[derive(Default)]
struct Files {
    rows_per_file: u64,
    header: Option<Vec<u8>>,
    line: Vec<u8>,
    rows: u64,
    current: Vec<u8>,
    finished: Vec<Sheet>,
}

impl Files {
    fn take_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let Some(header) = &self.header else {
            self.current.clone_from(&line);
            self.header = Some(line);
            return;
        };
        if self.rows == self.rows_per_file {
            let full = std::mem::replace(&mut self.current, header.clone());
            self.keep(full);
        }
        self.rows += 1;
        self.current.extend_from_slice(&line);
    }

    fn keep(&mut self, bytes: Vec<u8>) {
        let name = format!("people-{}.csv", self.finished.len() + 1);
        self.finished.push(Sheet {
            name,
            rows: self.rows,
            bytes: bytes.into(),
        });
        self.rows = 0;
    }

    fn finish(mut self) -> Vec<Sheet> {
        if self.rows > 0 {
            let last = std::mem::take(&mut self.current);
            self.keep(last);
        }
        self.finished
    }
}

impl Write for Files {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.take_line();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(sheet: &Sheet) -> Vec<csv::StringRecord> {
        csv::Reader::from_reader(&sheet.bytes[..])
            .into_records()
            .map(|row| row.expect("a row"))
            .collect()
    }

    #[test]
    fn row_count_of_the_sample_is_correct() {
        let sheet = sample();
        assert_eq!(sheet.rows, records(&sheet).len() as u64);
        assert!(sheet.rows > 50);
    }

    #[test]
    fn many_people_are_split_into_files_without_loss() {
        let mut files = Files {
            rows_per_file: 100,
            ..Files::default()
        };
        made_up_people(250, 7, &mut files).expect("writing to memory never fails");
        let sheets = files.finish();
        assert_eq!(
            sheets.iter().map(|sheet| sheet.rows).collect::<Vec<_>>(),
            [100, 100, 50]
        );
        let mut whole = Vec::new();
        made_up_people(250, 7, &mut whole).expect("writing to memory never fails");
        let whole = Sheet {
            name: String::new(),
            rows: 250,
            bytes: whole.into(),
        };
        assert_eq!(
            sheets.iter().flat_map(records).collect::<Vec<_>>(),
            records(&whole)
        );
    }

    #[test]
    fn full_file_is_not_followed_by_an_empty_one() {
        let mut files = Files {
            rows_per_file: 100,
            ..Files::default()
        };
        made_up_people(200, 7, &mut files).expect("writing to memory never fails");
        assert_eq!(files.finish().len(), 2);
    }
}
