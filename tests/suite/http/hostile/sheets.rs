//! Malicious workbooks.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;

/// Returns a workbook that has one sheet with a header row and these rows.
pub fn sheet(rows: &str) -> Vec<u8> {
    let cell =
        |at: &str, text: &str| format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let header = [
        cell("A1", "Name"),
        cell("B1", "Email"),
        cell("C1", "Document number"),
    ]
    .concat();
    workbook(|write| write(format!("<row r=\"1\">{header}</row>{rows}").as_bytes()))
}

/// Returns an archive whose directory has `entries` empty entries. Their number is in ZIP64 records
/// (APPNOTE 4.3.14).
pub fn crowded_archive(entries: u64) -> Vec<u8> {
    let part = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0b\0\0\0xl/work.xml.";
    let entry = [b"PK\x01\x02".as_slice(), &[0; 42]].concat();
    let directory = entry.repeat(usize::try_from(entries).expect("few"));
    let size = (directory.len() as u64).to_le_bytes();
    let start = part.len() as u64;
    let end = start + directory.len() as u64;
    let record = [
        b"PK\x06\x06".as_slice(),
        &44_u64.to_le_bytes(),
        &[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &entries.to_le_bytes(),
        &entries.to_le_bytes(),
        &size,
        &start.to_le_bytes(),
    ]
    .concat();
    let locator = [
        b"PK\x06\x07".as_slice(),
        &[0; 4],
        &end.to_le_bytes(),
        &1_u32.to_le_bytes(),
    ]
    .concat();
    let tail = [b"PK\x05\x06".as_slice(), &[0; 4], &[0xFF; 12], &[0; 2]].concat();
    [part.as_slice(), &directory, &record, &locator, &tail].concat()
}

/// Returns a workbook whose sheet is 600 MiB of blank rows after decompression.
pub fn zip_bomb() -> Vec<u8> {
    let blank = "<row></row>".repeat(8_192);
    workbook(|write| (0..(600 << 20) / blank.len()).for_each(|_| write(blank.as_bytes())))
}

fn workbook(rows: impl Fn(&mut dyn FnMut(&[u8]))) -> Vec<u8> {
    const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"r1\" Type=\"{OFFICE}/{kind}\" \
             Target=\"{target}\"/></Relationships>"
        )
    };
    let parts = [
        (
            "[Content_Types].xml",
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"
                .to_owned(),
        ),
        ("_rels/.rels", relation("officeDocument", "xl/workbook.xml")),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            relation("worksheet", "worksheets/sheet1.xml"),
        ),
    ];
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        archive
            .start_file(name, SimpleFileOptions::default())
            .expect("started");
        archive.write_all(text.as_bytes()).expect("written");
    }
    archive
        .start_file("xl/worksheets/sheet1.xml", SimpleFileOptions::default())
        .expect("started");
    archive
        .write_all(format!("<worksheet xmlns=\"{MAIN}\"><sheetData>").as_bytes())
        .expect("written");
    rows(&mut |bytes| archive.write_all(bytes).expect("written"));
    archive
        .write_all(b"</sheetData></worksheet>")
        .expect("written");
    archive.finish().expect("closed").into_inner()
}
