//! Protocol between parent and child. It consists of frames; the length of each frame precedes it
//! (four bytes, big-endian). A question is one JSON frame and its files. An answer is one JSON
//! frame and the drawn files.

use std::io::{self, Read, Write};

/// Writes a frame.
pub(super) fn write(out: &mut impl Write, piece: &[u8]) -> io::Result<()> {
    let length = u32::try_from(piece.len()).map_err(|_| io::Error::other("a frame is too long"))?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(piece)
}

/// Reads a frame of at most `most` bytes.
pub(super) fn read(input: &mut impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > most {
        return Err(io::Error::other("a frame is longer than the limit"));
    }
    let mut piece = Vec::new();
    input.take(length as u64).read_to_end(&mut piece)?;
    if piece.len() == length {
        Ok(piece)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_messages_are_read_back_unchanged() {
        let mut wire = Vec::new();
        write(&mut wire, b"{}").expect("written");
        write(&mut wire, b"").expect("written");
        let mut input = wire.as_slice();
        assert_eq!(read(&mut input, 2).expect("read"), b"{}");
        assert_eq!(read(&mut input, 2).expect("read"), b"");
        assert!(read(&mut input, 2).is_err());
    }

    #[test]
    fn too_long_or_truncated_message_is_refused() {
        assert!(read(&mut [0, 0, 0, 9, 1].as_slice(), 8).is_err());
        assert!(read(&mut [0, 0, 0, 9, 1].as_slice(), 9).is_err());
        assert!(read(&mut [255, 255, 255, 255].as_slice(), 1 << 20).is_err());
    }
}
