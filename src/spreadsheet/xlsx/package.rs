//! The archive that a workbook is: its parts by name, and how they refer to each other.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use quick_xml::encoding::DecodingReader;
use quick_xml::events::Event;
use zip::ZipArchive;
use zip::read::ZipFile;

use super::xml::{Xml, attribute};
use crate::spreadsheet::{SheetError, archive};

/// The most references of one part; those of a workbook are its sheets and what they share.
const MAX_RELATIONS: usize = 10_000;

/// One part, inflated as it is read.
pub(super) type Part<'a> = DecodingReader<BufReader<Counted<ZipFile<'a, BufReader<File>>>>>;

/// Bytes of all parts together, until too many were read. A workbook can name the same part as many sheets.
pub(super) struct Counted<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(left.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?);
        Ok(read)
    }
}

/// An archive that `archive::check` has looked over.
pub(super) struct Package {
    zip: ZipArchive<BufReader<File>>,
    /// Position in the archive by name; names are compared as the format says, without regard to case.
    names: HashMap<String, usize>,
    /// Bytes that may still be read of all parts.
    left: Rc<Cell<u64>>,
}

/// A reference from one part to another.
pub(super) struct Relation {
    pub id: String,
    /// The last word of the relation's type, such as `worksheet`.
    pub kind: String,
    /// The part's name.
    pub target: String,
}

impl Package {
    /// Opens an archive whose parts inflate to at most `max_inflated` bytes. Each may be read about twice.
    pub(super) fn open(file: File, max_inflated: u64) -> Result<Self, SheetError> {
        let zip = ZipArchive::new(BufReader::new(file))
            .map_err(|_| SheetError::broken("its archive is not whole"))?;
        let names = zip.file_names_raw().map(|name| normal(&String::from_utf8_lossy(name)));
        let names = names.enumerate().map(|(position, name)| (name, position)).collect();
        Ok(Self { zip, names, left: Rc::new(Cell::new(max_inflated.saturating_mul(2))) })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(&normal(name))
    }

    pub(super) fn part(&mut self, name: &str) -> Result<Xml<Part<'_>>, SheetError> {
        let name = normal(name);
        let position = self.names.get(&name).copied().filter(|_| archive::is_read(&name));
        let position = position.ok_or_else(|| SheetError::broken("a part of it is missing"))?;
        let left = self.left.clone();
        let part = self.zip.by_index(position);
        // Parts may be in UTF-16.
        let whole = |inner| BufReader::with_capacity(64 * 1024, Counted { inner, left });
        part.map(|inner| Xml::new(DecodingReader::new(whole(inner))))
            .map_err(|_| SheetError::broken("a part of its archive is not whole"))
    }

    /// What a part refers to; nothing where it has no list of relations. The empty name is the archive's.
    pub(super) fn relations(&mut self, of: &str) -> Result<Vec<Relation>, SheetError> {
        let (folder, name) = of.rsplit_once('/').map_or(("", of), |(folder, name)| (folder, name));
        let list = joined(folder, &format!("_rels/{name}.rels"));
        if !self.has(&list) {
            return Ok(Vec::new());
        }
        let mut relations = Vec::new();
        let mut xml = self.part(&list)?;
        loop {
            match xml.next()?.0 {
                Event::Start(element) if element.local_name().as_ref() == "Relationship" => {
                    if relations.len() == MAX_RELATIONS {
                        return Err(SheetError::broken("a part of it refers to too many others"));
                    }
                    let kind = attribute(&element, "Type")?.unwrap_or_default();
                    let target = attribute(&element, "Target")?.unwrap_or_default();
                    relations.push(Relation {
                        id: attribute(&element, "Id")?.unwrap_or_default(),
                        kind: kind.rsplit('/').next().unwrap_or_default().to_owned(),
                        target: joined(folder, &target),
                    });
                }
                Event::Eof => return Ok(relations),
                _ => {}
            }
        }
    }
}

fn normal(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_ascii_lowercase()
}

/// A target as seen from a folder; one that begins with a slash is seen from the archive.
fn joined(folder: &str, target: &str) -> String {
    if target.starts_with('/') {
        return target.trim_start_matches('/').to_owned();
    }
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_seen_from_the_folder_of_who_refers() {
        assert_eq!(joined("xl", "worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(joined("xl", "/xl/worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(joined("xl/a", "../b/./c.xml"), "xl/b/c.xml");
        assert_eq!(joined("", "../../x.xml"), "x.xml");
        assert_eq!(normal("XL\\Workbook.xml"), "xl/workbook.xml");
    }
}
