//! Checks of an XLSX file before it is parsed: archive structure, workbook part, encryption and
//! inflated size.

use std::io::{self, BufReader, Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::{Limits, SheetError};

mod directory;

/// Maximum distance between two `<`, in bytes. The XML reader buffers this range completely. A cell
/// has at most 32,767 characters.
const MAX_RUN_BYTES: u64 = 1 << 20;

/// Inflates every part without keeping the output. Rejects an archive that exceeds the limits.
pub(super) fn check<R: Read + Seek>(mut file: R, limits: &Limits) -> Result<(), SheetError> {
    directory::check(&mut file)?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(zip_error)?;
    let names: Vec<String> = archive
        .file_names_raw()
        .map(|name| String::from_utf8_lossy(name).to_ascii_lowercase())
        .collect();
    if names.iter().any(|name| name.ends_with("workbook.bin")) {
        return Err(SheetError::UnknownFormat {
            what: "a binary workbook (.xlsb)",
        });
    }
    if !names
        .iter()
        .any(|name| name.ends_with(".xml") && name.contains("workbook"))
    {
        return Err(SheetError::UnknownFormat {
            what: "an archive without a workbook",
        });
    }
    let mut total = 0;
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(zip_error)?;
        if part.encrypted() {
            return Err(SheetError::Encrypted);
        }
        let name = String::from_utf8_lossy(part.name_raw()).to_ascii_lowercase();
        total += inflate(
            &mut part,
            &Allowed::of(&name, limits.max_inflated_bytes, total),
        )?;
    }
    Ok(())
}

fn zip_error(error: ZipError) -> SheetError {
    match error {
        ZipError::UnsupportedArchive(reason) if reason == ZipError::PASSWORD_REQUIRED => {
            SheetError::Encrypted
        }
        ZipError::UnsupportedArchive(_) => {
            SheetError::broken("its compression method is not one that spreadsheet programs use")
        }
        _ => SheetError::broken("its archive is not whole"),
    }
}

/// Returns true if the reader may open the part `name`, which must be in lower case. Excludes
/// pictures, which have no markup, and customXml, where queries store long base64 texts.
pub(super) fn is_read(name: &str) -> bool {
    (name.ends_with(".xml") || name.ends_with(".rels")) && !name.starts_with("customxml/")
}

/// Limits for one part.
struct Allowed {
    bytes: u64,
    /// Limit for the whole archive. It is used in the error message.
    limit: u64,
    run: u64,
}

impl Allowed {
    fn of(name: &str, all: u64, used: u64) -> Self {
        let run = if is_read(name) {
            MAX_RUN_BYTES
        } else {
            u64::MAX
        };
        Self {
            bytes: all.saturating_sub(used),
            limit: all,
            run,
        }
    }
}

/// Inflates a part and returns its size in bytes. Declared sizes are ignored.
///
/// # Errors
/// Fails if the part is damaged, exceeds the size limit, or has too long a range without `<`.
fn inflate(part: &mut impl Read, allowed: &Allowed) -> Result<u64, SheetError> {
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = 0;
    let mut run = 0;
    loop {
        let read = match part.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return Err(SheetError::broken("a part of its archive is not whole")),
        };
        bytes += read as u64;
        if bytes > allowed.bytes {
            return Err(SheetError::InflatesTooLarge {
                limit: allowed.limit,
            });
        }
        for &byte in &buffer[..read] {
            run = if byte == b'<' { 0 } else { run + 1 };
            if run > allowed.run {
                return Err(SheetError::broken(
                    "a part of it has a text that is too long for a cell",
                ));
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflated_size_of_a_part_is_limited_while_it_inflates() {
        let allowed = |name: &str| Allowed::of(name, 1_000, 900);
        assert_eq!(
            inflate(&mut &[b'<'; 100][..], &allowed("xl/workbook.xml")).expect("just fits"),
            100
        );
        let error =
            inflate(&mut &[b'<'; 101][..], &allowed("xl/workbook.xml")).expect_err("one too many");
        assert_eq!(error.code(), "FILE_INFLATES_TOO_LARGE");
        let long = vec![b'x'; MAX_RUN_BYTES as usize + 1];
        let wide = |name: &str| Allowed::of(name, u64::MAX, 0);
        assert_eq!(
            inflate(&mut &long[..], &wide("a/sheet1.xml"))
                .expect_err("a long run")
                .code(),
            "BROKEN_FILE"
        );
        assert!(inflate(&mut &long[..], &wide("xl/media/image1.png")).is_ok());
    }
}
