//! Compares this writer with typst's exporter: both give the same picture and the same text. Also
//! tests the content that is left to the exporter.

use bytes::Bytes;
use time::macros::date;
use typst::LibraryExt as _;
use typst::diag::{FileError, FileResult};
use typst::foundations::{Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, World};
use typst_layout::{Page, PagedDocument};

use super::*;
use crate::certificate_pdf::bundled_fonts::Fonts;
use crate::certificate_pdf::page;
use crate::certificate_pdf::page::qr_code;
use crate::certificate_pdf::raster;
use crate::domain::{Locale, Personal};

/// typst world with a single source file.
struct Small {
    library: LazyHash<Library>,
    fonts: Fonts,
    main: Source,
}

impl World for Small {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }
    fn book(&self) -> &LazyHash<FontBook> {
        self.fonts.book()
    }
    fn main(&self) -> FileId {
        self.main.id()
    }
    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.main.id() {
            Ok(self.main.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }
    fn file(&self, _: FileId) -> FileResult<typst::foundations::Bytes> {
        Err(FileError::AccessDenied)
    }
    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.font(index)
    }
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

pub(super) fn pages(body: &str) -> Vec<Page> {
    let source = format!(
        "#set page(width: 200pt, height: 200pt, margin: 10pt)\n#set text(font: \"EB Garamond\", size: 20pt, lang: \"en\", fallback: false)\n{body}"
    );
    let path = RootedPath::new(
        VirtualRoot::Project,
        VirtualPath::new("/small.typ").expect("a path"),
    );
    let world = Small {
        library: LazyHash::new(Library::default()),
        fonts: Fonts::load().expect("bundled fonts"),
        main: Source::new(path.intern(), source),
    };
    typst::compile::<PagedDocument>(&world)
        .output
        .expect("compiles")
        .pages()
        .to_vec()
}

pub(super) fn facts() -> PageFacts {
    PageFacts {
        locale: Locale::En,
        issue_date: date!(2026 - 11 - 21),
        public_id: "q3XbH1yR0uJ2mT9sVfK5wA".to_owned(),
        title: Personal::new("A title – with <marks> & more".to_owned()),
        author: "Hospital Santa Helena".to_owned(),
        qr: qr_code("https://example.org").expect("fits"),
    }
}

fn print(samples: &str, body: &str) -> Result<Bytes, Unsupported> {
    let prefix = TemplatePrefix::of(&pages(samples), &[])?;
    let page = pages(body).remove(0);
    Ok(PageWriter::new()
        .write(&prefix, &prefix.read(&page)?, &facts(), "tests")?
        .to_bytes())
}

/// Returns the number of visibly different pixels, and the greatest difference of a colour
/// component.
pub(in crate::certificate_pdf) fn differences(one: &[u8], other: &[u8], dpi: u16) -> (usize, u8) {
    let [one, other] = [one, other].map(|file| raster::draw(file, dpi).expect("a PDF"));
    assert_eq!((one.width(), one.height()), (other.width(), other.height()));
    let a = one.data_as_u8_slice();
    let b = other.data_as_u8_slice();
    let most = |(a, b): (&[u8], &[u8])| {
        a.iter()
            .zip(b)
            .map(|(a, b)| a.abs_diff(*b))
            .max()
            .unwrap_or(0)
    };
    let apart: Vec<u8> = a.chunks(4).zip(b.chunks(4)).map(most).collect();
    (
        apart.iter().filter(|by| **by > 12).count(),
        apart.into_iter().max().unwrap_or(0),
    )
}

fn by_typst(body: &str) -> Vec<u8> {
    page::export(pages(body).remove(0), &facts(), "tests".to_owned())
        .unwrap_or_else(|error| panic!("{error}: {body}"))
}

#[track_caller]
fn looks_the_same(samples: &str, body: &str) {
    let file = print(samples, body).expect("supported content");
    assert_alike(&file, &by_typst(body), 200, body);
}

/// Asserts that the file of this writer looks like typst's. At edges, a slight difference is
/// allowed, because the two smooth outlines and glyphs differently.
#[track_caller]
pub(in crate::certificate_pdf) fn assert_alike(file: &[u8], by_typst: &[u8], dpi: u16, case: &str) {
    let (visibly, most) = differences(file, by_typst, dpi);
    let allowed = if has_outlines(file) { 120 } else { 0 };
    assert!(
        visibly <= allowed && most <= 64,
        "{visibly} pixels differ visibly, by at most {most}: {case}"
    );
}

/// Returns true if the file has text that is painted as outlines. Its page then refers to the font
/// of the text layer.
fn has_outlines(file: &[u8]) -> bool {
    file.windows(3).any(|part| part == b"/L ")
}

#[test]
fn text_as_outlines_is_detected_in_a_file() {
    for (body, expected) in [
        ("Plain", false),
        ("#text(font: \"Noto Serif Thai\", \"ก็\")", true),
    ] {
        assert_eq!(
            has_outlines(&print("A", body).expect("written")),
            expected,
            "{body}"
        );
    }
}

#[test]
fn shapes_strokes_clips_rotations_and_opacities_match_typst() {
    for body in [
        "#rect(width: 60pt, height: 30pt, fill: rgb(\"#123456\"), stroke: 2pt + red)",
        "#rect(width: 60pt, height: 30pt, radius: 8pt, fill: luma(40%), stroke: (dash: \"dashed\", paint: blue, thickness: 1.5pt))",
        "#place(dx: 20pt, dy: 10pt, rotate(30deg, rect(width: 40pt, height: 20pt, fill: green)))",
        "#place(dx: 20pt, dy: 10pt, scale(x: -120%, y: 60%, text(\"Mirrored\")))",
        "#box(width: 40pt, height: 20pt, clip: true, radius: 5pt, place(circle(radius: 30pt, fill: orange)))After",
        "#place(circle(radius: 20pt, fill: rgb(200, 0, 0, 120)))#text(fill: rgb(0, 0, 200, 90), \"Under and over\")",
        "#line(length: 90pt, stroke: (thickness: 4pt, cap: \"round\"))#curve(fill-rule: \"even-odd\", fill: black, curve.move((0pt, 0pt)), curve.cubic((10pt, 30pt), (30pt, 30pt), (40pt, 0pt)), curve.line((0pt, 20pt)), curve.close())",
        "#polygon(stroke: (thickness: 5pt, join: \"bevel\"), (0pt, 0pt), (40pt, 0pt), (20pt, 30pt))",
        "#set page(fill: rgb(\"#eeddcc\")); #text(oklch(60%, 0.2, 30deg), \"Any colour\")",
    ] {
        looks_the_same("A", body);
    }
}

#[test]
fn text_of_any_script_matches_typst_whether_or_not_prefix_has_its_glyphs() {
    for text in [
        "Affluent fjord Çelik",
        "office 1½ ﬁ",
        "Ŵyn Ǽther ẞ",
        "x\u{0323}\u{0302}y a\u{0308}",
    ] {
        looks_the_same("ABCabcdefghijklmnopqrstuvwxyz", text);
        looks_the_same(text, text);
    }
    let other = |font: &str, text: &str| format!("#text(font: \"{font}\", \"{text}\")");
    for (font, text) in [
        ("Noto Naskh Arabic", "محمد بن عبد الله"),
        ("Noto Serif Hebrew", "נועה לוי"),
        ("Noto Serif Devanagari", "आरती श्रीवास्तव"),
        ("Noto Serif Thai", "สมชาย ใจดี"),
        ("Laureate Serif CJK", "髙橋さくら김철수"),
        ("Montserrat", "Weight"),
    ] {
        looks_the_same("A", &other(font, text));
    }
}

#[test]
fn clusters_that_typst_splits_are_joined() {
    for (font, text) in [
        ("EB Garamond", "Nguyễn ẹ̀gbẹ́ G̃uahũ"),
        ("Noto Serif Hebrew", "שָׁלוֹם כהן"),
        ("Noto Naskh Arabic", "مُحَمَّد"),
        ("Noto Serif Devanagari", "विद्युत् शर्मा"),
    ] {
        let body = format!("#text(font: \"{font}\", \"{text}\")");
        let pages = pages(&body);
        let mut texts = Vec::new();
        for piece in Display::of(&pages[0]).expect("can be read").pieces {
            if let display::Draw::Text(run) = piece.draw {
                let clusters: String = font_subset::clusters(&run)
                    .map(|cluster| cluster.text)
                    .collect();
                assert_eq!(clusters.len(), run.text.len(), "{text}");
                texts.push(run.text.to_string());
            }
        }
        assert_eq!(texts, [text]);
        looks_the_same("A", &body);
    }
}

#[test]
fn characters_of_a_split_cluster_are_placed_from_left_to_right() {
    let body = |font: &str, text: &str| format!("#text(font: \"{font}\", \"{text}\")");
    for (font, text, order) in [
        ("EB Garamond", "gbẹ́", "gbẹ\u{301}"),
        ("Noto Serif Hebrew", "שָׁל", "ל\u{5c1}\u{5b8}ש"),
    ] {
        let pages = pages(&body(font, text));
        let pieces = Display::of(&pages[0]).expect("can be read").pieces;
        let run = pieces.iter().find_map(|piece| match &piece.draw {
            display::Draw::Text(run) => Some(run),
            _ => None,
        });
        let run = run.expect("a text");
        let places = layer::places(run, 0.0, 1.0);
        assert_eq!(
            places
                .iter()
                .map(|place| place.character)
                .collect::<String>(),
            order
        );
        assert!(places.is_sorted_by(|one, next| one.x < next.x), "{text}");
    }
}

#[test]
fn shapes_common_to_all_samples_become_a_form_that_a_page_can_omit() {
    let frame = "#set page(background: for x in (140pt, 150pt, 160pt) { place(rect(width: x, height: 90pt, stroke: 3pt)) })\n";
    let mark = "#box(width: 40pt, height: 20pt, clip: true, for x in (1pt, 5pt, 9pt) { place(circle(radius: x, fill: red)) })";
    let samples = format!("{frame}One {mark} #pagebreak() Two{mark}");
    let prefix = TemplatePrefix::of(&pages(&samples), &[]).expect("plain");
    assert_eq!(
        prefix
            .ornaments
            .iter()
            .map(|ornament| ornament.pieces.len())
            .collect::<Vec<_>>(),
        [3]
    );
    looks_the_same(&samples, &format!("{frame}Three{mark}"));
    looks_the_same(&samples, "Without");
}

#[test]
fn unsupported_content_is_rejected_with_a_reason() {
    for (body, reason) in [
        ("#rect(fill: gradient.linear(red, blue))", "paint"),
        ("#text(stroke: 1pt + red)[Outlined]", "outlined text"),
        ("#link(\"https://example.org\")[Away]", "element"),
        ("#rect(fill: cmyk(10%, 20%, 30%, 0%))", "ink colour"),
        (
            "#rect(fill: rgb(1, 2, 3, 50), stroke: 1pt + black)",
            "fill and stroke of two opacities",
        ),
        ("- a list", "element"),
        ("#place(float: true, top)[Floats]", "floating place"),
    ] {
        assert_eq!(print("A", body).err(), Some(Unsupported(reason)), "{body}");
    }
}

#[test]
fn structure_tree_contains_headings_paragraphs_and_figures() {
    let body = "#heading(outlined: false)[Title]\nA paragraph.\n\nAnother.\n#figure(alt: \"A mark\", rect())\n#pdf.artifact[left out]";
    let file = print(body, body).expect("written");
    let text = String::from_utf8_lossy(&file);
    for (part, times) in [
        ("/S/H1", 1),
        ("/S/P/", 2),
        ("/S/Figure", 1),
        ("/Alt(A mark)", 1),
        ("/S/Document", 1),
    ] {
        assert_eq!(text.matches(part).count(), times, "{part}");
    }
}

#[test]
fn prefix_depends_only_on_its_samples() {
    let first = print("Samples", "Somebody").expect("written");
    assert_eq!(first, print("Samples", "Somebody").expect("written"));
    assert_ne!(first, print("Other samples", "Somebody").expect("written"));
}
