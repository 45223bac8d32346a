//! Report object in JSON lines: the headers of the file on the first line, then one rejected row or
//! row with a warning per line.

use std::collections::HashSet;
use std::io::{self, BufRead, BufWriter, Seek as _, SeekFrom, Write};

use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempPath};

use super::report::{ErrorDetail, MAX_SHOWN};

/// Beginning of the first line. Older reports have no such line and begin with a row.
pub const HEAD_BEGINS: &[u8] = b"{\"columns\":";

/// First line of a report.
#[derive(Serialize, Deserialize)]
struct Head {
    columns: Vec<String>,
    /// Number of rows that were imported with a warning.
    #[serde(default, skip_serializing_if = "is_zero")]
    warnings: u32,
}

const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Writer of a report. It uses a temporary file, because a million rejected rows would not fit into
/// memory. The file is created when the first row is added.
#[derive(Default)]
pub struct ReportFile {
    rows: Option<BufWriter<NamedTempFile>>,
    columns: Vec<String>,
    known: HashSet<String>,
    warnings: u32,
}

impl ReportFile {
    /// Adds a row.
    ///
    /// # Errors
    /// The temporary file can't be written.
    pub fn add(&mut self, detail: &ErrorDetail) -> io::Result<()> {
        if self.columns.is_empty() {
            self.know(detail.columns.iter());
        }
        self.warnings += u32::from(detail.is_warning());
        // A cell outside of the header has the letter of its column as header.
        self.know(detail.data.keys());
        let rows = match &mut self.rows {
            Some(rows) => rows,
            empty => empty.insert(BufWriter::with_capacity(64 * 1024, NamedTempFile::new()?)),
        };
        serde_json::to_writer(&mut *rows, detail)?;
        rows.write_all(b"\n")
    }

    fn know<'h>(&mut self, headers: impl Iterator<Item = &'h String>) {
        for header in headers {
            if !self.known.contains(header) {
                self.known.insert(header.clone());
                self.columns.push(header.clone());
            }
        }
    }

    /// Returns the path of the complete file, or `None` if no row was added. The file is deleted
    /// when the path is dropped.
    ///
    /// # Errors
    /// The temporary file can't be written.
    pub fn finish(self) -> io::Result<Option<TempPath>> {
        let Some(rows) = self.rows else {
            return Ok(None);
        };
        let mut rows = rows.into_inner().map_err(io::IntoInnerError::into_error)?;
        rows.seek(SeekFrom::Start(0))?;
        let mut whole = NamedTempFile::new()?;
        serde_json::to_writer(
            &mut whole,
            &Head {
                columns: self.columns,
                warnings: self.warnings,
            },
        )?;
        whole.write_all(b"\n")?;
        io::copy(&mut rows, &mut whole)?;
        Ok(Some(whole.into_temp_path()))
    }

    /// Returns the number of rows that were imported with a warning, from the beginning of a
    /// report.
    #[must_use]
    pub fn warnings(start: &[u8]) -> u32 {
        let head = start
            .split(|&byte| byte == b'\n')
            .next()
            .unwrap_or_default();
        serde_json::from_slice::<Head>(head).map_or(0, |head| head.warnings)
    }

    /// Returns the complete rows in `start`, the beginning of a report, which may end within a
    /// line. Returns at most [`MAX_SHOWN`] rows.
    ///
    /// # Errors
    /// A line is not a valid row.
    pub fn first_rows(start: &[u8]) -> serde_json::Result<Vec<ErrorDetail>> {
        let whole = start
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |last| last + 1);
        let lines = start[..whole].split(|&byte| byte == b'\n');
        let rows = lines.filter(|line| !line.is_empty() && !line.starts_with(HEAD_BEGINS));
        rows.take(MAX_SHOWN).map(serde_json::from_slice).collect()
    }
}

/// Reader of a stored report. It returns the headers, then the rows.
pub struct StoredReport<R> {
    lines: io::Lines<R>,
    /// Headers of the uploaded file, from left to right. A column without a header has its letter
    /// instead.
    pub columns: Vec<String>,
    first: Option<String>,
}

impl<R: BufRead> StoredReport<R> {
    /// Opens a report. If the report has no head, the headers of its first row are used.
    ///
    /// # Errors
    /// The report can't be read, or is damaged.
    pub fn open(file: R) -> io::Result<Self> {
        let mut lines = file.lines();
        let first = lines.next().transpose()?;
        match first {
            Some(head) if head.as_bytes().starts_with(HEAD_BEGINS) => {
                let head: Head = serde_json::from_str(&head).map_err(|_| damaged())?;
                Ok(Self {
                    lines,
                    columns: head.columns,
                    first: None,
                })
            }
            Some(first) => {
                let row: ErrorDetail = serde_json::from_str(&first).map_err(|_| damaged())?;
                Ok(Self {
                    lines,
                    columns: row.data.into_keys().collect(),
                    first: Some(first),
                })
            }
            None => Ok(Self {
                lines,
                columns: Vec::new(),
                first: None,
            }),
        }
    }

    /// Returns the next row as a line of JSON.
    ///
    /// # Errors
    /// The report can't be read.
    pub fn next_line(&mut self) -> io::Result<Option<String>> {
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.lines.next().transpose(),
        }
    }

    /// Returns the next row.
    ///
    /// # Errors
    /// The report can't be read, or is damaged.
    pub fn next_row(&mut self) -> io::Result<Option<ErrorDetail>> {
        let line = self.next_line()?;
        line.map(|line| serde_json::from_str(&line).map_err(|_| damaged()))
            .transpose()
    }
}

/// Returns an error without the parser's message, because that message may quote the row.
fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the report is damaged")
}

#[cfg(test)]
mod tests {
    use super::super::report::samples::rejected;
    use super::*;

    fn written(rows: u32) -> Vec<u8> {
        let mut file = ReportFile::default();
        for row in 0..rows {
            file.add(&rejected(row)).expect("the file is writable");
        }
        let path = file.finish().expect("written").expect("rows were rejected");
        std::fs::read(&path).expect("it is there")
    }

    #[test]
    fn the_first_rows_are_read_from_the_beginning_of_a_report() {
        let whole = written(1_500);
        let rows = |bytes: &[u8]| -> Vec<u32> {
            ReportFile::first_rows(bytes)
                .expect("whole lines")
                .iter()
                .map(|detail| detail.row)
                .collect()
        };
        assert_eq!(rows(&whole), (0..1_000).collect::<Vec<u32>>());
        // Wherever a report is cut, its complete lines are read.
        let head = whole.iter().position(|&byte| byte == b'\n').expect("lines") + 1;
        let line = head
            + whole[head..]
                .iter()
                .position(|&byte| byte == b'\n')
                .expect("lines")
            + 1;
        for (end, count) in [(0, 0), (head, 0), (line - 1, 0), (line, 1), (line + 5, 1)] {
            assert_eq!(rows(&whole[..end]).len(), count);
        }
        assert!(
            ReportFile::default()
                .finish()
                .expect("nothing to write")
                .is_none()
        );
    }

    #[test]
    fn report_with_or_without_head_can_be_read() {
        let whole = written(3);
        let headless = &whole[whole.iter().position(|&byte| byte == b'\n').expect("lines") + 1..];
        for (bytes, columns) in [
            (&whole[..], vec!["Name".to_owned()]),
            (headless, Vec::new()),
        ] {
            let mut report = StoredReport::open(bytes).expect("it is whole");
            assert_eq!(report.columns, columns);
            for row in 0..3 {
                assert_eq!(
                    report
                        .next_row()
                        .expect("it is whole")
                        .map(|detail| detail.row),
                    Some(row)
                );
            }
            assert!(report.next_row().expect("it is whole").is_none());
        }
        assert!(StoredReport::open(&b"odd\n"[..]).is_err());
    }
}
