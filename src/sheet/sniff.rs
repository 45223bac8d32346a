//! What a file is, by its first bytes; its name only helps to say what it is not.

use super::SheetError;

/// How many bytes [`sniff`] wants to see, or the whole file if it is shorter.
pub const SNIFF_BYTES: usize = 8 * 1024;

/// A kind of file that [`super::open`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Delimited text: comma, semicolon or tab.
    Csv,
    /// Office Open XML workbook (ECMA-376).
    Xlsx,
}

const ZIP: &[u8] = b"PK\x03\x04";
/// Compound File Binary, [MS-CFB] §2.2: old Excel files, and new ones that have a password.
const COMPOUND_FILE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// First bytes of what people upload by mistake.
const OTHERS: &[(&[u8], &str)] = &[
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "an image"),
    (b"\xFF\xD8\xFF", "an image"),
    (b"GIF8", "an image"),
    (b"RIFF", "an image or a sound"),
    (b"\x1F\x8B", "a compressed archive"),
    (b"7z\xBC\xAF", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"PK\x05\x06", "an empty archive"),
    (b"{\\rtf", "an RTF document"),
];

/// Markup that systems like to export under a spreadsheet's name; compared without regard to case.
const MARKUP: &[(&str, &str)] = &[
    ("<!doctype html", "a web page"),
    ("<html", "a web page"),
    ("<table", "a web page"),
    ("<?xml", "an XML document"),
    ("{", "a JSON document"),
    ("[", "a JSON document"),
];

/// Tells the format from `first_bytes` (the file's first [`SNIFF_BYTES`]). Whether an XLSX is whole, and
/// a workbook at all, is found by [`super::open`].
pub fn sniff(first_bytes: &[u8], file_name: &str) -> Result<Format, SheetError> {
    if first_bytes.is_empty() {
        return Err(SheetError::Empty);
    }
    if first_bytes.starts_with(ZIP) {
        return sniff_zip(first_bytes);
    }
    if first_bytes.starts_with(COMPOUND_FILE) {
        let encrypted: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
        return Err(if contains(first_bytes, &encrypted) {
            SheetError::Encrypted
        } else {
            unknown("an old Excel file (.xls), or a workbook with a password")
        });
    }
    if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| first_bytes.starts_with(magic)) {
        return Err(unknown(what));
    }
    sniff_text(first_bytes, file_name)
}

fn sniff_zip(first_bytes: &[u8]) -> Result<Format, SheetError> {
    let has = |part: &[u8]| contains(first_bytes, part);
    if has(b"xl/workbook.bin") {
        return Err(unknown("a binary workbook (.xlsb)"));
    }
    // The parts may come in any order; the package's own first ones are shared with Word and PowerPoint.
    if has(b"xl/") || (has(b"[Content_Types].xml") || has(b"_rels/.rels")) && !has(b"word/") && !has(b"ppt/")
    {
        return Ok(Format::Xlsx);
    }
    Err(unknown(if has(b"opendocument.spreadsheet") {
        "an OpenDocument sheet (.ods)"
    } else if has(b"word/") || has(b"ppt/") {
        "a document or presentation"
    } else if has(b"Index/") || has(b".iwa") {
        "a Numbers sheet"
    } else {
        "a ZIP archive"
    }))
}

fn sniff_text(first_bytes: &[u8], file_name: &str) -> Result<Format, SheetError> {
    if first_bytes.starts_with(b"\xFF\xFE") || first_bytes.starts_with(b"\xFE\xFF") {
        return Ok(Format::Csv);
    }
    let text = first_bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(first_bytes).trim_ascii_start();
    let starts_with = |prefix: &str| {
        text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    if let Some((_, what)) = MARKUP.iter().find(|(prefix, _)| starts_with(prefix)) {
        return Err(unknown(what));
    }
    let odd = first_bytes.iter().filter(|byte| byte.is_ascii_control() && !b"\t\n\r".contains(byte)).count();
    if odd * 20 > first_bytes.len() {
        let is_utf_16 = first_bytes.iter().skip(1).step_by(2).take(8).all(|&byte| byte == 0);
        let old_excel = file_name.to_ascii_lowercase().ends_with(".xls");
        return Err(match (is_utf_16, old_excel) {
            (true, _) => SheetError::Encoding,
            (_, true) => unknown("an old Excel file (.xls)"),
            _ => unknown("neither text nor a workbook"),
        });
    }
    Ok(Format::Csv)
}

const fn unknown(what: &'static str) -> SheetError {
    SheetError::UnknownFormat { what }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(bytes: &[u8], name: &str) -> &'static str {
        match sniff(bytes, name) {
            Ok(Format::Csv) => "csv",
            Ok(Format::Xlsx) => "xlsx",
            Err(error) => error.code(),
        }
    }

    #[test]
    fn content_decides_and_not_the_name() {
        assert_eq!(code(b"Name,Email\n", "people.xlsx"), "csv");
        assert_eq!(code(b"\xEF\xBB\xBFName;Email\n", "people"), "csv");
        assert_eq!(code(b"\xFF\xFEN\0a\0m\0e\0", "people.csv"), "csv");
        assert_eq!(code(b"PK\x03\x04..[Content_Types].xml..", "people.csv"), "xlsx");
        assert_eq!(code(b"PK\x03\x04..xl/worksheets/sheet1.xml..", "people.csv"), "xlsx");
    }

    #[test]
    fn other_files_are_refused_by_what_they_are() {
        for (bytes, what) in [
            (&b"%PDF-1.7"[..], "a PDF"),
            (b"\x89PNG\r\n\x1a\n", "an image"),
            (b"PK\x03\x04..xl/workbook.bin", "a binary workbook (.xlsb)"),
            (b"PK\x03\x04..[Content_Types].xml..word/document.xml", "a document or presentation"),
            (b"PK\x03\x04..photos/1.jpg", "a ZIP archive"),
            (b"\xEF\xBB\xBF  <HTML>", "a web page"),
            (b"{\"people\": []}", "a JSON document"),
            (b"\x01\x02\x03\x04", "neither text nor a workbook"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old Excel file (.xls), or a workbook with a password"),
        ] {
            let error = sniff(bytes, "people.csv").expect_err(what);
            assert_eq!(error.code(), "UNKNOWN_FORMAT");
            assert!(error.to_string().contains(what), "{error}");
            assert!(error.to_string().contains("XLSX or CSV"), "{error}");
        }
        assert_eq!(code(b"", "people.csv"), "EMPTY_FILE");
        assert_eq!(code(b"N\0a\0m\0e\0,\0E\0m\0a\0i\0l\0", "people.csv"), "UNKNOWN_ENCODING");
    }

    #[test]
    fn a_workbook_with_a_password_is_told_from_an_old_one() {
        let mut bytes = COMPOUND_FILE.to_vec();
        bytes.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(code(&bytes, "people.xlsx"), "ENCRYPTED_FILE");
    }
}
