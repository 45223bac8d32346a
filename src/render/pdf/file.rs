//! A PDF file as bytes: numbered objects, the table of where each begins, the trailer (ISO 32000-1, 7.5).

use std::io::Write as _;

use flate2::{Compress, Compression, FlushCompress};
use pdf_writer::{Chunk, Obj, Ref, Settings};

/// Objects under way, in a buffer that begins at some offset of the file.
pub(super) struct Objects {
    pub(super) chunk: Chunk,
    base: usize,
    /// Where each object begins, by its number less one; 0 where it isn't written yet.
    offsets: Vec<usize>,
}

/// The smallest settings: no padding.
pub(super) const COMPACT: Settings = Settings { pretty: false };

impl Objects {
    /// Goes on after objects that are written already and end at `base`; about so many bytes are to come.
    pub(super) fn after(base: usize, offsets: Vec<usize>, to_come: usize) -> Self {
        Self { chunk: Chunk::with_settings_and_capacity(COMPACT, to_come), base, offsets }
    }

    /// A number for an object to come.
    pub(super) fn next(&mut self) -> Ref {
        self.offsets.push(0);
        // Files here hold some hundred objects.
        Ref::new(i32::try_from(self.offsets.len()).unwrap_or(i32::MAX))
    }

    /// Begins an object.
    pub(super) fn begin(&mut self, id: Ref) -> Obj<'_> {
        self.here(id);
        self.chunk.indirect(id)
    }

    /// Notes that the object begins here, for those that are written into the chunk directly.
    pub(super) fn here(&mut self, id: Ref) {
        if let Some(offset) = usize::try_from(id.get() - 1).ok().and_then(|at| self.offsets.get_mut(at)) {
            *offset = self.base + self.chunk.len();
        }
    }

    /// What was written, and where every object begins.
    pub(super) fn into_parts(self) -> (Chunk, Vec<usize>) {
        (self.chunk, self.offsets)
    }

    /// The end of the file: written objects, cross-reference table, trailer.
    pub(super) fn finish(self, catalog: Ref, info: Ref, id: &[u8; 16]) -> Vec<u8> {
        let mut file = self.chunk.as_bytes().to_vec();
        let table = self.base + file.len();
        file.reserve(20 * self.offsets.len() + 256);
        // proof: writing into a Vec never fails, here and below.
        let _ = write!(file, "xref\n0 {}\n0000000000 65535 f\r\n", self.offsets.len() + 1);
        let mut line = *b"0000000000 00000 n\r\n";
        for offset in &self.offsets {
            let mut rest = *offset;
            for digit in line[..10].iter_mut().rev() {
                *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
                rest /= 10;
            }
            file.extend_from_slice(&line);
        }
        let id = crate::domain::hex(id);
        let _ = write!(
            file,
            "trailer\n<</Size {}/Root {} 0 R/Info {} 0 R/ID[<{id}><{id}>]>>\nstartxref\n{table}\n%%EOF",
            self.offsets.len() + 1,
            catalog.get(),
            info.get()
        );
        file
    }
}

/// Deflates streams with one state that is used again and again: making it costs more than a small stream.
pub(super) struct Deflate(Compress);

impl Deflate {
    /// For what is written once and read often.
    pub(super) fn best() -> Self {
        Self(Compress::new(Compression::new(9), true))
    }

    /// For what each certificate has of its own.
    pub(super) fn quick() -> Self {
        Self(Compress::new(Compression::fast(), true))
    }

    /// The zlib stream (RFC 1950) of some bytes.
    pub(super) fn zlib(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.reset();
        let mut out = Vec::with_capacity(bytes.len() / 2 + 64);
        loop {
            let read = usize::try_from(self.0.total_in()).unwrap_or(bytes.len());
            match self.0.compress_vec(&bytes[read..], &mut out, FlushCompress::Finish) {
                Ok(flate2::Status::StreamEnd) => return out,
                // Full: more room, then on. A deflater has no other way to fail.
                Ok(_) | Err(_) => out.reserve(out.capacity().max(64)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn one_state_deflates_many_streams() {
        let mut deflate = Deflate::quick();
        for length in [0, 1, 100, 100_000] {
            let bytes: Vec<u8> =
                (0..length).map(|n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
            let mut back = Vec::new();
            flate2::read::ZlibDecoder::new(&deflate.zlib(&bytes)[..]).read_to_end(&mut back).expect("zlib");
            assert_eq!(back, bytes);
        }
    }
}
