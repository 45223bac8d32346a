//! Tests of rendering: the same job gives the same bytes, all scripts are legible, and a bad job
//! doesn't affect others.

use std::sync::LazyLock;

use data_encoding::HEXLOWER;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use time::macros::date;
use typst::World as _;
use typst::foundations::Bytes;
use typst::layout::Transform;
use typst::syntax::{RootedPath, VirtualPath, VirtualRoot};
use typst_layout::Page;

use super::batch::BATCH;
use super::pdf::tests::assert_alike;
use super::world::{BatchWorld, Pictures};
use super::*;

pub(super) static RENDERER: LazyLock<Renderer> =
    LazyLock::new(|| Renderer::new().expect("bundled files load"));

pub(super) fn job(name: &str) -> RenderJob {
    RenderJob {
        theme: "classic".to_owned(),
        theme_version: 1,
        renderer_version: RENDERER_VERSION.to_owned(),
        options: BTreeMap::new(),
        locale: Locale::En,
        issue_date: date!(2026 - 11 - 21),
        public_id: "q3XbH1yR0uJ2mT9sVfK5wA".to_owned(),
        verification_url: "https://verify.example.org/c/q3XbH1yR0uJ2mT9sVfK5wA".to_owned(),
        full_name: Personal::new(name.to_owned()),
        certificate_name: "Advanced Cardiac Life Support".to_owned(),
        event_name: "International Congress of Emergency Medicine".to_owned(),
        client: "Hospital Santa Helena".to_owned(),
        document_number: Some(Personal::new("1.023.456.789".to_owned())),
        event_link: None,
        email: None,
        design: None,
    }
}

fn classic() -> &'static Template {
    RENDERER.theme("classic", 1).expect("it is shipped")
}

pub(super) fn sample_design() -> Design {
    let bytes = bytes::Bytes::from_static(include_bytes!("../../samples/design.jpg"));
    Design {
        sha256: HEXLOWER.encode(&Sha256::digest(&bytes)),
        bytes,
    }
}

fn render_one(job: &RenderJob) -> Result<RenderedCertificate, RenderError> {
    RENDERER
        .render(std::slice::from_ref(job))
        .pop()
        .expect("one answer for one job")
}

/// Returns the laid-out page of a job.
pub(super) fn page_of(job: &RenderJob) -> Page {
    let template = RENDERER
        .theme(&job.theme, job.theme_version)
        .expect("a known theme");
    let pictures = RENDERER.pictures(template, job).expect("good pictures");
    let prepared = RENDERER
        .prepare(template, job, &pictures)
        .expect("a good job");
    RENDERER
        .lay_out(template, &[&prepared], &pictures.files())
        .expect("lays out")
        .remove(0)
}

/// Returns all text of a page in frame order.
pub(super) fn text_of(page: &Page) -> String {
    let mut all = String::new();
    page::for_each_text(&page.frame, Transform::identity(), &mut |text, _| {
        all.push_str(&text.text);
        Ok(())
    })
    .expect("the visitor returns no error");
    all
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn same_job_gives_same_bytes_every_time() {
    let ada = job("Ada Lovelace");
    let first = render_one(&ada).expect("renders");
    let again = Renderer::new()
        .expect("loads")
        .render(std::slice::from_ref(&ada))
        .remove(0)
        .expect("renders");
    assert_eq!(first, again);
    assert_eq!(
        first.sha256,
        HEXLOWER.encode(&Sha256::digest(first.to_bytes()))
    );
    let mut other = ada.clone();
    other.public_id = "AAAAAAAAAAAAAAAAAAAAAA".to_owned();
    assert_ne!(render_one(&other).expect("renders").sha256, first.sha256);
}

#[test]
fn fast_writer_output_equals_typst_output() {
    let names = [
        "José Ñandú Çelik-Łukasz",
        "Nguyễn Thị Ánh Tuyết",
        "Ελένη Παπαδοπούλου",
        "Владимир Їжак",
        "محمد بن عبد الله الفارسي",
        "נועה לוי-פרץ",
        "आरती श्रीवास्तव",
        "สมชาย ใจดี",
        "髙橋 﨑子",
        "김철수",
        "Affonso Fjällräv of the Office, who has a name that is set smaller to fit",
    ];
    for (n, name) in names.into_iter().enumerate() {
        for theme in RENDERER.themes() {
            let fast = RenderJob {
                theme: theme.name().to_owned(),
                theme_version: theme.version(),
                locale: Locale::ALL[n % 2],
                design: n.is_multiple_of(3).then(sample_design),
                ..job(name)
            };
            let slow = RenderJob {
                renderer_version: BY_TYPST.to_owned(),
                ..fast.clone()
            };
            let [fast, slow] = [fast, slow].map(|job| render_one(&job).expect("renders"));
            assert!(
                !fast.parts[0].is_empty(),
                "{name}: left to typst's exporter"
            );
            assert_alike(
                &fast.to_bytes(),
                &slow.to_bytes(),
                72,
                &format!("{} {name}", theme.name()),
            );
        }
    }
}

#[test]
fn same_picture_in_another_option_gives_another_page() {
    let sample = RENDERER
        .newest_theme("classic")
        .expect("shipped")
        .sample(Locale::En, date!(2026 - 11 - 21));
    let signed = |option: &str| {
        let picture = OptionInput::Image(sample_design());
        RenderJob {
            options: BTreeMap::from([(option.to_owned(), picture)]),
            ..sample.clone()
        }
    };
    let jobs = ["logo", "signature", "signature2"].map(signed);
    let alone = |job: &RenderJob| {
        Renderer::new()
            .expect("loads")
            .render(std::slice::from_ref(job))
            .remove(0)
    };
    assert!(
        jobs.iter()
            .map(alone)
            .eq(Renderer::new().expect("loads").render(&jobs))
    );
}

#[test]
fn blank_document_number_equals_a_missing_one_in_any_order() {
    let of = |number: Option<&str>| RenderJob {
        document_number: number.map(|number| Personal::new(number.to_owned())),
        ..job("Ada Lovelace")
    };
    let jobs = [of(Some(" ")), of(None), of(Some("12 A"))];
    let rendered = Renderer::new().expect("loads").render(&jobs);
    let mut backwards = Renderer::new()
        .expect("loads")
        .render(&jobs.iter().rev().cloned().collect::<Vec<_>>());
    backwards.reverse();
    assert_eq!(rendered, backwards);
    assert!(rendered[0] == rendered[1] && rendered[1] != rendered[2]);
}

#[test]
fn other_jobs_in_a_batch_do_not_change_the_bytes() {
    let names = [
        "Ada Lovelace",
        "山田 太郎",
        "محمد بن عبد الله",
        "Grace Hopper",
        "Ελένη Παπαδοπούλου",
    ];
    let mut jobs: Vec<RenderJob> = names.iter().map(|name| job(name)).collect();
    jobs[3].locale = Locale::Es;
    for (i, job) in jobs.iter_mut().enumerate() {
        job.public_id = format!("id{i}");
        job.design = (i % 2 == 0).then(sample_design);
    }
    let alone: Vec<_> = jobs.iter().map(render_one).collect();
    assert!(alone.iter().all(Result::is_ok), "{alone:?}");
    assert_eq!(RENDERER.render(&jobs), alone);
    jobs.reverse();
    let mut backwards = RENDERER.render(&jobs);
    backwards.reverse();
    assert_eq!(backwards, alone);
}

#[test]
fn results_of_several_batches_are_in_order() {
    let jobs: Vec<RenderJob> = (0..BATCH + 3)
        .map(|i| {
            let mut job = job(&format!("Person {i}"));
            job.public_id = format!("id{i}");
            job
        })
        .collect();
    let results = RENDERER.render(&jobs);
    assert_eq!(results.len(), jobs.len());
    for i in [0, 1, BATCH - 1, BATCH, BATCH + 2] {
        assert_eq!(results[i], render_one(&jobs[i]), "{i}");
    }
    assert!(RENDERER.render(&[]).is_empty());
}

#[test]
fn names_of_many_scripts_render() {
    let names = [
        "José Ñandú Çelik-Łukasz",
        "Þóra Ásgeirsdóttir",
        "Šimůnek Żółć Őry",
        "İnci Iğdır Şağıroğlu",
        "Nguyễn Thị Ánh Tuyết",
        "Ọlábísí Adéṣínà",
        "Ελένη Παπαδοπούλου",
        "Ἀθηνᾶ",
        "Владимир Їжак",
        "Қасым-Жомарт",
        "محمد بن عبد الله الفارسي",
        "می\u{200C}خواهم",
        "נועה לוי-פרץ",
        "Արամ Խաչատրյան",
        "ნინო ბერიძე",
        "आरती श्रीवास्तव",
        "สมชาย ใจดี",
        "山田 太郎",
        "髙橋 﨑子",
        "さくら アキラ",
        "王伟 陳偉",
        "김철수",
        "O’Connor–Ng (Dr.)",
    ];
    let jobs: Vec<RenderJob> = names.iter().map(|name| job(name)).collect();
    for (name, result) in names.iter().zip(RENDERER.render(&jobs)) {
        assert!(result.is_ok(), "{name}: {result:?}");
    }
}

#[test]
fn character_without_a_glyph_fails_only_its_own_job() {
    let jobs = [
        job("Ada Lovelace"),
        job("Ada 😀"),
        job("Ada \u{0378}"),
        job("Grace Hopper"),
    ];
    let results = RENDERER.render(&jobs);
    assert_eq!(results[0], render_one(&jobs[0]));
    assert_eq!(results[3], render_one(&jobs[3]));
    for (result, character) in [(&results[1], '😀'), (&results[2], '\u{0378}')] {
        let Err(RenderError::MissingGlyph {
            field: "full_name",
            clusters,
        }) = result
        else {
            panic!("{result:?}");
        };
        assert_eq!(clusters.len(), 1);
        assert_eq!(clusters[0].as_slice(), [character]);
    }
}

#[test]
fn text_that_is_too_long_fails_only_its_own_job() {
    let jobs = [
        job("Ada Lovelace"),
        job(&"W".repeat(300)),
        job("Grace Hopper"),
    ];
    let results = RENDERER.render(&jobs);
    assert_eq!(
        results[1],
        Err(RenderError::Overflow {
            field: "full_name".to_owned()
        })
    );
    assert_eq!(results[0], render_one(&jobs[0]));
    assert_eq!(results[2], render_one(&jobs[2]));
    let endless = render_one(&job(&"a ".repeat(100_000))).expect_err("refused before any layout");
    assert_eq!(endless.code(), "RENDER_OVERFLOW");
}

#[test]
fn long_texts_stay_inside_the_page() {
    let of_length =
        |words: &str, length: usize| words.chars().cycle().take(length).collect::<String>();
    let words = "María del Carmen Fernández de Córdoba y Álvarez de Toledo ";
    for locale in Locale::ALL {
        for (name, event) in [
            (
                of_length(words, 60),
                of_length("International Congress of Computational Geometry ", 120),
            ),
            (
                of_length(words, 200),
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
        ] {
            let mut job = job(&name);
            job.locale = locale;
            job.certificate_name =
                of_length("Programa superior de especialización en gestión ", 200);
            job.client = of_length("Universidad Nacional de las Ciencias Aplicadas ", 120);
            job.event_name = event;
            let page = page_of(&job);
            assert_eq!(
                page::check_margins(&page.frame, classic().manifest().margin),
                Ok(()),
                "{name}"
            );
            assert!(
                page::check_margins(&page.frame, 60.0).is_err(),
                "text near the edge is found"
            );
            render_one(&job).expect("renders");
        }
    }
}

#[test]
fn markup_in_a_text_is_shown_as_text() {
    let hostile = r##"#panic("x") $x^2$ \u{41} @ref <label> "q" 'q' *b* _i_ `r` = H - l // c /* c */ ~ #{1+1} \ [b]"##;
    let mut job = job(hostile);
    job.event_name = "#import \"/etc/passwd\": * — #read(\"/data.json\")".to_owned();
    let text = text_of(&page_of(&job));
    let squeezed = |text: &str| {
        text.chars()
            .filter(|c| !c.is_whitespace())
            .collect::<String>()
    };
    assert!(squeezed(&text).contains(&squeezed(hostile)), "{text}");
    assert!(
        squeezed(&text).contains(&squeezed(&job.event_name)),
        "{text}"
    );
}

#[test]
fn file_has_standard_title_date_and_language() {
    for (locale, language) in [(Locale::En, "en"), (Locale::Es, "es")] {
        let mut job = job("Ada Lovelace");
        job.locale = locale;
        let file = render_one(&job).expect("renders").to_bytes();
        for part in [
            "<pdfaid:part>2</pdfaid:part>",
            "<pdfaid:conformance>B</pdfaid:conformance>",
            "Advanced Cardiac Life Support – Ada Lovelace",
            "2026-11-21",
            &format!("<rdf:li>{language}</rdf:li>"),
        ] {
            assert!(contains(&file, part), "{part}");
        }
        assert!(contains(&file, "/MarkInfo") && contains(&file, "/StructTreeRoot"));
        assert!(contains(&file, &format!("/Lang({language})")));
        assert!(!contains(&file, "/JavaScript") && !contains(&file, "/URI"));
    }
}

#[test]
fn invalid_input_gives_an_error_with_the_field() {
    let mut unknown = job("Ada Lovelace");
    unknown.theme_version = 999;
    assert_eq!(
        render_one(&unknown),
        Err(RenderError::UnknownTheme {
            theme: "classic".to_owned(),
            version: 999
        })
    );
    assert!(!render_one(&unknown).expect_err("unknown").is_permanent());

    // An unknown version is rejected. An empty version, as in samples, is the newest one.
    let by = |version: &str| RenderJob {
        renderer_version: version.to_owned(),
        ..job("Ada Lovelace")
    };
    let error = render_one(&by("typst-9.9+9")).expect_err("unknown");
    assert_eq!(
        (error.code(), error.is_permanent()),
        ("RENDER_UNKNOWN_RENDERER", false)
    );
    assert_eq!(render_one(&by("")), render_one(&by(RENDERER_VERSION)));

    let mut broken = job("Ada Lovelace");
    broken.design = Some(Design {
        bytes: bytes::Bytes::from_static(b"no image"),
        sha256: "00".repeat(32),
    });
    let results = RENDERER.render(&[broken.clone(), job("Ada Lovelace"), broken]);
    assert!(results[1].is_ok());
    assert_eq!(
        results[0].as_ref().map_err(RenderError::code),
        Err("RENDER_DESIGN")
    );
    assert_eq!(results[0], results[2]);

    let mut spaced = job("Ada Lovelace");
    spaced.public_id = "two words".to_owned();
    for (bad, field) in [
        (job("  "), "full_name"),
        (job("Ada\u{202E}ecalevoL"), "full_name"),
        (spaced, "public_id"),
    ] {
        let error = render_one(&bad).expect_err("refused");
        assert!(error.is_permanent());
        assert!(
            matches!(error, RenderError::InvalidText { field: named, .. } if named == field),
            "{error:?}"
        );
    }
}

#[test]
fn template_can_read_only_its_own_files() {
    let world = BatchWorld {
        assets: &RENDERER.assets,
        template: classic(),
        data: Bytes::new(b"[]"),
        pictures: &Pictures::default(),
    };
    for path in [
        "/etc/passwd",
        "/Cargo.toml",
        "/design.jpg",
        "/options/0.png",
        "/classic/2/template.typ",
    ] {
        let id = RootedPath::new(
            VirtualRoot::Project,
            VirtualPath::new(path).expect("a path"),
        )
        .intern();
        assert!(world.file(id).is_err(), "{path}");
        assert!(world.source(id).is_err(), "{path}");
    }
    assert!(world.today(None).is_none());
    assert!(world.source(world.main()).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Any name gives a certificate, or an error that names the problem. A name never makes the
    /// template fail.
    #[test]
    fn any_name_is_rendered_or_rejected_with_a_reason(names in prop::collection::vec("\\PC{1,60}|[ -~]{1,200}|[À-ỹ ]{1,80}", 12)) {
        let jobs: Vec<RenderJob> = names.iter().map(|name| job(name)).collect();
        for (name, result) in names.iter().zip(RENDERER.render(&jobs)) {
            if let Err(error) = result {
                let expected = matches!(
                    error,
                    RenderError::MissingGlyph { .. } | RenderError::InvalidText { .. } | RenderError::Overflow { .. }
                );
                prop_assert!(expected, "{name:?}: {error:?}");
            }
        }
    }
}
