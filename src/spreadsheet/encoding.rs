//! Encoding detection for CSV files, and conversion to UTF-8 with `\n` line breaks.

use std::io::{self, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::charset::{Charset, TextDecoder};
use crate::domain::certification::person::plausible::doubt;

const CHUNK: usize = 16 * 1024;
/// Number of bytes from which the encoding is guessed. Chunks of pure ASCII are not included.
const GUESSED_FROM: usize = 1 << 20;

/// Way in which an encoding was determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodingSource {
    /// The uploader selected it.
    Given,
    /// A byte order mark, zero bytes, or mostly valid UTF-8 show it.
    Evident,
    /// It was guessed from the bytes.
    Guessed,
}

/// Sentinel line after the last line of the text. U+FDD0 is a noncharacter, which texts don't
/// contain. If the CSV reader doesn't return this line as a separate record, the line is within a
/// quoted field that was never closed.
pub(super) const END_OF_TEXT: &str = "\u{FDD0}end of text\u{FDD0}";

/// Detects UTF-16 without a byte order mark by its zero bytes. Headers consist mostly of Latin
/// letters, digits and delimiters. One of the two bytes of such a character is zero, and always the
/// same one. Some letters of other scripts have zero as the other byte, so a small share of these
/// is tolerated.
pub(super) fn utf_16(start: &[u8]) -> Option<&'static Encoding> {
    let pairs = start.len() / 2;
    let zeros = |offset| {
        start
            .iter()
            .skip(offset)
            .step_by(2)
            .filter(|&&byte| byte == 0)
            .count()
    };
    let first = zeros(0);
    let second = zeros(1);
    let mostly = |many: usize, few: usize| many * 10 >= pairs * 3 && few * 10 <= many && many > 1;
    match () {
        () if mostly(second, first) => Some(UTF_16LE),
        () if mostly(first, second) => Some(UTF_16BE),
        () => None,
    }
}

/// Detects the encoding by a byte order mark or zero bytes. If there are none, reads the whole
/// text. The encoding is then UTF-8, unless invalid UTF-8 sequences outnumber valid non-ASCII
/// characters; in that case, it is guessed. Texts in other encodings rarely contain valid non-ASCII
/// UTF-8 sequences. So a UTF-8 file with a damaged row is still read as UTF-8.
pub(super) fn detect(mut input: impl Read) -> io::Result<(Charset, EncodingSource)> {
    let evident = |encoding| Ok((Charset::standard(encoding), EncodingSource::Evident));
    let mut buffer = vec![0; CHUNK];
    let mut carried = 0;
    let mut letters = 0_u64;
    let mut damaged = 0_u64;
    let mut sample = Vec::new();
    let mut is_start = true;
    loop {
        let read = input.read(&mut buffer[carried..])?;
        let bytes = &buffer[..carried + read];
        if is_start && let Some((encoding, _)) = Encoding::for_bom(bytes) {
            return evident(encoding);
        }
        if is_start && let Some(encoding) = utf_16(bytes) {
            return evident(encoding);
        }
        // `read` returns fewer bytes than a BOM only if the file itself is shorter.
        is_start = false;
        let whole = if read == 0 {
            bytes.len()
        } else {
            bytes.len() - cut_letter(bytes)
        };
        for chunk in bytes[..whole].utf8_chunks() {
            letters += chunk
                .valid()
                .chars()
                .filter(|character| !character.is_ascii())
                .count() as u64;
            damaged += u64::from(!chunk.invalid().is_empty());
        }
        if sample.len() < GUESSED_FROM && !bytes[..whole].is_ascii() {
            sample.extend_from_slice(&bytes[..whole]);
        }
        if read == 0 {
            return if damaged > letters {
                Ok((guess(&sample), EncodingSource::Guessed))
            } else {
                evident(UTF_8)
            };
        }
        carried = bytes.len() - whole;
        buffer.copy_within(whole..whole + carried, 0);
    }
}

/// Guesses the encoding of a text that isn't UTF-8.
fn guess(sample: &[u8]) -> Charset {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    let guessed = Charset::standard(detector.guess(None, Utf8Detection::Deny));
    let usual = Charset::standard(WINDOWS_1252);
    // Few letters give few hints. If only the guess yields doubtful words, the most common encoding
    // is correct.
    let odd = doubts(guessed, sample);
    let usually_odd = doubts(usual, sample);
    if odd > 0 && usually_odd == 0 {
        usual
    } else {
        guessed
    }
}

/// Returns the number of non-ASCII words that are probably misread in this encoding. Returns
/// `usize::MAX` if the sample can't be decoded.
fn doubts(charset: Charset, sample: &[u8]) -> usize {
    let Some(text) = charset.decoded(sample) else {
        return usize::MAX;
    };
    let words = text
        .split([',', ';', '\t', '\n', '\r', '"', ' '])
        .filter(|word| !word.is_ascii());
    words.filter(|word| doubt(word, true).is_some()).count()
}

/// Returns the length in bytes (at most 3) of an incomplete UTF-8 sequence at the end.
fn cut_letter(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    let lead = tail
        .iter()
        .rposition(|byte| byte & 0b1100_0000 != 0b1000_0000);
    let Some(lead) = lead else { return 0 };
    let length = match tail[lead] {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    };
    let present = tail.len() - lead;
    if present < length { present } else { 0 }
}

/// Reader that decodes its input to UTF-8. It removes the byte order mark, replaces `\r\n` and
/// single `\r` with `\n`, and appends [`END_OF_TEXT`]. Reading fails if more bytes than allowed are
/// read; see [`Self::allow`].
pub(super) struct Text<R> {
    input: R,
    decoder: TextDecoder,
    raw: Vec<u8>,
    decoded: Vec<u8>,
    text: Vec<u8>,
    taken: usize,
    after_return: bool,
    finished: bool,
    allowance: usize,
    /// Number of decoded bytes that were returned so far.
    given: u64,
    /// Position of the last quotation mark in the returned bytes.
    last_quote: Option<u64>,
}

impl<R: Read> Text<R> {
    /// Creates a reader. `input` must be at the beginning of the file.
    pub(super) fn new(input: R, charset: Charset) -> Self {
        Self {
            input,
            decoder: charset.decoder(),
            raw: vec![0; CHUNK],
            decoded: Vec::new(),
            text: Vec::new(),
            taken: 0,
            after_return: false,
            finished: false,
            allowance: usize::MAX,
            given: 0,
            last_quote: None,
        }
    }

    /// Allows the reader to return `bytes` more bytes. The rest of the previous allowance is
    /// discarded.
    pub(super) const fn allow(&mut self, bytes: usize) {
        self.allowance = bytes;
    }

    /// Returns true if no more bytes may be returned.
    pub(super) const fn is_exhausted(&self) -> bool {
        self.allowance == 0
    }

    /// Returns true if a quotation mark was read at or after `position`.
    pub(super) fn has_quote_since(&self, position: u64) -> bool {
        self.last_quote.is_some_and(|last| last >= position)
    }

    fn fill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.taken = 0;
        while self.text.is_empty() && !self.finished {
            let read = self.input.read(&mut self.raw)?;
            let is_last = read == 0;
            self.decoder
                .decode(&self.raw[..read], &mut self.decoded, is_last);
            for &byte in &self.decoded {
                match byte {
                    b'\n' if self.after_return => {}
                    b'\r' => self.text.push(b'\n'),
                    other => self.text.push(other),
                }
                self.after_return = byte == b'\r';
            }
            if is_last {
                self.text.push(b'\n');
                self.text.extend_from_slice(END_OF_TEXT.as_bytes());
                self.finished = true;
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.text.len() {
            self.fill()?;
        }
        let left = &self.text[self.taken..];
        let count = left.len().min(out.len()).min(self.allowance);
        if count == 0 && !left.is_empty() && !out.is_empty() {
            return Err(io::Error::other("the allowance is used up"));
        }
        out[..count].copy_from_slice(&left[..count]);
        if let Some(quote) = left[..count].iter().rposition(|&byte| byte == b'"') {
            self.last_quote = Some(self.given + quote as u64);
        }
        self.given += count as u64;
        self.taken += count;
        self.allowance -= count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reader that returns one byte per call, so that every multi-byte character is split.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let count = usize::from(!self.0.is_empty() && !out.is_empty());
            out[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn text(bytes: &[u8]) -> String {
        let (charset, _) = detect(bytes).expect("a slice reads");
        let mut text = String::new();
        Text::new(Slow(bytes), charset)
            .read_to_string(&mut text)
            .expect("decoded text is UTF-8");
        text.strip_suffix(END_OF_TEXT)
            .expect("the end is marked")
            .strip_suffix('\n')
            .expect("a line")
            .to_owned()
    }

    #[test]
    fn common_encodings_and_line_ends_are_decoded() {
        assert_eq!(
            text(b"\xEF\xBB\xBFJos\xC3\xA9\r\nb\rc\n\nd"),
            "José\nb\nc\n\nd"
        );
        assert_eq!(text(b"Jos\xE9,Mu\xF1oz \x80"), "José,Muñoz €");
        assert_eq!(text(b"\xFF\xFEJ\0\xE9\0\r\0\n\0"), "Jé\n");
        assert_eq!(text(b"J\0\xE9\0,\0"), "Jé,");
        assert_eq!(text(b"\0J\0\xE9\0,"), "Jé,");
        assert_eq!(text("Ωλ,高".as_bytes()), "Ωλ,高");
        assert_eq!(text(b""), "");
    }

    #[test]
    fn one_damaged_letter_does_not_change_the_encoding() {
        assert_eq!(
            text(b"Mu\xC3\xB1oz\nJos\xE9\nPe\xC3\xB1a"),
            "Muñoz\nJos\u{FFFD}\nPeña"
        );
    }

    #[test]
    fn letter_split_across_chunks_is_not_damaged() {
        for shift in 0..4 {
            let bytes = format!("{}{}", "a".repeat(CHUNK - shift), "高𝒜é");
            let (charset, source) = detect(bytes.as_bytes()).expect("a slice reads");
            assert_eq!(
                (charset.label, source),
                ("utf-8", EncodingSource::Evident),
                "{shift}"
            );
        }
    }

    #[test]
    fn reading_stops_at_the_byte_limit() {
        let mut text = Text::new(&b"abcdef"[..], Charset::standard(UTF_8));
        text.allow(4);
        let mut out = [0; 9];
        assert_eq!(text.read(&mut out).expect("within the allowance"), 4);
        assert!(text.read(&mut out).is_err() && text.is_exhausted());
        text.allow(100);
        let mut rest = String::new();
        text.read_to_string(&mut rest)
            .expect("within the allowance");
        assert!(rest.starts_with("ef\n"), "{rest:?}");
    }

    proptest! {
        #[test]
        fn any_utf_8_text_is_decoded_as_utf_8(written in "[^\r\0\u{feff}]{0,40}") {
            prop_assert_eq!(text(written.as_bytes()), written);
        }

        #[test]
        fn any_bytes_are_decoded_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            text(&bytes);
        }
    }
}
