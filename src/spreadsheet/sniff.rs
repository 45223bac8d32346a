//! Detection of a file's format from its first bytes. Its name is ignored, because files are often
//! misnamed.

use super::{SheetError, encoding};

/// Number of bytes that [`sniff`] needs, or the whole file if it is shorter.
pub const SNIFF_BYTES: usize = 8 * 1024;

/// File format that [`super::open`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Delimited text: comma, semicolon, tab or vertical bar, in any encoding of `charset`.
    Csv,
    /// Office Open XML workbook (ECMA-376).
    Xlsx,
    /// Excel 97 to 2003 workbook (BIFF8).
    Xls,
    /// JSON Lines, one person per line. Written by Laureate itself and never detected by [`sniff`].
    Json,
}

const ZIP: &[u8] = b"PK\x03\x04";
/// Compound File Binary, [MS-CFB] §2.2: old Excel, Word and PowerPoint files, and new ones with a
/// password. The directory inside the file distinguishes them.
const COMPOUND_FILE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// First bytes of other formats that are uploaded by mistake.
const OTHERS: &[(&[u8], &str)] = &[
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "an image"),
    (b"\xFF\xD8\xFF", "an image"),
    (b"GIF8", "an image"),
    (b"RIFF", "an image or an audio file"),
    (b"\x1F\x8B", "a compressed archive"),
    (b"7z\xBC\xAF", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"PK\x05\x06", "an empty archive"),
    (b"{\\rtf", "an RTF document"),
    (b"\x09\x00\x04\x00", "an Excel file from before 1997"),
    (b"\x09\x02\x06\x00", "an Excel file from before 1997"),
    (b"\x09\x04\x06\x00", "an Excel file from before 1997"),
];

/// Beginnings of text files that some systems export under the file name of a spreadsheet. Compared
/// case-insensitively.
const MARKUP: &[(&str, &str)] = &[
    ("<!doctype html", "a web page"),
    ("<html", "a web page"),
    ("<table", "a web page"),
    ("<?xml", "an XML document"),
    ("<style", "a web page"),
    ("<meta", "a web page"),
    ("mime-version:", "a web archive (MHTML)"),
    ("content-type: multipart/", "a web archive (MHTML)"),
    ("from: <saved by", "a web archive (MHTML)"),
    ("{", "a JSON document"),
    ("[", "a JSON document"),
];

/// Detects the format from `first_bytes`, the first [`SNIFF_BYTES`] of the file. [`super::open`]
/// checks that a workbook is valid and complete.
///
/// # Errors
/// Returns [`SheetError::Empty`] if there are no bytes, [`SheetError::Encoding`] if the text
/// encoding is unsupported, and [`SheetError::UnknownFormat`] for any other file.
pub fn sniff(first_bytes: &[u8]) -> Result<Format, SheetError> {
    if first_bytes.is_empty() {
        return Err(SheetError::Empty);
    }
    if first_bytes.starts_with(ZIP) {
        return sniff_zip(first_bytes);
    }
    if first_bytes.starts_with(COMPOUND_FILE) {
        return Ok(Format::Xls);
    }
    if let Some((_, what)) = OTHERS
        .iter()
        .find(|(magic, _)| first_bytes.starts_with(magic))
    {
        return Err(unknown(what));
    }
    sniff_text(first_bytes)
}

fn sniff_zip(first_bytes: &[u8]) -> Result<Format, SheetError> {
    let has = |part: &[u8]| contains(first_bytes, part);
    if has(b"xl/workbook.bin") {
        return Err(unknown("a binary workbook (.xlsb)"));
    }
    // The parts may be in any order. Word and PowerPoint files begin with the same package parts.
    if has(b"xl/")
        || (has(b"[Content_Types].xml") || has(b"_rels/.rels")) && !has(b"word/") && !has(b"ppt/")
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

fn sniff_text(first_bytes: &[u8]) -> Result<Format, SheetError> {
    let is_marked = first_bytes.starts_with(b"\xFF\xFE") || first_bytes.starts_with(b"\xFE\xFF");
    if is_marked || encoding::utf_16(first_bytes).is_some() {
        return Ok(Format::Csv);
    }
    let text = first_bytes
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(first_bytes)
        .trim_ascii_start();
    let starts_with = |prefix: &str| {
        text.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    if let Some((_, what)) = MARKUP.iter().find(|(prefix, _)| starts_with(prefix)) {
        return Err(unknown(what));
    }
    let odd = first_bytes
        .iter()
        .filter(|byte| byte.is_ascii_control() && !b"\t\n\r".contains(byte))
        .count();
    if odd * 20 > first_bytes.len() {
        let has_zeros = first_bytes
            .iter()
            .skip(1)
            .step_by(2)
            .take(8)
            .all(|&byte| byte == 0);
        return Err(if has_zeros {
            SheetError::Encoding
        } else {
            unknown("neither text nor a workbook")
        });
    }
    Ok(Format::Csv)
}

const fn unknown(what: &'static str) -> SheetError {
    SheetError::UnknownFormat { what }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(bytes: &[u8]) -> &'static str {
        match sniff(bytes) {
            Ok(Format::Csv) => "csv",
            Ok(Format::Xlsx) => "xlsx",
            Ok(Format::Xls) => "xls",
            Ok(Format::Json) => "json",
            Err(error) => error.code(),
        }
    }

    #[test]
    fn format_is_detected_from_the_content() {
        assert_eq!(code(b"Name,Email\n"), "csv");
        assert_eq!(code(b"\xEF\xBB\xBFName;Email\n"), "csv");
        assert_eq!(code(b"\xFF\xFEN\0a\0m\0e\0"), "csv");
        assert_eq!(code(b"N\0a\0m\0e\0,\0E\0m\0a\0i\0l\0"), "csv");
        assert_eq!(code(b"\0N\0a\0m\0e\0,\0E\0m\0a\0i\0l"), "csv");
        assert_eq!(code(b"PK\x03\x04..[Content_Types].xml.."), "xlsx");
        assert_eq!(code(b"PK\x03\x04..xl/worksheets/sheet1.xml.."), "xlsx");
        assert_eq!(code(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), "xls");
    }

    #[test]
    fn unsupported_file_is_refused_with_its_detected_type() {
        for (bytes, what) in [
            (&b"%PDF-1.7"[..], "a PDF"),
            (b"\x89PNG\r\n\x1a\n", "an image"),
            (b"PK\x03\x04..xl/workbook.bin", "a binary workbook (.xlsb)"),
            (
                b"PK\x03\x04..[Content_Types].xml..word/document.xml",
                "a document or presentation",
            ),
            (b"PK\x03\x04..photos/1.jpg", "a ZIP archive"),
            (b"\xEF\xBB\xBF  <HTML>", "a web page"),
            (
                b"MIME-Version: 1.0\r\nContent-Type: multipart/related",
                "a web archive (MHTML)",
            ),
            (
                b"From: <Saved by Blink>\r\nMIME-Version: 1.0",
                "a web archive (MHTML)",
            ),
            (b"\r\n<table border=1>", "a web page"),
            (b"{\"people\": []}", "a JSON document"),
            (b"\x01\x02\x03\x04", "neither text nor a workbook"),
            (
                b"\x09\x04\x06\x00\x00\x00\x10\x00",
                "an Excel file from before 1997",
            ),
        ] {
            let error = sniff(bytes).expect_err(what);
            assert_eq!(error.code(), "UNKNOWN_FORMAT");
            assert!(error.to_string().contains(what), "{error}");
            assert!(error.to_string().contains("XLSX or CSV"), "{error}");
        }
        assert_eq!(code(b""), "EMPTY_FILE");
        assert_eq!(
            code(b"N\0\0\0a\0\0\0m\0\0\0e\0\0\0,\0\0\0"),
            "UNKNOWN_ENCODING"
        );
    }
}
