//! Text encodings and their labels.

use encoding_rs::{
    Decoder, Encoding, MACINTOSH, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, X_MAC_CYRILLIC,
    X_USER_DEFINED,
};
use oem_cp::code_table::{
    DECODING_TABLE_CP437, DECODING_TABLE_CP737, DECODING_TABLE_CP775, DECODING_TABLE_CP850,
    DECODING_TABLE_CP852, DECODING_TABLE_CP855, DECODING_TABLE_CP858, DECODING_TABLE_CP860,
    DECODING_TABLE_CP862, DECODING_TABLE_CP865,
};

pub(super) use crate::domain::certification::person::plausible::untwice;
use crate::domain::certification::person::plausible::windows_1252_byte;

/// Text encoding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Charset {
    /// Usual name, in lower case.
    pub label: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Encoding of the WHATWG Encoding Standard.
    Standard(&'static Encoding),
    /// DOS code page: the characters of bytes 0x80 to 0xFF.
    Oem(&'static [char; 128]),
    /// UTF-8 that was decoded as Windows-1252 and then encoded as UTF-8 again.
    Twice,
}

impl PartialEq for Charset {
    fn eq(&self, other: &Self) -> bool {
        self.label == other.label
    }
}

/// UTF-8 that was decoded as Windows-1252 and then encoded as UTF-8 again.
pub(super) const TWICE: Charset = Charset {
    label: "utf-8-twice",
    kind: Kind::Twice,
};
macro_rules! code_pages {
    ($($(#[$about:meta])* $name:ident = $number:literal, $table:ident;)+) => {
        $($(#[$about])* const $name: Charset = Charset {
            label: concat!("ibm", $number),
            kind: Kind::Oem(&$table),
        };)+
        /// Code pages by number.
        const CODE_PAGES: &[(&str, Charset)] = &[$(($number, $name)),+];
    };
}

code_pages! {
    /// DOS code page 850 (Western Europe and Latin America).
    CP850 = "850", DECODING_TABLE_CP850;
    CP852 = "852", DECODING_TABLE_CP852;
    CP858 = "858", DECODING_TABLE_CP858;
    /// DOS code page 862 (Israel).
    CP862 = "862", DECODING_TABLE_CP862;
    /// DOS code page 737 (Greece).
    CP737 = "737", DECODING_TABLE_CP737;
    /// DOS code page 775 (Baltic countries).
    CP775 = "775", DECODING_TABLE_CP775;
    /// DOS code page 855 (Serbia, Macedonia and Bulgaria).
    CP855 = "855", DECODING_TABLE_CP855;
    /// DOS code page 860 (Portugal).
    CP860 = "860", DECODING_TABLE_CP860;
    /// DOS code page 865 (Norway and Denmark).
    CP865 = "865", DECODING_TABLE_CP865;
    CP437 = "437", DECODING_TABLE_CP437;
}

/// Returns the encodings that are suggested if names were misread, most likely first.
pub(super) fn offered() -> impl Iterator<Item = Charset> {
    let standard = [
        "utf-8",
        "windows-1252",
        "macintosh",
        "windows-1250",
        "windows-1251",
        "x-mac-cyrillic",
        "windows-1257",
        "windows-1254",
        "windows-1253",
        "iso-8859-2",
        "koi8-r",
        "ibm866",
        "shift_jis",
        "gbk",
        "big5",
        "euc-kr",
    ];
    let standard = standard.into_iter().filter_map(Charset::of_label);
    [TWICE]
        .into_iter()
        .chain(standard)
        .chain([CP850, CP437, CP852, CP862, CP737, CP775, CP855])
}

impl Charset {
    /// Creates a charset from an encoding of the WHATWG Encoding Standard.
    pub(super) fn standard(encoding: &'static Encoding) -> Self {
        let label = STANDARD_LABELS
            .iter()
            .find(|label| label.eq_ignore_ascii_case(encoding.name()));
        Self {
            label: label.copied().unwrap_or(encoding.name()),
            kind: Kind::Standard(encoding),
        }
    }

    /// Returns the charset with this label, ignoring upper and lower case.
    pub(super) fn of_label(label: &str) -> Option<Self> {
        let label = label.trim().to_ascii_lowercase();
        let found = match label.as_str() {
            "macroman" | "mac-roman" | "x-macroman" | "mac" => Self::standard(MACINTOSH),
            "dos" => CP850,
            "maccyrillic" | "mac-cyrillic" | "mac_cyrillic" => Self::standard(X_MAC_CYRILLIC),
            "utf-8-twice" => TWICE,
            other => match Self::code_page(other) {
                Some(page) => page,
                None => Self::standard(Encoding::for_label(other.as_bytes())?),
            },
        };
        let is_text =
            !matches!(found.kind, Kind::Standard(e) if e == REPLACEMENT || e == X_USER_DEFINED);
        is_text.then_some(found)
    }

    /// Returns the code page with this number, which may follow `ibm` or `cp`.
    fn code_page(label: &str) -> Option<Self> {
        let number = label
            .strip_prefix("ibm")
            .or_else(|| label.strip_prefix("cp"))
            .unwrap_or(label);
        let page = CODE_PAGES.iter().find(|(known, _)| *known == number);
        page.map(|(_, charset)| *charset)
    }

    pub(super) fn decoder(self) -> TextDecoder {
        match self.kind {
            Kind::Standard(encoding) => {
                TextDecoder::Standard(encoding.new_decoder_with_bom_removal())
            }
            Kind::Oem(table) => TextDecoder::Oem(table),
            Kind::Twice => TextDecoder::Twice {
                outer: UTF_8.new_decoder_with_bom_removal(),
                inner: UTF_8.new_decoder_without_bom_handling(),
            },
        }
    }

    /// Decodes `bytes`. Returns `None` if they are not valid in this encoding.
    pub(super) fn decoded(self, bytes: &[u8]) -> Option<String> {
        match self.kind {
            Kind::Standard(encoding) => {
                let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
                Some(text.into_owned())
            }
            Kind::Oem(table) => Some(bytes.iter().map(|&byte| of_table(table, byte)).collect()),
            Kind::Twice => {
                let text = std::str::from_utf8(bytes).ok()?;
                untwice(text)
            }
        }
    }

    /// Encodes `text` as far as possible. For double-encoded UTF-8 and for UTF-16, returns the
    /// UTF-8 bytes of `text`.
    pub(super) fn encoded(self, text: &str) -> Vec<u8> {
        match self.kind {
            Kind::Standard(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => {
                text.as_bytes().to_vec()
            }
            Kind::Standard(encoding) => encoding.encode(text).0.into_owned(),
            Kind::Oem(table) => text
                .chars()
                .filter_map(|character| to_table(table, character))
                .collect(),
            Kind::Twice => text.as_bytes().to_vec(),
        }
    }
}

/// Labels in lower case for the encodings whose standard names have capitals.
const STANDARD_LABELS: &[&str] = &[
    "utf-8",
    "utf-16le",
    "utf-16be",
    "macintosh",
    "shift_jis",
    "gbk",
    "gb18030",
    "big5",
    "euc-jp",
    "euc-kr",
    "koi8-r",
    "koi8-u",
    "ibm866",
    "iso-8859-2",
    "iso-8859-3",
    "iso-8859-4",
    "iso-8859-5",
    "iso-8859-6",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-15",
    "iso-8859-16",
];

fn of_table(table: &[char; 128], byte: u8) -> char {
    byte.checked_sub(0x80)
        .map_or(char::from(byte), |high| table[usize::from(high)]) // proof: below 128
}

fn to_table(table: &[char; 128], character: char) -> Option<u8> {
    if character.is_ascii() {
        return u8::try_from(character).ok();
    }
    let high = table.iter().position(|&known| known == character)?;
    u8::try_from(high + 0x80).ok()
}

/// Incremental decoder to UTF-8.
pub(super) enum TextDecoder {
    Standard(Decoder),
    Oem(&'static [char; 128]),
    Twice { outer: Decoder, inner: Decoder },
}

impl TextDecoder {
    /// Decodes all of `raw`. The result replaces the content of `out`.
    pub(super) fn decode(&mut self, raw: &[u8], out: &mut Vec<u8>, is_last: bool) {
        match self {
            Self::Standard(decoder) => standard(decoder, raw, out, is_last),
            Self::Oem(table) => {
                let text: String = raw.iter().map(|&byte| of_table(table, byte)).collect();
                out.clear();
                out.extend_from_slice(text.as_bytes());
            }
            Self::Twice { outer, inner } => {
                let mut once = Vec::new();
                standard(outer, raw, &mut once, is_last);
                let mut bytes = Vec::with_capacity(once.len());
                for character in String::from_utf8_lossy(&once).chars() {
                    match windows_1252_byte(character) {
                        Some(byte) => bytes.push(byte),
                        // This character was encoded only once.
                        None => {
                            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes())
                        }
                    }
                }
                standard(inner, &bytes, out, is_last);
            }
        }
    }
}

fn standard(decoder: &mut Decoder, raw: &[u8], out: &mut Vec<u8>, is_last: bool) {
    let room = decoder
        .max_utf8_buffer_length(raw.len())
        .unwrap_or(raw.len().saturating_mul(4) + 16);
    out.resize(room, 0);
    // With this capacity the decoder consumes all input in one call.
    let (_, _, written, _) = decoder.decode_to_utf8(raw, out, is_last);
    out.truncate(written);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_labels_and_aliases_are_resolved() {
        for (label, known) in [
            ("MacRoman", "macintosh"),
            ("macintosh", "macintosh"),
            ("CP850", "ibm850"),
            ("latin1", "windows-1252"),
            ("cp1251", "windows-1251"),
            ("x-mac-cyrillic", "x-mac-cyrillic"),
            ("MacCyrillic", "x-mac-cyrillic"),
            ("cp862", "ibm862"),
            ("sjis", "shift_jis"),
            (" UTF-8 ", "utf-8"),
            ("utf-8-twice", "utf-8-twice"),
        ] {
            assert_eq!(
                Charset::of_label(label).map(|charset| charset.label),
                Some(known),
                "{label}"
            );
        }
        for unknown in ["", "klingon", "x-user-defined", "iso-2022-kr"] {
            assert_eq!(Charset::of_label(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn text_in_old_code_pages_is_decoded() {
        assert_eq!(
            CP850.decoded(b"Mu\xA4oz, \xB5vila").as_deref(),
            Some("Muñoz, Ávila")
        );
        assert_eq!(CP850.encoded("Muñoz"), b"Mu\xA4oz");
        assert_eq!(
            Charset::standard(MACINTOSH)
                .decoded(b"Jos\x8E Mu\x96oz")
                .as_deref(),
            Some("José Muñoz")
        );
        assert_eq!(
            TWICE.decoded("JosÃ© MuÃ±oz".as_bytes()).as_deref(),
            Some("José Muñoz")
        );
    }

    #[test]
    fn doubly_encoded_text_is_decoded_in_chunks() {
        let text = "JosÃ© Šimon".as_bytes();
        let mut decoder = TWICE.decoder();
        let mut whole = Vec::new();
        let mut out = Vec::new();
        for piece in text.chunks(1) {
            decoder.decode(piece, &mut out, false);
            whole.extend_from_slice(&out);
        }
        decoder.decode(b"", &mut out, true);
        whole.extend_from_slice(&out);
        assert!(
            String::from_utf8_lossy(&whole).starts_with("José "),
            "{whole:?}"
        );
    }
}
