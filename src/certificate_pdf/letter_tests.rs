//! Tests that letters with marks and all scripts are drawn whole in every theme, or rejected with
//! their clusters.

use typst::layout::Transform;

use super::coverage::clusters;
use super::tests::{RENDERER, job, page_of};
use super::text::composed;
use super::*;
use crate::domain::certification::manifest::Manifest;

/// Returns the names in a case file, which are in its first column.
fn names_of(file: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let rows = reader.records().map(|row| row.expect("a row"));
    rows.map(|row| row.get(0).expect("a name").to_owned())
        .collect()
}

const MARKS: &str = include_str!("../../tests/cases/51-marks-without-composed-letter.csv");
const INDIC_AND_ARABIC: &str = include_str!("../../tests/cases/52-indic-and-arabic.csv");
const JOINERS: &str = include_str!("../../tests/cases/55-joiners.csv");
const WITHOUT_FONT: &str = include_str!("../../tests/cases/49-scripts-without-font.csv");

/// Names similar to those in the case files: African, Baltic, Balkan, Slavic, Greek, American,
/// Vietnamese and transliterated names.
const SIBLINGS: [&str; 38] = [
    "Yetunde Adébáyọ̀",
    "Ẹniọlá ẹ̀gbẹ́",
    "Мари́я Ё́",
    "Kɔ́fí Ɛ̀dɛ̀",
    "Ė̃",
    "Ç̆",
    "M̂̃",
    "Ọ̀",
    "Adzoa Ŋútɔ̃ Kɔ̌kú",
    "Ɣeyiɣi Ʋɔ̀lɔ̃",
    "Ɗan Ƙasimu Ɓala Ƴar'Aduwa",
    "Rũ̄gũrũ M̀bá Ǹgọ̀zí",
    "Jū́ratė̃ Žė́maitis į́ ų̃ r̃ l̃ m̃ i̇́",
    "Ю́лия Е́рмо̀ лије̑вић р̏ а̂",
    "Їжа́к Є́вген Ґ",
    "Ӷаӷаа Ӡ Ҧсуа",
    "Ἀθηνᾶ ᾱ́ ῠ́ Ϊ́",
    "K̓ʷ q̓ƛ̓ x̌ č̓ W̱SÁNEĆ",
    "Nguyễn Ế Ộ ữ",
    "G̃uaraní ỹ́ g̃",
    "H̱āfiẓ Ṯābit ḫ̮ ẖ",
    "Ṛ́ṣi Kṛṣṇa ṃ̐ ḹ ṝ",
    "Ā̈lṓmā ǟ ȫ",
    "Diné ą́ą́ ǫ̀ į́į́",
    "ʻŌkina Hawaiʻi ʼ",
    "Meꞌphaa Cruz",
    "Ǹnámdí Ị̀fẹ̀ Ụ̀zọ́",
    "a̋ b̃ c̄ d̂ k̃ t̄ z̄",
    "𠮷田 堃 珺 𬭚 髙﨑",
    "翀 赟 祎 婳 䶮 㐂 𣘺",
    "שָׁלוֹם כֹּהֵן בְּרֵאשִׁית",
    "مُحَمَّدٌ لِلّٰهِ",
    "ก็ ที่ น้ำ ผู้",
    "C̕ K̕ P̕ T̕ č̕ s̛ y̨",
    "Ķ̂ Ģ̃ ḑ̄ Ȩ́ ş̌",
    "ক",
    "Ада Ελένη محمد 山田 Ọ̀",
    "Ọ̀山ɔ́",
];

/// Names of other scripts that the fonts draw whole.
const SCRIPTS: [&str; 11] = [
    "Мари́я Ё́ Їжак",
    "Ἀθηνᾶ Παπαδοπούλου",
    "שָׁלוֹם כֹּהֵן",
    "مُحَمَّد الفَضْل",
    "می‌نا علی‌زاده",
    "विद्युत् शर्मा त्रिपाठी",
    "น้ำผึ้ง กู้เกียรติ",
    "髙橋 さくら",
    "김 철수",
    "Արամ Խաչատրյան",
    "ნინო ჯავახიშვილი",
];

/// Returns the texts of a page, each with its font family.
fn families_of(job: &RenderJob) -> Vec<(String, String)> {
    let page = page_of(job);
    let mut drawn = Vec::new();
    page::for_each_text(&page.frame, Transform::identity(), &mut |text, _| {
        drawn.push((
            text.text.to_string(),
            text.font.font().info().family.to_string(),
        ));
        Ok(())
    })
    .expect("the visitor returns no error");
    drawn
}

fn in_themes(name: &str) -> Vec<(String, Result<RenderedCertificate, RenderError>)> {
    let jobs: Vec<RenderJob> = RENDERER
        .themes()
        .map(|theme| RenderJob {
            theme: theme.name().to_owned(),
            theme_version: theme.version(),
            ..job(name)
        })
        .collect();
    let themes = jobs
        .iter()
        .map(|job| format!("{}/{}", job.theme, job.theme_version));
    themes.zip(RENDERER.render(&jobs)).collect()
}

#[test]
fn names_with_marks_are_drawn_whole_or_rejected_with_their_clusters() {
    let cases = [MARKS, INDIC_AND_ARABIC, JOINERS, WITHOUT_FONT]
        .into_iter()
        .flat_map(names_of);
    for name in cases.chain(SIBLINGS.map(str::to_owned)) {
        let missing = RENDERER.undrawable(&name);
        for (theme, result) in in_themes(&name) {
            match result {
                Ok(_) => assert_eq!(missing, [], "{theme} {name}"),
                Err(RenderError::MissingGlyph {
                    field: "full_name",
                    clusters,
                }) => {
                    assert!(!clusters.is_empty(), "{theme} {name}");
                    assert_eq!(clusters, missing, "{theme} {name}");
                }
                Err(error) => panic!("{theme} {name}: {error}"),
            }
        }
    }
}

#[test]
fn only_scripts_without_a_font_are_rejected() {
    let refused = |name: &String| !RENDERER.undrawable(name).is_empty();
    for file in [MARKS, INDIC_AND_ARABIC] {
        assert_eq!(
            names_of(file).iter().filter(|name| refused(name)).count(),
            0
        );
    }
    let issued: Vec<String> = names_of(WITHOUT_FONT)
        .into_iter()
        .filter(|name| !refused(name))
        .collect();
    assert_eq!(issued, ["Meꞌphaa Cruz", "Ana Rojas"]);
    let joined: Vec<String> = names_of(JOINERS).into_iter().filter(refused).collect();
    assert_eq!(joined, ["ক্\u{200D}ষ"], "Bengali");
    let siblings: Vec<&str> = SIBLINGS
        .into_iter()
        .filter(|name| refused(&(*name).to_owned()))
        .collect();
    assert_eq!(siblings, ["ক"]);
}

#[test]
fn missing_cluster_is_reported_with_all_characters_in_order() {
    let missing = RENDERER.undrawable("Ana \u{378}\u{301} ক্ষ 😀 \u{301}b 😀");
    let shown: Vec<String> = missing.iter().map(CodePoints::to_string).collect();
    assert_eq!(
        shown,
        [
            "U+0378 U+0301",
            "U+0995 U+09CD U+09B7",
            "U+1F600",
            "U+0020 U+0301"
        ]
    );
    assert_eq!(
        RENDERER.undrawable("\u{301}b").len(),
        1,
        "a mark without a letter"
    );
}

#[test]
fn name_in_one_script_is_set_in_one_font() {
    for (theme, name, family) in [
        ("minimal", "Yetunde Adébáyọ̀", "EB Garamond"),
        ("minimal", "Kɔ́fí Ɛ̀dɛ̀", "Noto Serif"),
        ("bold", "Kɔ́fí Ɛ̀dɛ̀", "Montserrat"),
        ("bold", "Nguyễn Thị Ánh", "Space Grotesk"),
        ("classic", "Jūratė Ė̃", "Noto Serif"),
        ("academic", "Ọlábọ́dé Ọ̀", "Noto Serif"),
        ("classic", "Ελένη Παπαδοπούλου", "EB Garamond"),
    ] {
        let version = RENDERER.newest_theme(theme).expect("shipped").version();
        let job = RenderJob {
            theme: theme.to_owned(),
            theme_version: version,
            ..job(name)
        };
        let mut of_name: Vec<String> = families_of(&job)
            .into_iter()
            .filter(|(text, _)| name.contains(text.trim()) && !text.trim().is_empty())
            .map(|(_, family)| family)
            .collect();
        of_name.dedup();
        assert_eq!(of_name, [family], "{theme} {name}");
    }
}

#[test]
fn every_text_is_drawn_whole() {
    let hard = "Ọ̀gbẹ́ni Kɔ́fí";
    for theme in RENDERER.themes() {
        let sample = theme.sample(Locale::En, time::macros::date!(2026 - 11 - 21));
        let mut job = RenderJob {
            certificate_name: hard.to_owned(),
            event_name: hard.to_owned(),
            client: hard.to_owned(),
            document_number: Some(hard.to_owned().into()),
            ..sample
        };
        for name in ["title", "signerName", "signerRole", "footer"] {
            if theme.manifest().option(name).is_some() {
                job.options
                    .insert(name.to_owned(), OptionInput::Text(hard.to_owned().into()));
            }
        }
        let result = RENDERER.render(std::slice::from_ref(&job)).remove(0);
        assert!(result.is_ok(), "{}: {result:?}", theme.name());
    }
}

/// Renders a name with an issuer's template, in this process.
fn own(body: &str, name: &str) -> Result<bytes::Bytes, RenderError> {
    let manifest = serde_json::json!({
        "title": { "en": "Plain", "es": "Sencillo" },
        "description": { "en": "A page.", "es": "Una página." },
        "page": { "size": "a4", "orientation": "landscape" },
        "margin": 15,
        "qr": { "x": 250, "y": 165, "size": 24 },
        "variables": ["full_name"],
        "options": [],
        "sample": { "full_name": "Ada Lovelace" },
    });
    let manifest = Manifest::parse(manifest.to_string().as_bytes()).expect("a good manifest");
    let source = format!(
        "#let certificate(d) = {{\n set page(width: 297mm, height: 210mm, margin: 20mm)\n let name = d.fields.full_name\n {body}\n}}\n"
    );
    let sample = RenderJob::of_sample(&manifest, Locale::En).expect("a sample");
    let job = RenderJob {
        full_name: name.to_owned().into(),
        ..sample
    };
    OwnRenderer::new(&source, &manifest)
        .expect("bundled files")
        .render(&job)
}

#[test]
fn overflow_of_a_template_names_fields_only() {
    let overflow = own("panic(\"OVERFLOW full_name\")", "Ada Lovelace");
    assert_eq!(
        overflow,
        Err(RenderError::Overflow {
            field: "full_name".to_owned()
        })
    );
    let error =
        own("panic(\"OVERFLOW \" + name)", "Ada Lovelace").expect_err("no field has this name");
    assert!(matches!(error, RenderError::Template { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("Ada"), "{error:?}");
}

#[test]
fn templates_of_issuers_draw_names_whole() {
    for body in [
        "text(font: \"EB Garamond\", size: 30pt, name)",
        "text(font: \"Instrument Serif\", size: 30pt, fallback: false, name)",
        "text(font: (\"Space Grotesk\", \"Montserrat\"), weight: 700, size: 30pt, d.name.text)",
        "text(font: (name: \"EB Garamond\", covers: \"latin-in-cjk\"), size: 30pt, name)",
        "text(size: 30pt, name)",
        "set text(font: \"EB Garamond\", size: 30pt); upper(name)",
        "set text(font: \"EB Garamond\", size: 30pt); for word in name.split(\" \") [#word \\ ]",
        "set text(font: \"EB Garamond\", size: 30pt); [Awarded to *#name*, who _earned_ it]",
        "set text(font: \"EB Garamond\", size: 30pt, style: \"italic\"); name",
    ] {
        let hard = [
            "Yetunde Adébáyọ̀ Ọ̀",
            "Kɔ́fí Ɛ̀dɛ̀",
            "محمد Ė̃",
            "Weiß ŉ",
            "म्ड्लृज्टूह ञ्ड्पा",
        ];
        for name in ["Ada Lovelace"].into_iter().chain(hard).chain(SCRIPTS) {
            let drawn = own(body, name);
            assert!(
                drawn.is_ok(),
                "{body} {name}: {:?}",
                drawn.map_err(|error| diagnoses(&error))
            );
        }
    }
}

#[test]
fn templates_of_issuers_may_split_words_of_the_name() {
    for body in [
        "set text(font: \"EB Garamond\"); name.clusters().join(\" \")",
        "set text(font: \"EB Garamond\", tracking: 3pt); [«#upper(name)»]",
        "set text(font: \"EB Garamond\"); for c in name.clusters() { box(rotate(5deg, c)) }",
        "set text(font: \"EB Garamond\"); text(size: 30pt, name.first()); name.slice(name.first().len())",
        "set text(font: \"EB Garamond\"); [Granted to #name.split(\" \").join(linebreak()).]",
        "set text(font: \"EB Garamond\", dir: rtl); [(#name)]",
    ] {
        for name in ["An Ana Lovelace", "Wolfgang Affligem Fitzgeraldson"]
            .into_iter()
            .chain(SCRIPTS)
        {
            let drawn = own(body, name);
            assert!(
                drawn.is_ok(),
                "{body} {name}: {:?}",
                drawn.map_err(|error| diagnoses(&error))
            );
        }
    }
}

#[test]
fn page_without_the_whole_name_is_rejected() {
    for (body, name) in [
        ("text(font: \"EB Garamond\")[Somebody]", "Ada Quux"),
        (
            "text(font: \"EB Garamond\")[National exam, international level]",
            "Al Na",
        ),
        (
            "text(font: \"EB Garamond\")[Adapted for the canal]",
            "Ada Ana",
        ),
        (
            "text(font: \"EB Garamond\")[Lovely alcove, canceled: old ode]",
            "Ada Lovelace",
        ),
        (
            "text(font: \"EB Garamond\", name.clusters().slice(0, 3).join())",
            "Ana Quux",
        ),
        (
            "text(font: \"EB Garamond\", name.replace(\"é\", \"e\"))",
            "José",
        ),
        // The name occurs only inside another word, or the page lacks a letter or a word of it.
        ("text(font: \"EB Garamond\")[Международный экзамен]", "на"),
        ("text(font: \"Noto Serif\")[Ẹniọlá]", "Ẹni"),
        ("text(font: \"Noto Serif\")[Kɔ́fí]", "Kɔ́f"),
        ("text(font: \"Noto Naskh Arabic\")[محمد]", "محمود"),
        (
            "text(font: \"Noto Serif Hebrew\", name.split(\" \").first())",
            "שָׁלוֹם כהן",
        ),
        (
            "text(font: \"Noto Serif Devanagari\", name.split(\" \").last())",
            "विद्युत् शर्मा",
        ),
        (
            "text(font: \"Laureate Serif CJK\", name.clusters().last())",
            "髙橋",
        ),
    ] {
        let error = own(body, name)
            .err()
            .unwrap_or_else(|| panic!("drawn: {body} {name}"));
        assert_eq!(
            error.code(),
            "RENDER_TEMPLATE",
            "{body}: {:?}",
            diagnoses(&error)
        );
        assert!(
            diagnoses(&error)[0].message.contains("whole name"),
            "{body}"
        );
    }
    // A letter and its mark are separate, so the cluster is not whole.
    let apart = own(
        "set text(font: \"Noto Serif\"); name.codepoints().map(c => box(c)).join()",
        "Ọ̀ba",
    );
    assert_eq!(apart.expect_err("refused").code(), "RENDER_MISSING_GLYPH");
}

#[test]
fn text_is_composed_before_it_is_split_into_clusters() {
    assert_eq!(composed("e\u{301} \u{1E63}\u{307}"), "é \u{1E69}");
    assert_eq!(
        clusters("G̃u\u{200C}").map(|(at, _)| at).collect::<Vec<_>>(),
        [0, 3]
    );
}
