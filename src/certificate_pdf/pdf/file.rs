//! PDF file structure: numbered objects, cross-reference table and trailer (ISO 32000-1, 7.5).

use std::io::Write as _;

use data_encoding::HEXLOWER;
use flate2::{Compress, Compression, FlushCompress};
use pdf_writer::{Chunk, Obj, Ref, Settings};

/// Objects that are being written, in a buffer that begins at byte `base` of the file.
pub(super) struct Objects {
    pub(super) chunk: Chunk,
    base: usize,
    /// Byte offset of each object, at index number − 1. 0 if the object isn't written yet.
    offsets: Vec<usize>,
}

/// Settings for the smallest output: no pretty-printing.
pub(super) const COMPACT: Settings = Settings { pretty: false };

impl Objects {
    /// Creates a buffer after existing objects, which begin at `offsets` and end at `base`.
    /// `to_come` is the initial capacity in bytes.
    pub(super) fn after(base: usize, offsets: Vec<usize>, to_come: usize) -> Self {
        Self {
            chunk: Chunk::with_settings_and_capacity(COMPACT, to_come),
            base,
            offsets,
        }
    }

    /// Reserves a number for a new object.
    pub(super) fn next(&mut self) -> Ref {
        self.offsets.push(0);
        // A file has some hundred objects.
        Ref::new(i32::try_from(self.offsets.len()).unwrap_or(i32::MAX))
    }

    /// Begins an object at the current offset.
    pub(super) fn begin(&mut self, id: Ref) -> Obj<'_> {
        self.here(id);
        self.chunk.indirect(id)
    }

    /// Records the current offset as that of an object. For objects that are written into the chunk
    /// directly.
    pub(super) fn here(&mut self, id: Ref) {
        if let Some(offset) = usize::try_from(id.get() - 1)
            .ok()
            .and_then(|at| self.offsets.get_mut(at))
        {
            *offset = self.base + self.chunk.len();
        }
    }

    /// Returns the written objects and the offset of each.
    pub(super) fn into_parts(self) -> (Chunk, Vec<usize>) {
        (self.chunk, self.offsets)
    }

    /// Returns the end of the file: written objects, cross-reference table and trailer.
    pub(super) fn finish(self, catalog: Ref, info: Ref, id: &[u8; 16]) -> Vec<u8> {
        let mut file = self.chunk.as_bytes().to_vec();
        let table = self.base + file.len();
        file.reserve(20 * self.offsets.len() + 256);
        // proof: writing into a Vec never fails, here and below.
        let _ = write!(
            file,
            "xref\n0 {}\n0000000000 65535 f\r\n",
            self.offsets.len() + 1
        );
        let mut line = *b"0000000000 00000 n\r\n";
        for offset in &self.offsets {
            let mut rest = *offset;
            for digit in line[..10].iter_mut().rev() {
                *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
                rest /= 10;
            }
            file.extend_from_slice(&line);
        }
        let id = HEXLOWER.encode(id);
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

/// Reusable deflate state. Creating one takes longer than compressing a small stream.
pub(super) struct Deflate(Compress);

impl Deflate {
    /// Creates a state for streams that are written once and read often.
    pub(super) fn best() -> Self {
        Self(Compress::new(Compression::new(9), true))
    }

    /// Creates a state for the streams of a single certificate.
    pub(super) fn quick() -> Self {
        Self(Compress::new(Compression::fast(), true))
    }

    /// Compresses `bytes` to a zlib stream (RFC 1950).
    pub(super) fn zlib(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.reset();
        let mut out = Vec::with_capacity(bytes.len() / 2 + 64);
        loop {
            let read = usize::try_from(self.0.total_in()).unwrap_or(bytes.len());
            match self
                .0
                .compress_vec(&bytes[read..], &mut out, FlushCompress::Finish)
            {
                Ok(flate2::Status::StreamEnd) => return out,
                // The buffer is full: extend it and continue. Compression cannot fail in another
                // way.
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
    fn reused_state_deflates_each_stream_correctly() {
        let mut deflate = Deflate::quick();
        for length in [0, 1, 100, 100_000] {
            let bytes: Vec<u8> = (0..length)
                .map(|n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes()[2])
                .collect();
            let mut back = Vec::new();
            flate2::read::ZlibDecoder::new(&deflate.zlib(&bytes)[..])
                .read_to_end(&mut back)
                .expect("zlib");
            assert_eq!(back, bytes);
        }
    }
}
