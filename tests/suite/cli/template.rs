//! `laureate template`: output, files, and exit codes.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::laureate;

fn template(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(laureate());
    command
        .arg("template")
        .args(arguments)
        .current_dir(folder)
        .env_clear();
    command.output().expect("the program starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Copies the theme `minimal` into `folder`, as a template that an issuer has written.
fn own(folder: &Path) {
    let theme = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/certificate/minimal/1");
    for file in ["template.typ", "manifest.json"] {
        std::fs::copy(theme.join(file), folder.join(file)).expect("copied");
    }
}

fn change(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).expect("read");
    assert!(text.contains(from), "{from}");
    std::fs::write(path, text.replacen(from, to, 1)).expect("written");
}

#[test]
fn themes_are_listed_as_text_and_json() {
    let folder = tempfile::tempdir().expect("a folder");
    insta::assert_snapshot!("template_list", said(&template(&["list"], folder.path())));
    let json: Value =
        serde_json::from_slice(&template(&["list", "--json"], folder.path()).stdout).expect("JSON");
    assert_eq!(
        (&json[1]["name"], &json[1]["version"]),
        (&json!("classic"), &json!(2))
    );
    assert_eq!(json[1]["manifest"]["options"][0]["default"], "a4");
}

#[test]
fn errors_in_a_template_have_line_and_column() {
    let folder = tempfile::tempdir().expect("a folder");
    own(folder.path());
    let good = template(&["check", "."], folder.path());
    assert_eq!(
        (good.status.code(), said(&good).contains("valid")),
        (Some(0), true),
        "{}",
        said(&good)
    );

    let source = folder.path().join("template.typ");
    change(&source, "fill: accent, it", "fill: acent, it");
    let wrong = template(&["check", "template.typ"], folder.path());
    assert_eq!(wrong.status.code(), Some(1));
    let message = said(&wrong);
    assert!(
        message.starts_with("template.typ:") && message.contains(": unknown variable: acent"),
        "{message}"
    );
    change(&source, "fill: acent, it", "fill: accent, it");

    change(&source, "w.lead", "d.fields.salary");
    let message = said(&template(&["check", "."], folder.path()));
    assert!(
        message.contains("template.typ:") && message.contains("salary"),
        "{message}"
    );
    change(&source, "d.fields.salary", "w.lead");

    change(&source, "w.lead", "read(\"/etc/passwd\")");
    let message = said(&template(&["check", "."], folder.path()));
    assert!(
        message.contains("/etc/passwd is not a bundled file"),
        "{message}"
    );
    change(&source, "read(\"/etc/passwd\")", "w.lead");

    change(
        &source,
        "#let certificate(d) = {",
        "#let certificate(d) = {\n  for _ in range(100000000) { pagebreak() }",
    );
    for command in [
        ["check", "."].as_slice(),
        &["preview", ".", "--out", "page.pdf"],
    ] {
        let wrong = template(command, folder.path());
        assert_eq!(wrong.status.code(), Some(1));
        assert!(
            said(&wrong).contains("it needs more than 1024 MiB"),
            "{}",
            said(&wrong)
        );
    }

    change(
        &folder.path().join("manifest.json"),
        "\"margin\": 18",
        "\"margin\": 180",
    );
    let wrong = template(&["check", "."], folder.path());
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        said(&wrong).contains("margin: give 0 to 60 (millimetres)"),
        "{}",
        said(&wrong)
    );
    assert_eq!(
        template(&["check", "nowhere"], folder.path()).status.code(),
        Some(1)
    );
}

#[test]
fn preview_is_written_as_pdf_or_png() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = r#"{"full_name": "Ada Lovelace", "title": "Constancia"}"#;
    std::fs::write(folder.path().join("data.json"), data).expect("written");
    let asked = [
        "preview",
        "corporate@1",
        "--locale",
        "es",
        "--data",
        "data.json",
        "--with",
        "accent=#7a1f3d",
    ];
    for (file, begins) in [
        ("page.pdf", b"%PDF".as_slice()),
        ("page.png", b"\x89PNG".as_slice()),
    ] {
        let done = template(
            &[asked.as_slice(), &["--out", file]].concat(),
            folder.path(),
        );
        assert_eq!(done.status.code(), Some(0), "{}", said(&done));
        assert!(
            std::fs::read(folder.path().join(file))
                .expect("it is there")
                .starts_with(begins),
            "{file}"
        );
    }
    own(folder.path());
    let done = template(
        &["preview", ".", "--out", "own.png", "--dpi", "50"],
        folder.path(),
    );
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));

    for (arguments, code, problem) in [
        (
            ["preview", "baroque", "--out", "a.pdf"].as_slice(),
            5,
            "themes are classic, corporate",
        ),
        (
            &["preview", "classic@7", "--out", "a.pdf"],
            5,
            "classic's newest version is 2",
        ),
        (
            &["preview", "classic", "--dpi", "5000", "--out", "a.png"],
            2,
            "5000 is not in 10..=200",
        ),
        (
            &["preview", "bold", "--design", "own.png", "--out", "a.png"],
            1,
            "bold supports no background",
        ),
        (
            &[
                "preview",
                "bold",
                "--with",
                "logo=data.json",
                "--out",
                "a.pdf",
            ],
            1,
            "option logo cannot be used",
        ),
        (&["preview", "classic", "--out", "a.gif"], 1, ".pdf or .png"),
        (
            &["preview", "bold", "--with", "shadow=1", "--out", "a.pdf"],
            1,
            "shadow: is not an option",
        ),
        (
            &["preview", "bold", "--with", "accent=red", "--out", "a.pdf"],
            1,
            "accent must be a colour",
        ),
        (
            &[
                "preview",
                "bold",
                "--with",
                "logo=nowhere.png",
                "--out",
                "a.pdf",
            ],
            1,
            "nowhere.png",
        ),
    ] {
        let refused = template(arguments, folder.path());
        let message = said(&refused);
        assert_eq!(
            (refused.status.code(), message.contains(problem)),
            (Some(code), true),
            "{message}"
        );
    }
}

#[test]
fn committed_gallery_is_up_to_date() {
    let folder = tempfile::tempdir().expect("a folder");
    let done = template(&["gallery", "--out", "gallery.png"], folder.path());
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let present = image::open(folder.path().join("gallery.png"))
        .expect("a picture")
        .into_rgb8();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gallery.png");
    let kept = image::open(kept).expect("a picture").into_rgb8();
    assert_eq!(
        present.dimensions(),
        kept.dimensions(),
        "run laureate template gallery --out docs/gallery.png"
    );
    // Other processors may round differently. If the page were wrong, far more pixels would differ.
    let different = present
        .pixels()
        .zip(kept.pixels())
        .filter(|(a, b)| a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > 32));
    let all = u64::from(present.width()) * u64::from(present.height());
    assert!(
        different.count() as u64 * 1000 < all,
        "run laureate template gallery --out docs/gallery.png"
    );
}
