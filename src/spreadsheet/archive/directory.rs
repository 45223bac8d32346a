//! Checks a ZIP central directory by its end records (APPNOTE 4.3.14–4.3.16), before memory is
//! allocated for its entries.
//!
//! The last end record must directly follow the directory. A reader then doesn't need to search for
//! it and can't use another record instead.

use std::io::{self, Read, Seek, SeekFrom};

use crate::spreadsheet::SheetError;

/// Maximum number of parts. A workbook has about 12 parts, or some hundreds if it has many sheets
/// and pictures.
pub(super) const MAX_PARTS: u64 = 10_000;
/// Maximum size of the directory in bytes. An entry of a workbook has about 80 bytes.
const MAX_DIRECTORY_BYTES: u64 = 4 << 20;
const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
const MAX_COMMENT_BYTES: u64 = 65_535;
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_BYTES: u64 = 20;
const END_64: &[u8] = b"PK\x06\x06";
const END_64_BYTES: usize = 56;
const ENTRY: &[u8] = b"PK\x01\x02";

/// Offset and size of the central directory, as its end record gives them.
struct Directory {
    parts: u64,
    bytes: u64,
    start: u64,
    /// Offset of the end record. The record must follow the directory.
    end: u64,
}

/// Rejects an archive with too many parts, or whose end records don't match its directory.
pub(super) fn check<R: Read + Seek>(file: &mut R) -> Result<(), SheetError> {
    let directory = directory(file)?;
    if directory.parts > MAX_PARTS || directory.bytes > MAX_DIRECTORY_BYTES {
        return Err(SheetError::broken("it has too many parts"));
    }
    if directory.start.checked_add(directory.bytes) != Some(directory.end) {
        return Err(incomplete_archive());
    }
    if directory.parts > 0 && read_at(file, directory.start, 4)? != ENTRY {
        return Err(incomplete_archive());
    }
    Ok(())
}

fn directory<R: Read + Seek>(file: &mut R) -> Result<Directory, SheetError> {
    let size = file.seek(SeekFrom::End(0))?;
    let tail_start = size.saturating_sub(END_BYTES as u64 + MAX_COMMENT_BYTES);
    let tail = read_at(file, tail_start, (size - tail_start) as usize)?;
    let at = tail
        .windows(4)
        .rposition(|window| window == END)
        .ok_or_else(incomplete_archive)?;
    let record = tail
        .get(at..at + END_BYTES)
        .ok_or_else(incomplete_archive)?;
    let end = tail_start + at as u64;
    let parts = short(record, 10);
    let bytes = long(record, 12);
    let start = long(record, 16);
    let is_64 = parts == u64::from(u16::MAX)
        || bytes == u64::from(u32::MAX)
        || start == u64::from(u32::MAX);
    if !is_64 {
        return Ok(Directory {
            parts,
            bytes,
            start,
            end,
        });
    }
    let locator_at = end
        .checked_sub(LOCATOR_BYTES)
        .ok_or_else(incomplete_archive)?;
    let locator = read_at(file, locator_at, LOCATOR_BYTES as usize)?;
    if !locator.starts_with(LOCATOR) {
        // Without a ZIP64 locator, the maximum values are literal.
        return Ok(Directory {
            parts,
            bytes,
            start,
            end,
        });
    }
    let end = quad(&locator, 8);
    if end >= locator_at {
        return Err(incomplete_archive());
    }
    let record = read_at(file, end, END_64_BYTES)?;
    if !record.starts_with(END_64) {
        return Err(incomplete_archive());
    }
    Ok(Directory {
        parts: quad(&record, 32),
        bytes: quad(&record, 40),
        start: quad(&record, 48),
        end,
    })
}

/// Reads exactly `length` bytes at `position`.
fn read_at<R: Read + Seek>(
    file: &mut R,
    position: u64,
    length: usize,
) -> Result<Vec<u8>, SheetError> {
    file.seek(SeekFrom::Start(position))?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => incomplete_archive(),
            _ => SheetError::Io(error),
        })?;
    Ok(bytes)
}

fn incomplete_archive() -> SheetError {
    SheetError::broken("its archive is not whole")
}

/// Reads a little-endian number of `N` bytes. Returns 0 if `bytes` is too short.
fn number<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    let bytes = bytes.get(at..at + N).unwrap_or_default();
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn short(bytes: &[u8], at: usize) -> u64 {
    number::<2>(bytes, at)
}

fn long(bytes: &[u8], at: usize) -> u64 {
    number::<4>(bytes, at)
}

fn quad(bytes: &[u8], at: usize) -> u64 {
    number::<8>(bytes, at)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(parts: usize) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for n in 0..parts {
            writer
                .start_file(format!("xl/{n}.xml"), SimpleFileOptions::default())
                .expect("started");
            writer.write_all(b"<a/>").expect("written");
        }
        writer.finish().expect("closed").into_inner()
    }

    fn read_result(bytes: Vec<u8>) -> String {
        check(&mut Cursor::new(bytes))
            .map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    /// Returns ZIP64 end records for a directory that has `parts` entries and `bytes` bytes and
    /// starts at offset `start`.
    fn zip64_ends(parts: u64, bytes: u64, start: u64) -> Vec<u8> {
        let record = [
            END_64,
            &44_u64.to_le_bytes(),
            &[45, 0, 45, 0],
            &[0; 8],
            &parts.to_le_bytes(),
            &parts.to_le_bytes(),
            &bytes.to_le_bytes(),
            &start.to_le_bytes(),
        ]
        .concat();
        let locator = [
            LOCATOR,
            &[0; 4],
            &(start + bytes).to_le_bytes(),
            &1_u32.to_le_bytes(),
        ]
        .concat();
        let end = [END, &[0; 4], &[0xFF; 12], &[0; 2]].concat();
        [record, locator, end].concat()
    }

    #[test]
    fn archives_with_up_to_200_parts_are_accepted() {
        for parts in [0, 1, 200] {
            assert_eq!(read_result(archive(parts)), "fine", "{parts}");
        }
        let mut commented = archive(3);
        let length = commented.len();
        commented[length - 2] = 5;
        commented.extend(b"hello");
        assert_eq!(read_result(commented), "fine");
    }

    #[test]
    fn zip64_directory_is_read() {
        let whole = archive(3);
        let end = whole.len() - END_BYTES;
        let bytes = long(&whole, end + 12);
        let start = long(&whole, end + 16);
        let zip64 = [&whole[..end], &zip64_ends(3, bytes, start)].concat();
        assert_eq!(read_result(zip64.clone()), "fine");
        assert_eq!(
            zip::ZipArchive::new(Cursor::new(zip64))
                .expect("read by the library")
                .len(),
            3
        );
    }

    #[test]
    fn too_many_entries_are_refused_before_the_directory_is_read() {
        let entry = [ENTRY, &[0; 42]].concat();
        let few = entry.repeat(1_000);
        let start = 30;
        let many = [
            vec![0; start],
            few.clone(),
            zip64_ends(5_000_000, few.len() as u64, 30),
        ]
        .concat();
        assert!(read_result(many).contains("too many parts"));
        let wide = [vec![0; start], vec![0; 5 << 20], zip64_ends(1, 5 << 20, 30)].concat();
        assert!(read_result(wide).contains("too many parts"));
        assert!(read_result(archive(10_001)).contains("too many parts"));
    }

    #[test]
    fn end_record_that_does_not_follow_the_directory_is_refused() {
        let whole = archive(3);
        let end = whole.len() - END_BYTES;
        for (at, value) in [(12, 1_u32), (16, 0), (16, u32::MAX - 1)] {
            let mut bent = whole.clone();
            bent[end + at..end + at + 4].copy_from_slice(&value.to_le_bytes());
            assert!(read_result(bent).contains("not whole"), "{at}");
        }
        // An end record in the comment of another one. A reader that searches backwards would use
        // it.
        let mut hidden = whole.clone();
        let inner = [
            END,
            &[0; 4],
            &[1, 0, 1, 0],
            &[46, 0, 0, 0],
            &[0; 4],
            &[0; 2],
        ]
        .concat();
        hidden[end + 20] = inner.len() as u8;
        hidden.extend(inner);
        assert!(read_result(hidden).contains("not whole"));
        for cut in [0, 4, 21, end] {
            assert!(
                read_result(whole[..cut].to_vec()).contains("not whole"),
                "{cut}"
            );
        }
    }
}
