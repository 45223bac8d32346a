//! Open Packaging Conventions: access to the parts of the archive by name, and their relationships.

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

/// Maximum number of relationships of one part. A workbook part has one for each sheet and each
/// shared part.
const MAX_RELATIONS: usize = 10_000;

/// Part of the archive. It is inflated while it is read.
pub(super) type Part<'a> = DecodingReader<BufReader<Counted<ZipFile<'a, BufReader<File>>>>>;

/// Reader with a limit of bytes that all parts share. It is necessary because many sheets can refer
/// to the same part.
pub(super) struct Counted<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left
            .set(left.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?);
        Ok(read)
    }
}

/// Archive that `archive::check` has accepted.
pub(super) struct Package {
    zip: ZipArchive<BufReader<File>>,
    /// Position in the archive, by normalised name. The format requires names that ignore case.
    names: HashMap<String, usize>,
    /// Number of bytes that may still be read from all parts together.
    left: Rc<Cell<u64>>,
}

/// Relationship from one part to another.
pub(super) struct Relation {
    pub id: String,
    /// Last segment of the relationship type, for example `worksheet`.
    pub kind: String,
    /// Name of the target part.
    pub target: String,
}

impl Package {
    /// Opens an archive. `max_inflated` is the maximum size in bytes to which its parts inflate. In
    /// total, at most twice as many bytes can be read.
    pub(super) fn open(file: File, max_inflated: u64) -> Result<Self, SheetError> {
        let zip = ZipArchive::new(BufReader::new(file))
            .map_err(|_| SheetError::broken("its archive is not whole"))?;
        let names = zip
            .file_names_raw()
            .map(|name| normal(&String::from_utf8_lossy(name)));
        let names = names
            .enumerate()
            .map(|(position, name)| (name, position))
            .collect();
        Ok(Self {
            zip,
            names,
            left: Rc::new(Cell::new(max_inflated.saturating_mul(2))),
        })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(&normal(name))
    }

    pub(super) fn part(&mut self, name: &str) -> Result<Xml<Part<'_>>, SheetError> {
        let name = normal(name);
        let position = self
            .names
            .get(&name)
            .copied()
            .filter(|_| archive::is_read(&name));
        let position = position.ok_or_else(|| SheetError::broken("a part of it is missing"))?;
        let left = self.left.clone();
        let part = self.zip.by_index(position);
        // `DecodingReader` also decodes parts in UTF-16.
        let whole = |inner| BufReader::with_capacity(64 * 1024, Counted { inner, left });
        part.map(|inner| Xml::new(DecodingReader::new(whole(inner))))
            .map_err(|_| SheetError::broken("a part of its archive is not whole"))
    }

    /// Returns the relationships of a part. The list is empty if the part has none. An empty name
    /// stands for the package itself.
    pub(super) fn relations(&mut self, of: &str) -> Result<Vec<Relation>, SheetError> {
        let (folder, name) = of
            .rsplit_once('/')
            .map_or(("", of), |(folder, name)| (folder, name));
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
    name.replace('\\', "/")
        .trim_start_matches('/')
        .to_ascii_lowercase()
}

/// Resolves a target relative to a folder. If the target begins with a slash, it is relative to the
/// root of the archive.
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
    fn relationship_target_is_resolved_from_the_folder_of_its_source() {
        assert_eq!(
            joined("xl", "worksheets/sheet1.xml"),
            "xl/worksheets/sheet1.xml"
        );
        assert_eq!(
            joined("xl", "/xl/worksheets/sheet1.xml"),
            "xl/worksheets/sheet1.xml"
        );
        assert_eq!(joined("xl/a", "../b/./c.xml"), "xl/b/c.xml");
        assert_eq!(joined("", "../../x.xml"), "x.xml");
        assert_eq!(normal("XL\\Workbook.xml"), "xl/workbook.xml");
    }
}
