//! Tests of all themes: optional values may be missing, texts are legible and inside of the
//! margins, and the bytes never change.

use std::collections::BTreeMap;

use ecow::eco_vec;
use time::macros::date;
use typst::layout::{Abs, Frame, FrameItem, Point, Transform};
use typst::visualize::Paint;
use typst_layout::{Page, PagedDocument};

use super::tests::{RENDERER, job, page_of, sample_design, text_of};
use super::*;
use crate::domain::certification::manifest::{ORIENTATION, OptionKind, PAPER};

const LONG: &str = "María del Carmen Fernández de Córdoba y Álvarez de Toledo ";

/// Returns a job of a theme that sets no options.
fn job_of(theme: &Template, name: &str) -> RenderJob {
    RenderJob {
        theme: theme.name().to_owned(),
        theme_version: theme.version(),
        ..job(name)
    }
}

fn of_length(words: &str, length: usize) -> String {
    words.chars().cycle().take(length).collect()
}

/// Returns a job for each page format of its theme. The first one has the default format.
pub(super) fn on_every_page(theme: &Template, job: &RenderJob) -> Vec<RenderJob> {
    let manifest = theme.manifest();
    let others = manifest.other_pages.iter().map(|setup| {
        let mut job = job.clone();
        for (option, value) in [
            (PAPER, setup.page.size.as_str()),
            (ORIENTATION, setup.page.orientation.as_str()),
        ] {
            let input = OptionInput::Text(value.to_owned().into());
            job.options.insert(option.to_owned(), input);
        }
        job
    });
    std::iter::once(job.clone()).chain(others).collect()
}

/// Sets all colour options of a job.
fn in_colour(theme: &Template, job: &mut RenderJob, colour: &str) {
    for option in theme
        .manifest()
        .options
        .iter()
        .filter(|option| option.kind == OptionKind::Colour)
    {
        job.options.insert(
            option.name.clone(),
            OptionInput::Text(colour.to_owned().into()),
        );
    }
}

/// Issued certificates are rendered again from their pinned input, and the bytes must be the same.
/// If this test fails, then typst, a font, the template or the exporter has changed. Add a template
/// version, or raise `RENDERER_VERSION`.
#[test]
fn rendered_bytes_match_the_snapshot() {
    let digest = |job: &RenderJob| {
        let rendered = RENDERER.render(std::slice::from_ref(job)).remove(0);
        rendered.expect("renders").sha256
    };
    let by_typst = RenderJob {
        renderer_version: BY_TYPST.to_owned(),
        ..job("Ada Lovelace")
    };
    let mut lines = vec![format!("fonts {}", RENDERER.fonts_digest())];
    lines.push(format!("{BY_TYPST} classic/1 {}", digest(&by_typst)));
    for (what, name) in [
        ("letters beyond the prefix's", "Nguyễn Ελένη 山田"),
        ("letters with marks", "Ọ̀lá Ė̃"),
    ] {
        lines.push(format!(
            "{RENDERER_VERSION} classic/1 with {what} {}",
            digest(&job(name))
        ));
    }
    for (what, name) in [
        ("on a design", "Ada Lovelace"),
        ("set smaller", &LONG[..42]),
        ("on two lines", LONG.trim()),
    ] {
        let job = RenderJob {
            design: Some(sample_design()),
            ..job(name)
        };
        lines.push(format!(
            "{RENDERER_VERSION} classic/1 {what} {}",
            digest(&job)
        ));
    }
    for theme in RENDERER.themes() {
        let name = format!("{RENDERER_VERSION} {}/{}", theme.name(), theme.version());
        lines.push(format!("{name} {}", digest(&job_of(theme, "Ada Lovelace"))));
        if !theme.manifest().options.is_empty() {
            lines.push(format!(
                "{name} sample {}",
                digest(&theme.sample(Locale::Es, date!(2026 - 11 - 21)))
            ));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn every_theme_renders_with_any_values_missing() {
    let mut jobs = Vec::new();
    for theme in RENDERER.themes() {
        for locale in Locale::ALL {
            for missing in 0..16_u8 {
                let mut job = theme.sample(locale, date!(2026 - 1 - 31));
                job.public_id = format!("{missing:032x}");
                job.design = (missing & 1 == 0).then(sample_design);
                if missing & 2 != 0 {
                    job.options = BTreeMap::new();
                }
                if missing & 4 != 0 {
                    job.event_name = " ".to_owned();
                }
                if missing & 8 != 0 {
                    job.document_number = None;
                }
                jobs.extend(on_every_page(theme, &job));
            }
        }
    }
    for (job, result) in jobs.iter().zip(&RENDERER.render(&jobs)) {
        let template = || match result {
            Err(RenderError::Template { diagnostics }) => diagnostics.reveal().clone(),
            _ => Vec::new(),
        };
        assert!(
            result.is_ok(),
            "{} {}: {result:?} {:?}",
            job.theme,
            job.public_id,
            template()
        );
    }
}

#[test]
fn every_theme_shows_all_texts_of_a_certificate() {
    for theme in RENDERER.themes() {
        for locale in Locale::ALL {
            let mut job = job_of(theme, "Ada Lovelace");
            job.locale = locale;
            let date = match locale {
                Locale::En => "21 November 2026",
                Locale::Es => "21 de noviembre de 2026",
            };
            let text = text_of(&page_of(&job));
            for part in [
                "Ada Lovelace",
                "1.023.456.789",
                "Hospital Santa Helena",
                &job.public_id,
                date,
            ] {
                assert!(text.contains(part), "{} {part}: {text}", theme.name());
            }
            let sample = theme.sample(locale, date!(2026 - 11 - 21));
            let text = text_of(&page_of(&sample));
            for (name, value) in &sample.options {
                if let OptionInput::Text(value) = value {
                    assert!(
                        text.contains(value.reveal_str()),
                        "{} {name}: {text}",
                        theme.name()
                    );
                }
            }
        }
        assert!(RENDERER.theme(theme.name(), theme.version()).is_some());
        assert!(
            RENDERER
                .newest_theme(theme.name())
                .is_some_and(|newest| newest.version() >= theme.version())
        );
    }
}

#[test]
fn long_texts_stay_inside_every_theme() {
    let texts = [
        (
            of_length(LONG, 60),
            of_length("International Congress of Computational Geometry ", 120),
        ),
        (
            of_length(LONG, 200),
            of_length(
                "XXVII Congreso Internacional de Geometría Computacional ",
                300,
            ),
        ),
        ("W".repeat(60), "M".repeat(60)),
        (of_length("山田太郎", 200), of_length("国際会議", 200)),
        (
            of_length("محمد بن عبد الله ", 200),
            of_length("Конгресс хирургов и терапевтов ", 200),
        ),
    ];
    for theme in RENDERER.themes() {
        for locale in Locale::ALL {
            for (name, event) in &texts {
                let mut job = theme.sample(locale, date!(2026 - 9 - 30));
                job.full_name = name.clone().into();
                // Version 1 of `classic` has room for the 32 digits of a public id.
                let digits = if (theme.name(), theme.version()) == ("classic", 1) {
                    32
                } else {
                    64
                };
                job.public_id = "0".repeat(digits);
                job.document_number = Some("1".repeat(40).into());
                job.certificate_name =
                    of_length("Programa superior de especialización en gestión ", 200);
                job.client = of_length("Universidad Nacional de las Ciencias Aplicadas ", 120);
                job.event_name.clone_from(event);
                for option in theme
                    .manifest()
                    .options
                    .iter()
                    .filter(|option| option.kind == OptionKind::Text)
                {
                    let text = of_length(LONG, option.longest().expect("a text has a length"));
                    job.options
                        .insert(option.name.clone(), OptionInput::Text(text.into()));
                }
                for job in on_every_page(theme, &job) {
                    let page = page_of(&job);
                    let setup = theme.page_setup(&job).page;
                    let margin = theme.manifest().margin;
                    assert_eq!(
                        page::check_margins(&page.frame, margin),
                        Ok(()),
                        "{} {setup:?} {name}",
                        theme.name()
                    );
                    assert!(
                        page::check_margins(&page.frame, 60.0).is_err(),
                        "text near the edge is found"
                    );
                    let rendered = RENDERER.render(std::slice::from_ref(&job)).remove(0);
                    assert!(
                        rendered.is_ok(),
                        "{} {setup:?} {name}: {rendered:?}",
                        theme.name()
                    );
                }
            }
        }
    }
}

#[test]
fn options_choose_paper_and_orientation() {
    for theme in RENDERER.newest_themes() {
        let mut sizes = Vec::new();
        for job in on_every_page(theme, &job_of(theme, "Ada Lovelace")) {
            let frame = &page_of(&job).frame;
            let (width, height) = (frame.width().to_mm(), frame.height().to_mm());
            sizes.push(format!("{width:.1} {height:.1}"));
        }
        sizes.sort_unstable();
        assert_eq!(
            sizes,
            ["210.0 297.0", "215.9 279.4", "279.4 215.9", "297.0 210.0"],
            "{}",
            theme.name()
        );
    }
}

#[test]
fn names_of_many_scripts_render_in_every_theme() {
    let names = [
        "İnci Iğdır Şağıroğlu",
        "Nguyễn Thị Ánh Tuyết",
        "Ἀθηνᾶ",
        "Владимир Їжак",
        "محمد بن عبد الله الفارسي",
        "نועה לוי-פרץ",
        "Արամ Խաչատրյան",
        "ნინო ბერიძე",
        "आरती श्रीवास्तव",
        "สมชาย ใจดี",
        "山田 太郎",
        "김철수",
    ];
    let jobs: Vec<RenderJob> = RENDERER
        .themes()
        .flat_map(|theme| names.map(|name| on_every_page(theme, &job_of(theme, name))))
        .flatten()
        .collect();
    for (job, result) in jobs.iter().zip(RENDERER.render(&jobs)) {
        assert!(
            result.is_ok(),
            "{} {}: {result:?}",
            job.theme,
            job.full_name.reveal()
        );
    }
}

/// Returns a copy of the page without text, to measure the background of the text.
fn without_text(frame: &Frame) -> Frame {
    let mut bare = Frame::soft(frame.size());
    for (at, item) in frame.items() {
        match item {
            FrameItem::Text(_) => {}
            FrameItem::Group(group) => {
                let mut group = group.clone();
                group.frame = without_text(&group.frame);
                bare.push(*at, FrameItem::Group(group));
            }
            other => bare.push(*at, other.clone()),
        }
    }
    bare
}

fn ground_of(page: &Page) -> image::RgbImage {
    let bare = Page {
        frame: without_text(&page.frame),
        ..page.clone()
    };
    let document = PagedDocument::new(eco_vec![bare], typst::model::DocumentInfo::default());
    let options = typst_pdf::PdfOptions {
        tagged: false,
        ..typst_pdf::PdfOptions::default()
    };
    let pdf = typst_pdf::pdf(&document, &options).expect("exports");
    image::load_from_memory(&raster::png(&pdf, 72).expect("draws"))
        .expect("a picture")
        .into_rgb8()
}

/// Returns the contrast ratio of two colours (WCAG 2.2, definitions of relative luminance and
/// contrast ratio).
fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let [r, g, b] = colour.map(|part| {
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let one = luminance(a);
    let other = luminance(b);
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn text_has_enough_contrast_with_any_colours() {
    for theme in RENDERER.themes() {
        for (n, colour) in [
            "#123a5c", "#ffd23f", "#ff5a36", "#8a8a8a", "#ffffff", "#000000",
        ]
        .into_iter()
        .enumerate()
        {
            let mut job = theme.sample(Locale::En, date!(2026 - 11 - 21));
            in_colour(theme, &mut job, colour);
            let jobs = on_every_page(theme, &job);
            // Each colour is drawn on only two of the four formats, because drawing a page takes a
            // long time.
            for job in jobs.iter().skip(n % 2).step_by(2) {
                let page = page_of(job);
                let ground = ground_of(&page);
                page::for_each_text(&page.frame, Transform::identity(), &mut |text, place| {
                    let Paint::Solid(ink) = &text.fill else {
                        panic!("text is solid")
                    };
                    let ink = ink.to_rgb();
                    let ink = [
                        f64::from(ink.red),
                        f64::from(ink.green),
                        f64::from(ink.blue),
                    ];
                    for part in [0.05, 0.35, 0.65, 0.95] {
                        let at = Point::new(text.width() * part, text.size * -0.3).transform(place);
                        let pixel = |side: Abs| side.to_pt().round().max(0.0) as u32;
                        let under = ground
                            .get_pixel(pixel(at.x), pixel(at.y))
                            .0
                            .map(|part| f64::from(part) / 255.0);
                        let found = contrast(ink, under);
                        assert!(
                            found > 4.4,
                            "{} {colour}: {} has {found:.2}",
                            theme.name(),
                            text.text
                        );
                    }
                    Ok(())
                })
                .expect("the visitor returns no error");
            }
        }
    }
}

#[test]
fn invalid_option_is_rejected_with_its_name() {
    let theme = RENDERER.newest_theme("corporate").expect("it is shipped");
    let text = |text: &str| OptionInput::Text(text.to_owned().into());
    for (name, value) in [
        ("accent", text("red")),
        ("accent", OptionInput::Image(sample_design())),
        ("logo", text("logo.png")),
        ("shadow", text("long")),
        ("signerName", text(&"x".repeat(81))),
        ("paper", text("a3")),
        ("orientation", text("upright")),
    ] {
        let mut job = job_of(theme, "Ada Lovelace");
        job.options.insert(name.to_owned(), value);
        let error = RENDERER.render(&[job]).remove(0).expect_err("refused");
        assert!(
            matches!(&error, RenderError::Option { name: named, .. } if named == name),
            "{error:?}"
        );
        assert!(error.is_permanent());
    }
}

#[test]
fn jobs_in_one_call_can_have_different_pictures() {
    let theme = RENDERER.newest_theme("corporate").expect("it is shipped");
    let sample = theme.sample(Locale::En, date!(2026 - 11 - 21));
    let mut swapped = sample.clone();
    let design = OptionInput::Image(sample_design());
    swapped.options.insert("logo".to_owned(), design);
    let mut bare = sample.clone();
    bare.options.remove("logo");
    let jobs = [sample, swapped, bare];
    let together = RENDERER.render(&jobs);
    for (job, result) in jobs.iter().zip(&together) {
        assert_eq!(
            *result,
            RENDERER.render(std::slice::from_ref(job)).remove(0)
        );
    }
    assert!(together.iter().all(Result::is_ok));
    assert!(together[0] != together[1] && together[1] != together[2] && together[0] != together[2]);
}

#[test]
fn page_with_all_options_does_not_depend_on_the_job_before() {
    for theme in RENDERER.themes() {
        for (locale, client) in [
            (Locale::En, "Hospital Santa Helena"),
            (Locale::Es, "مستشفى القديسة هيلانة"),
        ] {
            let mut job = theme.sample(locale, date!(2026 - 11 - 21));
            job.client = client.to_owned();
            job.design = Some(sample_design());
            for option in &theme.manifest().options {
                let value = match option.kind {
                    OptionKind::Image => OptionInput::Image(sample_design()),
                    OptionKind::Text => OptionInput::Text(option.name.clone().into()),
                    OptionKind::Colour | OptionKind::Choice => continue,
                };
                job.options.insert(option.name.clone(), value);
            }
            // The other formats are drawn in one language only, because drawing takes a long time.
            let formats = if locale == Locale::En { 4 } else { 1 };
            for job in on_every_page(theme, &job).into_iter().take(formats) {
                let grace = RenderJob {
                    full_name: "Grace Hopper".to_owned().into(),
                    ..job.clone()
                };
                let whole = Renderer::new()
                    .expect("loads")
                    .render(std::slice::from_ref(&grace))
                    .remove(0);
                let after_another = Renderer::new()
                    .expect("loads")
                    .render(&[job, grace])
                    .remove(1);
                assert!(
                    whole.is_ok() && whole == after_another,
                    "{} {locale}: {whole:?}",
                    theme.name()
                );
                let parts = whole.expect("renders").parts;
                assert!(
                    !parts[0].is_empty(),
                    "{} {locale}: left to typst's exporter",
                    theme.name()
                );
            }
        }
    }
}
