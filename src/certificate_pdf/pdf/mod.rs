//! PDF writer for certificates. It converts typst's frames directly to PDF objects. Lines can be
//! added to a frame without typst.
//!
//! typst's exporter spends most of its time on work that it repeats for each file: it subsets and
//! compresses the fonts and copies the background. Here, these objects are serialized once for all
//! certificates of one look. A certificate adds a few kilobytes: text, structure, metadata and the
//! xref table.
//!
//! # Glossary
//!
//! * Look: template version, language, design and options of a certificate.
//! * Template prefix ([`TemplatePrefix`]): first part of each file of one look, with the shared
//!   objects (fonts, background, ornaments) and their SHA-256 state.
//! * Sample: page with invented texts. A template prefix is created from samples.
//! * Ornament: shapes that are on every sample, as one form XObject.
//! * Shared layout ([`SharedLayout`]): the part of the layout that is the same for all certificates
//!   of one definition and day, with slots for the lines that differ.
//! * Specimen: page for an invented person. A shared layout is derived from specimens.
//! * Stamping: setting the lines of one certificate into the slots of its shared layout.
//! * Writer ([`PageWriter`]): writes a page as the part of a file after the template prefix.
//! * Text layer ([`layer`]): invisible characters over text that is painted as outlines.
//!
//! A template prefix depends only on samples, never on the certificates that are written after it.
//! So the bytes of a file don't depend on other certificates. Glyphs that the prefix doesn't have
//! are put into a small font for the page. A page with other content that this module can't write
//! ([`Unsupported`]) is left to typst's exporter. [`font_subset`] embeds fonts.

mod content;
mod display;
mod file;
mod font_subset;
mod images;
mod join;
mod layer;
mod line;
mod metadata;
mod outlines;
mod prefix;
mod shared_layout;
#[cfg(test)]
mod shared_layout_tests;
mod structure;
#[cfg(test)]
pub(super) mod tests;
mod text;

use data_encoding::HEXLOWER;
use pdf_writer::Filter;
use sha2::Digest as _;

use super::RenderedCertificate;
use super::page::PageFacts;
use content::{Body, Finished};
use display::Display;
use file::{Deflate, Objects};
pub(super) use join::joined;
pub(super) use prefix::TemplatePrefix;
pub(super) use shared_layout::{SharedLayout, Texts};

/// Reason why typst must handle a page. The text is the value of the metric label `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unsupported(pub(super) &'static str);

/// Writes pages after their template prefix. Its buffers are reused for each page.
pub(super) struct PageWriter {
    deflate: Deflate,
}

impl PageWriter {
    pub(super) fn new() -> Self {
        Self {
            deflate: Deflate::quick(),
        }
    }

    /// Creates the file of one page.
    ///
    /// # Errors
    /// Returns [`Unsupported`] if the page has content that this module can't write.
    pub(super) fn write(
        &mut self,
        prefix: &TemplatePrefix,
        display: &Display<'_>,
        facts: &PageFacts,
        creator: &str,
    ) -> Result<RenderedCertificate, Unsupported> {
        let mut objects = Objects::after(prefix.head.len(), prefix.offsets.clone(), 16 << 10);
        let means = &prefix.means;
        let mut body = Body::new(&means.fonts, display.size.y, facts.locale.as_str());
        body.pieces(&display.pieces)?;
        let Finished {
            content,
            extra,
            layer,
            opacities,
        } = body.finish();
        let packed = self.deflate.zlib(content.as_slice());
        let stream = objects.next();
        objects.here(stream);
        objects
            .chunk
            .stream(stream, &packed)
            .filter(Filter::FlateDecode);
        let extra = extra
            .0
            .iter()
            .map(|font| Ok(font.write(&mut objects, &mut self.deflate)?.0))
            .collect::<Result<Vec<_>, Unsupported>>()?;
        let layer = if layer.is_empty() {
            None
        } else {
            let host = means
                .host
                .as_ref()
                .ok_or(Unsupported("no font for invisible text"))?;
            Some(layer.write(&mut objects, &mut self.deflate, host))
        };

        let page_id = objects.next();
        let pages = objects.next();
        let catalog = objects.next();
        let tree = display.tree.write(&mut objects, page_id);
        prefix.write_page(
            &mut objects,
            page_id,
            pages,
            display.size,
            stream,
            |resources| {
                means.list(
                    resources,
                    &extra,
                    layer,
                    &opacities,
                    prefix.ornaments.iter().map(|ornament| ornament.form),
                );
            },
        );
        let id = metadata::file_id(facts);
        let (info, xmp) = metadata::write(&mut objects, facts, creator, &id);
        prefix.write_catalog(&mut objects, catalog, pages, tree, xmp, facts);
        let tail = objects.finish(catalog, info, &id);
        let sha256 = HEXLOWER.encode(&prefix.hash.clone().chain_update(&tail).finalize());
        Ok(RenderedCertificate {
            parts: [prefix.head.clone(), tail.into()],
            sha256,
        })
    }
}
