//! A workbook's parts as XML events, with bounds of our own.

use std::io::BufRead;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Error, Reader};

use crate::spreadsheet::SheetError;

/// Elements within elements; a sheet has five levels, extensions a few more.
const MAX_DEPTH: usize = 256;

/// The events of one part. That no event is too large is seen to before, by `archive::check`.
pub(super) struct Xml<R> {
    reader: Reader<R>,
    buffer: Vec<u8>,
    depth: usize,
}

impl<R: BufRead> Xml<R> {
    pub(super) fn new(part: R) -> Self {
        let mut reader = Reader::from_reader(part);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = false;
        Self { reader, buffer: Vec::new(), depth: 0 }
    }

    /// The next event, and how many elements are open after it.
    pub(super) fn next(&mut self) -> Result<(Event<'_>, usize), SheetError> {
        self.buffer.clear();
        let event = self.reader.read_event_into(&mut self.buffer).map_err(damaged)?;
        match event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth > MAX_DEPTH {
            return Err(SheetError::broken("its elements are nested too deeply"));
        }
        Ok((event, self.depth))
    }

    /// How many elements are open.
    pub(super) const fn depth(&self) -> usize {
        self.depth
    }

    /// Leaves the element that was just entered.
    pub(super) fn skip(&mut self) -> Result<(), SheetError> {
        self.inside(|_| Ok(()))
    }

    /// The characters of the element that was just entered and of all within it, up to some `most` bytes.
    pub(super) fn text(&mut self, text: &mut String, most: usize) -> Result<(), SheetError> {
        self.inside(|event| add(text, event, most))
    }

    /// The text of a string item that was just entered, its runs joined, without phonetic guides, up to
    /// some `most` bytes.
    pub(super) fn rich_text(&mut self, text: &mut String, most: usize) -> Result<(), SheetError> {
        let (mut is_text, mut is_guide) = (false, false);
        self.inside(|event| {
            match event {
                Event::Start(element) if element.local_name().as_ref() == "t" => is_text = true,
                Event::End(element) if element.local_name().as_ref() == "t" => is_text = false,
                Event::Start(element) if element.local_name().as_ref() == "rPh" => is_guide = true,
                Event::End(element) if element.local_name().as_ref() == "rPh" => is_guide = false,
                other if is_text && !is_guide => add(text, other, most)?,
                _ => {}
            }
            Ok(())
        })?;
        unescape(text);
        Ok(())
    }

    fn inside(
        &mut self,
        mut see: impl FnMut(&Event<'_>) -> Result<(), SheetError>,
    ) -> Result<(), SheetError> {
        let outside = self.depth.saturating_sub(1);
        loop {
            let (event, depth) = self.next()?;
            match &event {
                Event::Eof => return Err(cut_off()),
                Event::End(_) if depth <= outside => return Ok(()),
                other => see(other)?,
            }
        }
    }
}

pub(super) fn cut_off() -> SheetError {
    SheetError::broken("a part of it is cut off")
}

/// The parser's messages may quote a cell, so only the kind of damage is told.
fn damaged(error: Error) -> SheetError {
    match error {
        Error::Io(error) => match error.kind() {
            std::io::ErrorKind::InvalidData
            | std::io::ErrorKind::InvalidInput
            | std::io::ErrorKind::UnexpectedEof => SheetError::broken("a part of its archive is not whole"),
            _ => SheetError::Io(std::io::Error::new(error.kind(), "the archive could not be read")),
        },
        _ => SheetError::broken("its XML is not well formed"),
    }
}

/// A piece beyond the limit is left out; one that begins below it is at most as large as an event.
fn add(text: &mut String, event: &Event<'_>, most: usize) -> Result<(), SheetError> {
    if text.len() > most {
        return Ok(());
    }
    match event {
        Event::Text(piece) => text.push_str(&piece.xml10_content()),
        Event::CData(piece) => text.push_str(&piece.xml10_content()),
        Event::GeneralRef(reference) => text.push(resolve(reference)?),
        _ => {}
    }
    Ok(())
}

fn resolve(reference: &BytesRef<'_>) -> Result<char, SheetError> {
    let unknown = || SheetError::broken("its XML has an entity that is not known");
    match &**reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => reference.resolve_char_ref().ok().flatten().ok_or_else(unknown),
    }
}

/// An attribute's value by its local name, entities resolved.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, SheetError> {
    for attribute in element.attributes().with_checks(false) {
        let malformed = || SheetError::broken("its XML is not well formed");
        let attribute = attribute.map_err(|_| malformed())?;
        if attribute.key.local_name().as_ref() == name {
            let value = quick_xml::escape::unescape(&attribute.value).map_err(|_| malformed())?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

/// Resolves `_x000D_` and its like (ECMA-376 §22.9.2.19): characters that XML can't hold, in UTF-16.
pub(super) fn unescape(text: &mut String) {
    if !text.contains("_x") {
        return;
    }
    let (mut read, mut units): (String, Vec<u16>) = (String::with_capacity(text.len()), Vec::new());
    let flush = |units: &mut Vec<u16>, read: &mut String| {
        read.extend(
            char::decode_utf16(units.drain(..)).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)),
        );
    };
    let mut rest = text.as_str();
    while let Some(character) = rest.chars().next() {
        match escaped(rest) {
            Some(unit) => {
                units.push(unit);
                rest = &rest[7..];
            }
            None => {
                flush(&mut units, &mut read);
                read.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
    }
    flush(&mut units, &mut read);
    *text = read;
}

fn escaped(rest: &str) -> Option<u16> {
    let digits = rest.strip_prefix("_x")?.get(..5)?.strip_suffix('_')?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_characters_that_xml_cannot_hold() {
        for (written, meant) in [
            ("a_x000D_b", "a\rb"),
            ("_x005F_x000D_", "_x000D_"),
            ("_xD83D__xDCF7_", "📷"),
            ("_xD83D_é", "\u{FFFD}é"),
            ("_x00_ _xé_x12", "_x00_ _xé_x12"),
            ("plain", "plain"),
        ] {
            let mut text = written.to_owned();
            unescape(&mut text);
            assert_eq!(text, meant);
        }
    }

    #[test]
    fn text_stops_growing_at_its_bound() {
        let runs = format!("<is>{}</is>", "<r><t>0123456789</t></r>".repeat(1_000));
        let mut xml = Xml::new(runs.as_bytes());
        xml.next().expect("the first element");
        let mut text = String::new();
        xml.rich_text(&mut text, 25).expect("well formed");
        assert_eq!(text.len(), 30);
    }

    #[test]
    fn phonetic_guides_are_no_text() {
        let mut xml = Xml::new(&b"<si><t>a&amp;</t><rPh><t>no</t></rPh><t><![CDATA[<b>]]>&#99;</t></si>"[..]);
        xml.next().expect("the first element");
        let mut text = String::new();
        xml.rich_text(&mut text, 100).expect("well formed");
        assert_eq!(text, "a&<b>c");
    }

    #[test]
    fn nesting_has_a_bound() {
        let deep = "<a>".repeat(MAX_DEPTH + 1);
        let mut xml = Xml::new(deep.as_bytes());
        let told = std::iter::repeat_with(|| xml.next().map(|_| ())).find_map(Result::err).expect("too deep");
        assert_eq!(told.code(), "BROKEN_FILE");
    }
}
