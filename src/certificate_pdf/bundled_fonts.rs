//! Fonts that are compiled into the program: loaded once, identified by one digest.
//! `pdf/font_subset.rs` embeds them in a PDF.
//!
//! `fonts/README.md` gives the source of each file and the way in which it was subset.

use std::sync::OnceLock;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use typst::foundations::Bytes;
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;

use super::RenderError;
use super::coverage::Coverage;

macro_rules! bundled {
    ($($file:literal),* $(,)?) => {
        [$(($file, include_bytes!(concat!("../../fonts/", $file)))),*]
    };
}

/// Name and content of each file. The digest depends on the order.
static FILES: [(&str, &[u8]); 16] = bundled![
    "EBGaramond-Regular.ttf",
    "EBGaramond-Italic.ttf",
    "Montserrat-Regular.ttf",
    "Montserrat-SemiBold.ttf",
    "NotoNaskhArabic-Regular.ttf",
    "NotoSerifHebrew-Regular.ttf",
    "NotoSerifArmenian-Regular.ttf",
    "NotoSerifGeorgian-Regular.ttf",
    "NotoSerifDevanagari-Regular.ttf",
    "NotoSerifThai-Regular.ttf",
    "LaureateSerifCJK-Regular.otf",
    "SpaceGrotesk-Medium.ttf",
    "SpaceGrotesk-Bold.ttf",
    "InstrumentSerif-Regular.ttf",
    "InstrumentSerif-Italic.ttf",
    "NotoSerif-Regular.ttf",
];

/// Fonts for typst. Each font is always passed as the same `Font`, because typst's caches would
/// otherwise miss.
pub(super) struct Fonts {
    fonts: Vec<Font>,
    book: LazyHash<FontBook>,
    coverage: Coverage,
    /// Computed on first use, because the computation takes about 1/15 of the time of rendering the
    /// first certificate.
    digest: OnceLock<String>,
}

impl Fonts {
    pub(super) fn load() -> Result<Self, RenderError> {
        let mut fonts = Vec::with_capacity(FILES.len());
        let mut book = FontBook::new();
        for (file, content) in FILES {
            let font = Font::new(Bytes::new(content), 0).ok_or_else(|| RenderError::Bundle {
                file: file.to_owned(),
            })?;
            book.push(font.info().clone());
            fonts.push(font);
        }
        let coverage = Coverage::new(
            fonts
                .iter()
                .cloned()
                .zip(FILES.iter().map(|(_, content)| *content)),
        );
        Ok(Self {
            fonts,
            book: LazyHash::new(book),
            coverage,
            digest: OnceLock::new(),
        })
    }

    pub(super) const fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    pub(super) fn font(&self, index: usize) -> Option<Font> {
        self.fonts.get(index).cloned()
    }

    /// Returns the content of the bundled file `name`.
    pub(super) fn file(name: &str) -> Option<&'static [u8]> {
        FILES
            .iter()
            .find(|(file, _)| *file == name)
            .map(|(_, content)| *content)
    }

    /// Returns the SHA-256 of all files in order, in hexadecimal.
    pub(super) fn digest(&self) -> &str {
        self.digest.get_or_init(|| {
            let add = |hasher: Sha256, (_, content): &(&str, &[u8])| hasher.chain_update(content);
            HEXLOWER.encode(&FILES.iter().fold(Sha256::new(), add).finalize())
        })
    }

    /// Returns the index of the grapheme clusters that each font draws.
    pub(super) const fn coverage(&self) -> &Coverage {
        &self.coverage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_loads_and_the_digest_is_stable() {
        let fonts = Fonts::load().expect("bundled fonts load");
        assert_eq!(fonts.fonts.len(), FILES.len());
        assert_eq!(fonts.digest(), Fonts::load().expect("again").digest());
        assert_eq!(fonts.digest().len(), 64);
    }

    #[test]
    fn every_font_file_has_a_licence_file_and_an_origin() {
        let readme = include_str!("../../fonts/README.md");
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fonts");
        for (file, _) in FILES {
            let line = readme
                .lines()
                .find(|line| line.contains(file))
                .unwrap_or_else(|| panic!("{file} is not in README.md"));
            let licence = line
                .split('`')
                .find(|word| word.starts_with("OFL-"))
                .unwrap_or_else(|| panic!("{file}: no licence"));
            let text =
                std::fs::read_to_string(folder.join(licence)).expect("the licence file is there");
            assert!(text.contains("SIL OPEN FONT LICENSE"), "{licence}");
        }
    }
}
