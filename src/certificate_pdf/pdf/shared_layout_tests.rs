//! Tests that stamped pages equal the pages that typst lays out, and that pages which can't be
//! stamped are left to typst.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use time::macros::date;

use super::display::Display;
use super::tests::pages;
use super::*;
use crate::certificate_pdf::RenderJob;
use crate::certificate_pdf::tests::{RENDERER, page_of, sample_design};
use crate::certificate_pdf::theme_tests::on_every_page;
use crate::domain::{Locale, Personal};

struct Look {
    job: RenderJob,
    prefix: TemplatePrefix,
    layout: SharedLayout,
}

/// Looks of all themes in all languages, with and without the optional data.
static LOOKS: LazyLock<Vec<Look>> = LazyLock::new(|| {
    let mut jobs = Vec::new();
    for theme in RENDERER.themes() {
        for locale in Locale::ALL {
            let whole = theme.sample(locale, date!(2026 - 11 - 21));
            let bare = RenderJob {
                options: BTreeMap::new(),
                event_name: String::new(),
                design: Some(sample_design()),
                document_number: None,
                ..whole.clone()
            };
            let other_pages = on_every_page(theme, &whole).into_iter().skip(1);
            jobs.extend(other_pages.filter(|_| locale == Locale::Es));
            jobs.extend([whole, bare]);
        }
    }
    jobs.into_iter().map(look).collect()
});

fn look(job: RenderJob) -> Look {
    let template = RENDERER
        .theme(&job.theme, job.theme_version)
        .expect("shipped");
    let pictures = RENDERER.pictures(template, &job).expect("good ones");
    let prefix = RENDERER
        .prefix(template, &pictures, &job)
        .expect("good samples");
    let layout = RENDERER.layout(&prefix, template, &pictures, &job);
    let layout = layout.unwrap_or_else(|Unsupported(why)| panic!("{}: {why}", job.theme));
    Look {
        job,
        prefix,
        layout,
    }
}

fn texts_of(job: &RenderJob) -> Option<Texts> {
    let template = RENDERER
        .theme(&job.theme, job.theme_version)
        .expect("shipped");
    let pictures = RENDERER.pictures(template, job).expect("good ones");
    Some(
        RENDERER
            .prepare(template, job, &pictures)
            .ok()?
            .data
            .texts(),
    )
}

impl Look {
    /// Returns true if a certificate of this look is stamped. Asserts that the stamped page equals
    /// typst's page.
    fn is_stamped(&self, job: &RenderJob) -> bool {
        let template = RENDERER
            .theme(&job.theme, job.theme_version)
            .expect("shipped");
        let pictures = RENDERER.pictures(template, job).expect("good ones");
        let long = |names| RENDERER.long_named(names, template, &pictures, job);
        let stamped = texts_of(job).map(|texts| self.layout.stamp(&self.prefix, &texts, long));
        let Some(Ok(stamped)) = stamped else {
            return false;
        };
        let page = page_of(job);
        let laid_out = self.prefix.read(&page).expect("can be read");
        assert!(
            stamped.looks_like(&laid_out),
            "{} {}",
            job.theme,
            job.full_name.reveal_str()
        );
        true
    }

    fn named(&self, name: &str) -> RenderJob {
        RenderJob {
            full_name: Personal::new(name.to_owned()),
            ..self.job.clone()
        }
    }
}

#[test]
fn stamped_page_of_every_theme_matches_typst() {
    for look in &*LOOKS {
        let [longer, longest] = look
            .layout
            .long_names()
            .expect("names that are set smaller");
        for name in [
            "Ada Lovelace",
            "Óscar Íñiguez",
            "W",
            "Fjällräv Affleck-Öztürk II",
            "d'Arc (Jeanne)",
            &longer,
            &longest,
        ] {
            assert!(
                look.is_stamped(&look.named(name)),
                "{} {name}",
                look.job.theme
            );
        }
        // Names that are left to typst: other scripts, several scripts, no letters, a full stop
        // that hangs into the margin, two adjacent middle dots, several marks, more than one line.
        let broken = "María del Carmen ".repeat(12);
        for name in [
            "محمد",
            "山田 太郎",
            "Ada Ελένη",
            "Sammy Davis Jr.",
            "12",
            "Gal··la",
            "a\u{308}\u{323}",
            broken.trim(),
        ] {
            assert!(
                !look.is_stamped(&look.named(name)),
                "{} {name}",
                look.job.theme
            );
        }
    }
}

#[test]
fn letters_beyond_western_latin_are_stamped_if_the_font_has_them() {
    for name in [
        "Ελένη Παπαδοπούλου",
        "Владимир Їжак",
        "Nguyễn Thị Ánh",
        "Қасым-Жомарт",
        "Ἀθηνᾶ",
        "Ǽ ẞ",
    ] {
        let stamped = LOOKS
            .iter()
            .filter(|look| look.is_stamped(&look.named(name)))
            .count();
        assert!(stamped > 0, "{name}");
    }
}

#[test]
fn lines_other_than_the_name_are_stamped() {
    for look in &*LOOKS {
        let other = RenderJob {
            public_id: "Zz09_AAAAAAAAAAAAAAAAA".to_owned(),
            verification_url: look
                .job
                .verification_url
                .replace(&look.job.public_id, "Zz09_AAAAAAAAAAAAAAAAA"),
            document_number: look
                .job
                .document_number
                .as_ref()
                .map(|_| Personal::new("X-99 (8) fi".to_owned())),
            ..look.job.clone()
        };
        assert!(look.is_stamped(&other), "{}", other.theme);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Each name is either stamped exactly as typst lays it out, or left to typst.
    #[test]
    fn stamped_page_of_any_name_matches_typst(
        names in prop::collection::vec("[A-ZÁÉÍÓÚÑÇŁŠŽ][a-záéíóúñüçßłšž']{0,11}([ -][A-ZÀ-Ž][a-zà-ž']{0,11}){0,4}|[Ͱ-Ͽ ]{1,12}|[Ѐ-ԯ -]{1,20}|[Ḁ-ỿA-z ]{1,20}|[ -~]{1,60}|[a-dα-γ·’‘]{1,9}", 4)
    ) {
        for look in &*LOOKS {
            for name in names.iter().filter(|name| !name.trim().is_empty()) {
                let job = look.named(name);
                look.is_stamped(&job);
            }
        }
    }
}

fn texts(name: &str) -> Texts {
    let [document, public_id, address] = ["doc", "id", "url"].map(|kind| format!("{kind}-{name}"));
    Texts {
        name: name.to_owned(),
        document,
        public_id,
        address,
    }
}

fn learn(body: impl Fn(&str) -> String) -> Result<(TemplatePrefix, SharedLayout), Unsupported> {
    let specimen = |name: &str| (pages(&body(name)).remove(0), texts(name));
    let prefix = TemplatePrefix::of(&[], &[])?;
    let layout = SharedLayout::of(&prefix, &[specimen("Longer"), specimen("Offi 18")])?;
    Ok((prefix, layout))
}

const FITS: &str = "#metadata((fits-width: 100pt, full-size: 20pt, least-size: 10pt))";

#[test]
fn template_with_person_dependent_content_has_no_shared_layout() {
    assert!(learn(|name| format!("{FITS}{name}")).is_ok());
    let apart = Some(Unsupported("specimens that differ by more than lines"));
    for body in [
        // A line for which the template reports no box.
        (|name| name.to_owned()) as fn(&str) -> String,
        // A shape, a number of lines, a letter case, a font size or an alternative text that
        // depends on the name.
        |name| format!("{FITS}{name} #rect(width: {}pt)", name.len()),
        |name| format!("{FITS}{name} #for _ in range({}) [x\\ ]", name.len()),
        |name| format!("{FITS}#upper[{name}]"),
        |name| format!("#set text(size: {}pt); {FITS}{name}", name.len() + 12),
        |name| format!("{FITS}{name} #figure(alt: \"{}\", rect())", name.len()),
        // A part of the name, and the name in an address.
        |name| format!("{FITS}{} at {name}.test", &name[..2]),
        // Disabled ligatures, which our shaper doesn't know about.
        |name| format!("#set text(ligatures: false); {FITS}{name}"),
    ] {
        assert_eq!(learn(body).err(), apart, "{}", body("Bo"));
    }
}

#[test]
fn long_name_in_two_places_is_left_to_typst() {
    let twice = |name: &str| format!("{FITS}{name}\n\n{FITS}{name}");
    let (prefix, layout) = learn(twice).expect("both places are lines");
    let unasked = |_| panic!("no specimens are needed");
    assert!(layout.long_names().is_none());
    assert!(layout.stamp(&prefix, &texts("Somebody"), unasked).is_ok());
    let long = texts("Somebody who has more names than go into a box");
    assert!(layout.stamp(&prefix, &long, unasked).is_err());
}

#[test]
fn line_is_aligned_left_centre_or_right_in_its_box() {
    for place in ["left", "center", "right"] {
        let body = |name: &str| format!("#align({place})[{FITS}{name}]");
        let (prefix, layout) = learn(body).expect("a layout");
        let page = pages(&body("Somebody")).remove(0);
        let unasked = |_| panic!("the name fits in its full size");
        let stamped = layout
            .stamp(&prefix, &texts("Somebody"), unasked)
            .expect("the name fits");
        let laid_out = Display::of(&page).expect("can be read");
        assert!(stamped.pieces[0].looks_like(&laid_out.pieces[0]), "{place}");
        // The line is wider than its box, and there are no specimens that show how to set it
        // smaller.
        assert!(
            layout
                .stamp(&prefix, &texts("Somebody Somebody"), |_| None)
                .is_err()
        );
    }
}
