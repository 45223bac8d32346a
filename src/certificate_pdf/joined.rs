//! Many certificates as one PDF for a printer: their pages in order, with shared objects written
//! once.
//!
//! Objects are written at once, and only their SHA-256 is kept. So memory contains one certificate
//! and 40 bytes per object. Tags, links and metadata of the sources are left out, because the
//! issued files have them.

use std::collections::HashMap;
use std::io::{self, Write};

use data_encoding::HEXLOWER;
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Dict, MaybeRef, Object, ObjectIdentifier, Stream};
use sha2::{Digest as _, Sha256};

/// Object numbers of the catalog and the page tree, which are written last, and the first number
/// for other objects.
const CATALOG: usize = 1;
const PAGES: usize = 2;
const FIRST_FREE: usize = 3;
/// Entries of a page that are copied.
const PAGE_KEYS: [&[u8]; 8] = [
    b"Resources",
    b"Contents",
    b"MediaBox",
    b"CropBox",
    b"TrimBox",
    b"BleedBox",
    b"Rotate",
    b"Group",
];
/// Entries that are not copied from any dictionary, because they refer to the page tree, to tags or
/// to metadata.
const LEFT_OUT: [&[u8]; 4] = [b"Parent", b"StructParent", b"StructParents", b"Metadata"];
/// Entries that a page may inherit from its ancestors.
const INHERITED: [&[u8]; 4] = [b"Resources", b"MediaBox", b"CropBox", b"Rotate"];
/// Maximum nesting depth of objects and of the page tree.
const MAX_DEPTH: usize = 64;

/// Reason why a file cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The output cannot be written.
    #[error("the joined file cannot be written: {0}")]
    Write(#[from] io::Error),
    /// A source is damaged or nested too deeply.
    #[error("a certificate's file cannot be read")]
    Unreadable,
}

/// Writer of one PDF with the pages of others.
pub struct JoinedPdf<W> {
    out: W,
    written: u64,
    /// Offset of each object, by its number; 0 if it is not written yet.
    offsets: Vec<u64>,
    known: HashMap<[u8; 32], usize>,
    pages: Vec<usize>,
    /// Colour profile of the first source, used for all pages.
    output_intents: Option<Vec<u8>>,
}

/// Number of each copied object of one source. `None` while an object is being copied, or if it is
/// missing.
type Copied = HashMap<ObjectIdentifier, Option<usize>>;

impl<W: Write> JoinedPdf<W> {
    /// Writes the beginning of a file.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn new(out: W) -> io::Result<Self> {
        let mut joined = Self {
            out,
            written: 0,
            offsets: vec![0; FIRST_FREE],
            known: HashMap::new(),
            pages: Vec::new(),
            output_intents: None,
        };
        joined.put(b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")?;
        Ok(joined)
    }

    /// Adds all pages of a file.
    ///
    /// # Errors
    /// The file cannot be read, or the output cannot be written.
    pub fn add(&mut self, file: bytes::Bytes) -> Result<(), JoinError> {
        let pdf = Pdf::new(file.to_vec()).map_err(|_| JoinError::Unreadable)?;
        let mut copied = Copied::new();
        if self.output_intents.is_none() {
            let catalog = pdf
                .xref()
                .get::<Dict<'_>>(pdf.xref().root_id())
                .ok_or(JoinError::Unreadable)?;
            let mut intents = Vec::new();
            if let Some(found) = catalog.get_raw::<Object<'_>>(b"OutputIntents".as_slice()) {
                self.copy(&pdf, &found, &mut copied, &mut intents, 0)?;
            }
            self.output_intents = Some(intents);
        }
        for page in pdf.pages().iter() {
            let mut dictionary = format!("<</Type/Page/Parent {PAGES} 0 R").into_bytes();
            for key in PAGE_KEYS {
                if let Some(value) = of_page(page.raw(), key) {
                    name(key, &mut dictionary);
                    self.copy(&pdf, &value, &mut copied, &mut dictionary, 0)?;
                }
            }
            dictionary.extend_from_slice(b">>");
            // Each page is a separate object, even if it equals another one.
            let number = self.object(&dictionary)?;
            self.pages.push(number);
        }
        Ok(())
    }

    /// Writes the page tree and the end of the file.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        let kids: Vec<String> = self
            .pages
            .iter()
            .map(|page| format!("{page} 0 R"))
            .collect();
        let tree = format!(
            "<</Type/Pages/Count {}/Kids[{}]>>",
            kids.len(),
            kids.join(" ")
        );
        self.numbered(PAGES, tree.as_bytes())?;
        let mut catalog = format!("<</Type/Catalog/Pages {PAGES} 0 R").into_bytes();
        if let Some(intents) = self
            .output_intents
            .take()
            .filter(|intents| !intents.is_empty())
        {
            catalog.extend_from_slice(b"/OutputIntents ");
            catalog.extend_from_slice(&intents);
        }
        catalog.extend_from_slice(b">>");
        self.numbered(CATALOG, &catalog)?;
        let start = self.written;
        let size = self.offsets.len();
        let mut table = format!("xref\n0 {size}\n0000000000 65535 f\r\n");
        for offset in &self.offsets[1..] {
            table.push_str(&format!("{offset:010} 00000 n\r\n"));
        }
        table.push_str(&format!(
            "trailer\n<</Size {size}/Root {CATALOG} 0 R>>\nstartxref\n{start}\n%%EOF\n"
        ));
        self.put(table.as_bytes())?;
        self.out.flush()
    }

    /// Serializes a value to `out`. The objects that it refers to are copied first.
    fn copy(
        &mut self,
        pdf: &Pdf,
        value: &MaybeRef<Object<'_>>,
        copied: &mut Copied,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), JoinError> {
        let object = match value {
            MaybeRef::NotRef(object) => object,
            MaybeRef::Ref(reference) => {
                let id = ObjectIdentifier::new(reference.obj_number, reference.gen_number);
                match self.reference(pdf, id, copied, depth)? {
                    Some(number) => out.extend_from_slice(format!(" {number} 0 R").as_bytes()),
                    None => out.extend_from_slice(b" null"),
                }
                return Ok(());
            }
        };
        if depth > MAX_DEPTH {
            return Err(JoinError::Unreadable);
        }
        match object {
            Object::Null(_) => out.extend_from_slice(b" null"),
            Object::Boolean(yes) => out.extend_from_slice(if *yes { b" true" } else { b" false" }),
            Object::Number(number) => {
                out.extend_from_slice(format!(" {}", number.as_f64()).as_bytes())
            }
            Object::String(text) => {
                let digits = HEXLOWER.encode(text.as_bytes());
                out.extend_from_slice(format!("<{digits}>").as_bytes());
            }
            Object::Name(text) => name(text, out),
            Object::Array(array) => {
                out.push(b'[');
                for item in array.raw_iter() {
                    self.copy(pdf, &item, copied, out, depth + 1)?;
                }
                out.push(b']');
            }
            Object::Dict(dictionary) => {
                self.dictionary(pdf, dictionary, None, copied, out, depth)?
            }
            Object::Stream(stream) => self.stream(pdf, stream, copied, out, depth)?,
        }
        Ok(())
    }

    fn dictionary(
        &mut self,
        pdf: &Pdf,
        dictionary: &Dict<'_>,
        length: Option<usize>,
        copied: &mut Copied,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), JoinError> {
        // Sorted, so that equal dictionaries have equal bytes.
        let mut entries: Vec<_> = dictionary.entries().collect();
        entries.sort_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
        out.extend_from_slice(b"<<");
        for (key, value) in &entries {
            let key: &[u8] = key.as_ref();
            if LEFT_OUT.contains(&key) || (length.is_some() && key == b"Length") {
                continue;
            }
            name(key, out);
            self.copy(pdf, value, copied, out, depth + 1)?;
        }
        if let Some(length) = length {
            out.extend_from_slice(format!("/Length {length}").as_bytes());
        }
        out.extend_from_slice(b">>");
        Ok(())
    }

    fn stream(
        &mut self,
        pdf: &Pdf,
        stream: &Stream<'_>,
        copied: &mut Copied,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), JoinError> {
        let data = stream.raw_data();
        self.dictionary(pdf, stream.dict(), Some(data.len()), copied, out, depth)?;
        out.extend_from_slice(b"\nstream\n");
        out.extend_from_slice(&data);
        out.extend_from_slice(b"\nendstream");
        Ok(())
    }

    /// Copies an object of a source and returns its new number. Returns `None` if it is missing or
    /// refers to itself.
    fn reference(
        &mut self,
        pdf: &Pdf,
        id: ObjectIdentifier,
        copied: &mut Copied,
        depth: usize,
    ) -> Result<Option<usize>, JoinError> {
        if let Some(number) = copied.get(&id) {
            return Ok(*number);
        }
        copied.insert(id, None);
        let Some(object) = pdf.xref().get::<Object<'_>>(id) else {
            return Ok(None);
        };
        let mut body = Vec::new();
        self.copy(pdf, &MaybeRef::NotRef(object), copied, &mut body, depth + 1)?;
        let digest: [u8; 32] = Sha256::digest(&body).into();
        let number = match self.known.get(&digest) {
            Some(number) => *number,
            None => {
                let number = self.object(&body)?;
                self.known.insert(digest, number);
                number
            }
        };
        copied.insert(id, Some(number));
        Ok(Some(number))
    }

    /// Writes an object with the next number.
    fn object(&mut self, body: &[u8]) -> io::Result<usize> {
        let number = self.offsets.len();
        self.offsets.push(0);
        self.numbered(number, body)?;
        Ok(number)
    }

    fn numbered(&mut self, number: usize, body: &[u8]) -> io::Result<()> {
        self.offsets[number] = self.written;
        self.put(format!("{number} 0 obj\n").as_bytes())?;
        self.put(body)?;
        self.put(b"\nendobj\n")
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// Returns an entry of a page, which may be inherited from an ancestor.
fn of_page<'a>(page: &Dict<'a>, key: &[u8]) -> Option<MaybeRef<Object<'a>>> {
    let mut at = page.clone();
    for _ in 0..MAX_DEPTH {
        if let Some(value) = at.get_raw::<Object<'a>>(key) {
            return Some(value);
        }
        if !INHERITED.contains(&key) {
            return None;
        }
        at = at.get::<Dict<'a>>(b"Parent".as_slice())?;
    }
    None
}

/// Writes a name. Characters that are not regular are written as their number (ISO 32000-1 §7.3.5).
fn name(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'/');
    for byte in text {
        if byte.is_ascii_graphic() && !b"#()<>[]{}/%".contains(byte) {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("#{byte:02X}").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate_pdf::RenderJob;
    use crate::certificate_pdf::tests::{RENDERER, job, sample_design};

    fn issued(names: &[&str]) -> Vec<bytes::Bytes> {
        let jobs: Vec<RenderJob> = names
            .iter()
            .map(|name| RenderJob {
                design: Some(sample_design()),
                ..job(name)
            })
            .collect();
        RENDERER
            .render(&jobs)
            .into_iter()
            .map(|file| file.expect("renders").to_bytes())
            .collect()
    }

    /// Returns the pixels of a page.
    fn picture(file: &[u8], page: usize) -> Vec<u8> {
        let pdf = Pdf::new(file.to_vec()).expect("reads");
        let pages = pdf.pages();
        let page = pages.get(page).expect("a page");
        let settings = hayro::RenderSettings::default();
        let reading = Default::default();
        let drawn = hayro::render(page, &hayro::RenderCache::new(), &reading, &settings);
        drawn.data_as_u8_slice().to_vec()
    }

    fn joined(files: &[bytes::Bytes]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut joined = JoinedPdf::new(&mut out).expect("begins");
        for file in files {
            joined.add(file.clone()).expect("is read");
        }
        joined.finish().expect("ends");
        out
    }

    #[test]
    fn joined_pages_look_as_issued_and_shared_objects_occur_once() {
        let files = issued(&[
            "Ada Lovelace",
            "Grace Hopper",
            "Nguyễn Thị Ánh",
            "Ada Lovelace",
        ]);
        let all = joined(&files);
        let pdf = Pdf::new(all.clone()).expect("reads");
        assert_eq!(pdf.pages().len(), 4);
        for (n, file) in files.iter().enumerate() {
            assert!(picture(&all, n) == picture(file, 0), "page {n}");
        }
        let one = files[0].len();
        let sum = files.iter().map(bytes::Bytes::len).sum::<usize>();
        assert!(
            all.len() < one + (sum - one) / 4,
            "{} bytes of {sum}",
            all.len()
        );
    }

    #[test]
    fn joined_file_is_complete_and_deterministic() {
        let files = issued(&["Ada Lovelace", "Grace Hopper"]);
        let all = joined(&files);
        assert_eq!(all, joined(&files));
        let text = String::from_utf8_lossy(&all);
        assert!(text.starts_with("%PDF-1.7\n") && text.ends_with("%%EOF\n"));
        assert!(!text.contains("/StructParents") && text.contains("/OutputIntents"));
        let start = text
            .rsplit("startxref\n")
            .next()
            .and_then(|rest| rest.lines().next())
            .expect("an offset");
        assert!(all[start.parse::<usize>().expect("a number")..].starts_with(b"xref\n"));
        assert_eq!(
            Pdf::new(joined(&[]))
                .map(|pdf| pdf.pages().len())
                .unwrap_or_default(),
            0
        );
    }

    #[test]
    fn damaged_source_is_rejected() {
        let mut joined = JoinedPdf::new(Vec::new()).expect("begins");
        for file in [&b""[..], b"not a PDF", b"%PDF-1.7\n%%EOF"] {
            assert!(matches!(
                joined.add(bytes::Bytes::copy_from_slice(file)),
                Err(JoinError::Unreadable)
            ));
        }
    }
}
