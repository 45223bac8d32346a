//! Certificates in independent PDF readers: qpdf and the reader of Chromium.

use std::path::Path;
use std::process::Command;

use laureate::certificate_pdf::{BY_TYPST, RENDERER_VERSION, RenderJob, Renderer};
use laureate::domain::Locale;
use serde_json::{Value, json};

const NAMES: [&str; 6] = [
    "José Ñandú Çelik",
    "Nguyễn Thị Ánh Tuyết",
    "Ελένη Παπαδοπούλου",
    "محمد بن عبد الله",
    "髙橋﨑子",
    "สมชาย ใจดี",
];

/// Names whose letters all readers extract in the same order. The order of the other names depends
/// on the reader: they have right-to-left text, or marks and spaces from a fallback font.
const IN_ORDER: [&str; 3] = [NAMES[0], NAMES[2], NAMES[4]];

/// Returns the complaints of `tools/check_pdf.py` about these files, one per line.
fn complaints(folder: &Path, files: &[Value]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = root.join(".venv/pdf");
    let interpreter = std::fs::read_to_string(installed.join("interpreter"))
        .expect("the readers are installed: run `make setup-test`");
    let list = folder.join("list.json");
    std::fs::write(&list, serde_json::to_vec(files).expect("JSON")).expect("written");
    let mut command = Command::new(interpreter.trim());
    command
        .env("PYTHONPATH", &installed)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command
        .arg(root.join("tools/check_pdf.py"))
        .arg(&list)
        .output()
        .expect("started");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .expect("UTF-8")
        .replace(&folder.display().to_string(), "")
}

fn write(folder: &Path, renderer: &Renderer, n: usize, job: &RenderJob) -> Value {
    let file = renderer
        .render(std::slice::from_ref(job))
        .remove(0)
        .expect("it renders")
        .to_bytes();
    let path = folder.join(format!("{n}.pdf"));
    std::fs::write(&path, file).expect("written");
    let name = job.full_name.reveal_str();
    json!({
        "file": path,
        "language": job.locale.as_str(),
        "title": format!("{} – {name}", job.certificate_name),
        // In PDFs that typst has exported, readers interpret the gaps in letter-spaced text as
        // spaces.
        "spaced": job.renderer_version == RENDERER_VERSION,
        "texts": [job.client, job.certificate_name, job.public_id, if IN_ORDER.contains(&name) { name } else { "" }],
        "letters": name,
    })
}

#[test]
fn other_readers_find_every_certificate_valid_tagged_and_searchable() {
    let folder = tempfile::tempdir().expect("a folder");
    let renderer = Renderer::new().expect("bundled files");
    let mut files = Vec::new();
    for theme in renderer.themes() {
        for (n, name) in NAMES.into_iter().enumerate() {
            let sample = theme.sample(Locale::ALL[n % 2], time::macros::date!(2026 - 11 - 21));
            let version = [BY_TYPST].get(n).unwrap_or(&RENDERER_VERSION);
            let renderer_version = (*version).to_owned();
            let job = RenderJob {
                full_name: name.to_owned().into(),
                renderer_version,
                ..sample
            };
            files.push(write(folder.path(), &renderer, files.len(), &job));
        }
    }
    assert_eq!(complaints(folder.path(), &files), "");
}

#[test]
fn readers_report_wrong_certificates() {
    let folder = tempfile::tempdir().expect("a folder");
    let renderer = Renderer::new().expect("bundled files");
    let theme = renderer.themes().next().expect("a theme");
    let mut wanted = write(
        folder.path(),
        &renderer,
        0,
        &theme.sample(Locale::En, time::macros::date!(2026 - 11 - 21)),
    );
    wanted["title"] = "Another".into();
    wanted["language"] = "es".into();
    wanted["texts"] = json!(["ЖЖЖ", "Exam ple"]);
    wanted["letters"] = "Ж".into();
    insta::assert_snapshot!(complaints(folder.path(), &[wanted]), @r"
    /0.pdf: another title
    /0.pdf: not tagged, or another language
    /0.pdf: the text lacks 'ЖЖЖ'
    /0.pdf: the text lacks 'Exam ple'
    /0.pdf: the text lacks 'Ж'
    ");
}
