//! Reader for the parts of a workbook as XML events. It limits nesting and text length.

use std::io::BufRead;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Error, Reader};

use crate::spreadsheet::SheetError;

/// Maximum nesting depth. A sheet has five levels, and extensions add a few more.
const MAX_DEPTH: usize = 256;

/// Reader for the XML events of one part. `archive::check` has already limited the size of each
/// event.
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
        Self {
            reader,
            buffer: Vec::new(),
            depth: 0,
        }
    }

    /// Returns the next event, and the number of elements that are open after it.
    pub(super) fn next(&mut self) -> Result<(Event<'_>, usize), SheetError> {
        self.buffer.clear();
        let event = self
            .reader
            .read_event_into(&mut self.buffer)
            .map_err(damaged)?;
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

    /// Returns the number of open elements.
    pub(super) const fn depth(&self) -> usize {
        self.depth
    }

    /// Skips to the end of the element whose start was just read.
    pub(super) fn skip(&mut self) -> Result<(), SheetError> {
        self.inside(|_| Ok(()))
    }

    /// Appends the text of the element whose start was just read, with the text of its descendants.
    /// Stops when `text` has more than `most` bytes.
    pub(super) fn text(&mut self, text: &mut String, most: usize) -> Result<(), SheetError> {
        self.inside(|event| add(text, event, most))
    }

    /// Appends the runs of the string item whose start was just read, without phonetic guides.
    /// Stops when `text` has more than `most` bytes.
    pub(super) fn rich_text(&mut self, text: &mut String, most: usize) -> Result<(), SheetError> {
        let mut is_text = false;
        let mut is_guide = false;
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

/// Converts a parser error. The message of the parser is dropped, because it may contain a cell.
fn damaged(error: Error) -> SheetError {
    match error {
        Error::Io(error) => match error.kind() {
            std::io::ErrorKind::InvalidData
            | std::io::ErrorKind::InvalidInput
            | std::io::ErrorKind::UnexpectedEof => {
                SheetError::broken("a part of its archive is not whole")
            }
            _ => SheetError::Io(std::io::Error::new(
                error.kind(),
                "the archive could not be read",
            )),
        },
        _ => SheetError::broken("its XML is not well formed"),
    }
}

/// Appends the text of an event, unless `text` already has more than `most` bytes. One event can
/// exceed this limit.
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
        _ => reference
            .resolve_char_ref()
            .ok()
            .flatten()
            .ok_or_else(unknown),
    }
}

/// Returns the value of an attribute by its local name, with entities resolved.
pub(super) fn attribute(
    element: &BytesStart<'_>,
    name: &str,
) -> Result<Option<String>, SheetError> {
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

/// Decodes escapes such as `_x000D_` (ECMA-376 §22.9.2.19). They represent UTF-16 code units of
/// characters that XML can't contain.
pub(super) fn unescape(text: &mut String) {
    if !text.contains("_x") {
        return;
    }
    let (mut read, mut units): (String, Vec<u16>) = (String::with_capacity(text.len()), Vec::new());
    let flush = |units: &mut Vec<u16>, read: &mut String| {
        read.extend(
            char::decode_utf16(units.drain(..))
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)),
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
    digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_characters_not_allowed_in_xml_are_decoded() {
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
    fn text_is_truncated_at_its_limit() {
        let runs = format!("<is>{}</is>", "<r><t>0123456789</t></r>".repeat(1_000));
        let mut xml = Xml::new(runs.as_bytes());
        xml.next().expect("the first element");
        let mut text = String::new();
        xml.rich_text(&mut text, 25).expect("well formed");
        assert_eq!(text.len(), 30);
    }

    #[test]
    fn phonetic_guides_are_omitted_from_the_text() {
        let mut xml =
            Xml::new(&b"<si><t>a&amp;</t><rPh><t>no</t></rPh><t><![CDATA[<b>]]>&#99;</t></si>"[..]);
        xml.next().expect("the first element");
        let mut text = String::new();
        xml.rich_text(&mut text, 100).expect("well formed");
        assert_eq!(text, "a&<b>c");
    }

    #[test]
    fn nesting_depth_is_limited() {
        let deep = "<a>".repeat(MAX_DEPTH + 1);
        let mut xml = Xml::new(deep.as_bytes());
        let output = std::iter::repeat_with(|| xml.next().map(|_| ()))
            .find_map(Result::err)
            .expect("too deep");
        assert_eq!(output.code(), "BROKEN_FILE");
    }
}
