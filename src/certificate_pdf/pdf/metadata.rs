//! Metadata of a file: the information dictionary and the same data as XMP (ISO 16684-1, ISO
//! 19005-2).

use data_encoding::HEXLOWER;
use pdf_writer::{Date, Finish, Ref, TextStr};
use sha2::{Digest, Sha256};
use xmp_writer::{DateTime, LangId, RenditionClass, Timezone, XmpWriter};

use super::file::Objects;
use crate::certificate_pdf::page::PageFacts;

/// Returns the file identifier. It is derived from the public id, so it is the same each time the
/// file is created.
pub(super) fn file_id(facts: &PageFacts) -> [u8; 16] {
    let digest = Sha256::digest(facts.public_id.as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    id
}

/// Writes the information dictionary and the XMP. Returns their references, in this order.
pub(super) fn write(
    objects: &mut Objects,
    facts: &PageFacts,
    creator: &str,
    id: &[u8; 16],
) -> (Ref, Ref) {
    let info = objects.next();
    let xmp = objects.next();
    let (year, month, day) = facts.issue_date.to_calendar_date();
    // The renderer accepts years 1 to 9999.
    let year = u16::try_from(year).unwrap_or_default();
    let date = Date::new(year)
        .month(month.into())
        .day(day)
        .hour(0)
        .minute(0)
        .second(0)
        .utc_offset_hour(0);
    let mut dictionary = objects
        .begin(info)
        .start::<pdf_writer::writers::DocumentInfo>();
    dictionary.title(TextStr(facts.title.reveal_str()));
    dictionary.author(TextStr(&facts.author));
    dictionary.creator(TextStr(creator));
    dictionary.creation_date(date).modified_date(date);
    dictionary.finish();
    let at = DateTime {
        year,
        month: Some(month.into()),
        day: Some(day),
        hour: Some(0),
        minute: Some(0),
        second: Some(0),
        timezone: Some(Timezone::Utc),
    };
    let text = describe(facts, creator, at, &HEXLOWER.encode(id));
    objects.here(xmp);
    objects.chunk.metadata(xmp, text.as_bytes());
    (info, xmp)
}

fn describe(facts: &PageFacts, creator: &str, at: DateTime, id: &str) -> String {
    let mut xmp = XmpWriter::new();
    xmp.title([(None, facts.title.reveal_str())]);
    xmp.creator([facts.author.as_str()]);
    xmp.language([LangId(facts.locale.as_str())]);
    xmp.format("application/pdf");
    xmp.creator_tool(creator);
    xmp.create_date(at);
    xmp.modify_date(at);
    xmp.pdf_version("1.7");
    xmp.instance_id(id);
    xmp.document_id(id);
    xmp.rendition_class(RenditionClass::Proof);
    xmp.pdfa_part(2);
    xmp.pdfa_conformance("B");
    xmp.finish(None)
}
