//! Looks an XLSX over before calamine opens it, because calamine trusts what the file declares.

use std::io::{self, BufReader, Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::{Limits, SheetError};

/// Parts in the archive; a workbook has a dozen, with many sheets and pictures some hundreds.
const MAX_PARTS: usize = 10_000;
/// Shared strings are held in memory as a whole.
const MAX_STRINGS_BYTES: u64 = 64 << 20;
/// Styles as well, and each takes far more room in memory than in the file.
const MAX_STYLES_BYTES: u64 = 8 << 20;
/// Text or markup between two `<`; a cell holds at most 32,767 characters.
const MAX_RUN_BYTES: u64 = 1 << 20;
/// The least room one shared string takes: `<si/>`.
const MIN_STRING_BYTES: u64 = 5;

/// Inflates every part to nowhere and refuses what would cost too much to read.
pub(super) fn check<R: Read + Seek>(file: R, limits: &Limits) -> Result<(), SheetError> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(zip_error)?;
    if archive.len() > MAX_PARTS {
        return Err(SheetError::broken("it has too many parts"));
    }
    let names: Vec<String> =
        archive.file_names_raw().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase()).collect();
    if names.iter().any(|name| name.ends_with("workbook.bin")) {
        return Err(SheetError::UnknownFormat { what: "a binary workbook (.xlsb)" });
    }
    if !names.iter().any(|name| name.ends_with(".xml") && name.contains("workbook")) {
        return Err(SheetError::UnknownFormat { what: "an archive without a workbook" });
    }
    let mut total = 0;
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(zip_error)?;
        if part.encrypted() {
            return Err(SheetError::Encrypted);
        }
        let name = String::from_utf8_lossy(part.name_raw()).to_ascii_lowercase();
        total += inflate(&mut part, &Allowed::of(&name, limits.max_inflated_bytes, total))?;
    }
    Ok(())
}

fn zip_error(error: ZipError) -> SheetError {
    match error {
        ZipError::UnsupportedArchive(reason) if reason == ZipError::PASSWORD_REQUIRED => {
            SheetError::Encrypted
        }
        ZipError::UnsupportedArchive(_) => {
            SheetError::broken("it is packed in a way spreadsheet programs do not use")
        }
        _ => SheetError::broken("its archive is not whole"),
    }
}

/// What one part may cost.
struct Allowed {
    bytes: u64,
    /// What to name when it is passed: the part's own limit or the one for all parts together.
    limit: u64,
    run: u64,
    strings: bool,
}

impl Allowed {
    fn of(name: &str, all: u64, used: u64) -> Self {
        let own = match name.rsplit('/').next() {
            Some("sharedstrings.xml") => MAX_STRINGS_BYTES,
            Some("styles.xml") => MAX_STYLES_BYTES,
            _ => u64::MAX,
        };
        // Pictures have no markup, and queries keep base64 in customXml; calamine opens neither.
        let is_read = (name.ends_with(".xml") || name.ends_with(".rels")) && !name.starts_with("customxml/");
        let left = all.saturating_sub(used);
        Self {
            bytes: own.min(left),
            limit: own.min(all),
            run: if is_read { MAX_RUN_BYTES } else { u64::MAX },
            strings: name.ends_with("sharedstrings.xml"),
        }
    }
}

/// The bytes a part inflates to, or why it is refused. Declared sizes are not trusted.
fn inflate(part: &mut impl Read, allowed: &Allowed) -> Result<u64, SheetError> {
    let mut buffer = vec![0; 64 * 1024];
    let (mut bytes, mut run) = (0, 0);
    let mut counts = UniqueCount::default();
    loop {
        let read = match part.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return Err(SheetError::broken("a part of its archive is not whole")),
        };
        bytes += read as u64;
        if bytes > allowed.bytes {
            return Err(SheetError::InflatesTooLarge { limit: allowed.limit });
        }
        for &byte in &buffer[..read] {
            run = if byte == b'<' { 0 } else { run + 1 };
            if run > allowed.run {
                return Err(SheetError::broken("a part of it has a text that is too long for a cell"));
            }
            if allowed.strings {
                counts.see(byte);
            }
        }
    }
    if counts.largest > bytes / MIN_STRING_BYTES {
        return Err(SheetError::broken("it declares more strings than it has room for"));
    }
    Ok(bytes)
}

/// The largest number behind `uniqueCount` anywhere in the shared strings. calamine reserves memory for
/// that many strings at once, and a failed reservation ends the whole process.
#[derive(Default)]
struct UniqueCount {
    matched: usize,
    number: u64,
    in_digits: bool,
    largest: u64,
}

impl UniqueCount {
    const NAME: &'static [u8] = b"uniqueCount";

    fn see(&mut self, byte: u8) {
        if self.matched == Self::NAME.len() {
            let is_between = matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'=' | b'"' | b'\'');
            if byte.is_ascii_digit() {
                self.in_digits = true;
                self.number = self.number.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
                self.largest = self.largest.max(self.number);
                return;
            }
            if is_between && !self.in_digits {
                return;
            }
            (self.matched, self.number, self.in_digits) = (0, 0, false);
        }
        self.matched = match byte {
            _ if byte == Self::NAME[self.matched] => self.matched + 1,
            // "uniqu" ends in the "u" that the name starts with.
            b'n' if self.matched == 5 => 2,
            b'u' => 1,
            _ => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn largest(text: &str) -> u64 {
        let mut counts = UniqueCount::default();
        text.bytes().for_each(|byte| counts.see(byte));
        counts.largest
    }

    #[test]
    fn the_declared_number_of_strings_is_found_however_it_is_written() {
        assert_eq!(largest(r#"<sst count="9" uniqueCount="12">"#), 12);
        assert_eq!(largest("<!-- <sst> --><x:sst uniqueCount \n=\n '00077'>"), 77);
        assert_eq!(largest(r#"uniquniqueCount="5" uniqueCountuniqueCount="8""#), 8);
        assert_eq!(largest(&format!("uniqueCount=\"{}\"", "9".repeat(40))), u64::MAX);
        assert_eq!(largest("uniqueCoun=\"5\" uniqueCount=\"x5\""), 0);
    }

    #[test]
    fn a_part_is_counted_as_it_inflates() {
        let allowed = |name: &str| Allowed::of(name, 1_000, 900);
        assert_eq!(inflate(&mut &[b'<'; 100][..], &allowed("xl/workbook.xml")).expect("just fits"), 100);
        let error = inflate(&mut &[b'<'; 101][..], &allowed("xl/workbook.xml")).expect_err("one too many");
        assert_eq!(error.code(), "FILE_INFLATES_TOO_LARGE");
        let long = vec![b'x'; MAX_RUN_BYTES as usize + 1];
        let wide = |name: &str| Allowed::of(name, u64::MAX, 0);
        assert_eq!(
            inflate(&mut &long[..], &wide("a/sheet1.xml")).expect_err("a long run").code(),
            "BROKEN_FILE"
        );
        assert!(inflate(&mut &long[..], &wide("xl/media/image1.png")).is_ok());
    }
}
