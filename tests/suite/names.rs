//! Name gate: certificates with names in all scripts, checked with independent PDF readers.
//!
//! The programs in `tools/names/` generate the names and check the pages. `make names` checks
//! thousands of names, and the test run checks a sample of them. Both use the same seed. `make
//! names` shows its progress and keeps bad pages in `target/names/`.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use laureate::certificate_pdf::{BY_TYPST, RENDERER_VERSION, RenderJob, Renderer};
use laureate::domain::Locale;
use serde_json::{Value, json};

/// Number of names in the test run.
const SAMPLE: usize = 50;
const SEED: u64 = 1;
/// Name on a reference page. The checker compares the other pages with it to find the texts that
/// belong to the theme.
const REFERENCE: &str = "Ann Lee";
/// Number of certificates that are rendered in one call.
const BATCH: usize = 50;
/// Number of names that are checked together. A page takes up to 200 kB.
const PORTION: usize = 500;
/// Folder for the pages of a long run. It is kept, so that the pages can be inspected.
const KEPT: &str = "target/names";

struct Gate {
    folder: PathBuf,
    renderer: Renderer,
    /// Removes the folder of a short run.
    _temporary: Option<tempfile::TempDir>,
}

/// Name with its script.
#[derive(serde::Deserialize)]
struct Name {
    script: String,
    name: String,
}

impl Gate {
    fn new() -> Self {
        let temporary = tempfile::tempdir().expect("a folder");
        let renderer = Renderer::new().expect("bundled files");
        Self {
            folder: temporary.path().to_owned(),
            renderer,
            _temporary: Some(temporary),
        }
    }

    /// Creates a gate that keeps the pages after the test, in a folder below `KEPT`.
    fn kept(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(KEPT).join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self {
            folder,
            renderer: Renderer::new().expect("bundled files"),
            _temporary: None,
        }
    }

    fn folder(&self) -> &str {
        self.folder.to_str().expect("UTF-8")
    }

    /// Draws names in the newest version of each theme. `change` can change the name that the
    /// checker expects on a page.
    fn draw(&self, names: &[Name], change: impl Fn(&str, &mut Value)) {
        self.draw_by(RENDERER_VERSION, names, change);
    }

    fn draw_by(&self, version: &str, names: &[Name], change: impl Fn(&str, &mut Value)) {
        let mut blob = File::create(self.folder.join("pages.bin")).expect("a file");
        let mut pages = Vec::new();
        let mut offset = 0;
        let reference = Name {
            script: "LISTED".to_owned(),
            name: REFERENCE.to_owned(),
        };
        let newest = |name: &str| self.renderer.newest_theme(name).expect("shipped").version();
        for theme in self
            .renderer
            .themes()
            .filter(|theme| theme.version() == newest(theme.name()))
        {
            let sample = theme.sample(Locale::En, time::macros::date!(2026 - 11 - 21));
            let all: Vec<&Name> = std::iter::once(&reference).chain(names).collect();
            for batch in all.chunks(BATCH) {
                let jobs: Vec<RenderJob> = batch
                    .iter()
                    .map(|name| RenderJob {
                        full_name: name.name.clone().into(),
                        renderer_version: version.to_owned(),
                        ..sample.clone()
                    })
                    .collect();
                for (name, result) in batch.iter().zip(self.renderer.render(&jobs)) {
                    let mut page =
                        json!({ "theme": theme.name(), "script": name.script, "name": name.name });
                    match result {
                        Ok(file) => {
                            let bytes = file.to_bytes();
                            blob.write_all(&bytes).expect("written");
                            page["at"] = json!([offset, bytes.len()]);
                            offset += bytes.len();
                        }
                        Err(error) => page["error"] = error.to_string().into(),
                    }
                    change(&name.name, &mut page);
                    pages.push(page);
                }
            }
        }
        let list = serde_json::to_vec(&pages).expect("JSON");
        std::fs::write(self.folder.join("pages.json"), list).expect("written");
    }

    /// Returns the complaints and the totals that `tools/names/gate.py` prints.
    fn judged(&self) -> (Vec<String>, Vec<String>) {
        self.judged_with(&[])
    }

    fn judged_with(&self, options: &[&str]) -> (Vec<String>, Vec<String>) {
        let output = gate(&[&["check", self.folder()], options].concat());
        output
            .lines()
            .map(str::to_owned)
            .partition(|line| !line.starts_with('#'))
    }
}

fn gate(arguments: &[&str]) -> String {
    run("gate.py", arguments)
}

/// Returns the output of a program in `tools/names/`.
fn run(program: &str, arguments: &[&str]) -> String {
    output_of(start(program, arguments))
}

/// Starts a program in `tools/names/`. Its errors and its progress are written to the output of the
/// test.
fn start(program: &str, arguments: &[&str]) -> Child {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed: PathBuf = root.join(".venv/pdf");
    let interpreter = std::fs::read_to_string(installed.join("interpreter"))
        .expect("the readers are installed: run `make setup-test`");
    let mut command = Command::new(interpreter.trim());
    command
        .env("PYTHONPATH", &installed)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
        .arg(root.join("tools/names").join(program))
        .args(arguments);
    command.stdout(Stdio::piped()).spawn().expect("started")
}

fn output_of(child: Child) -> String {
    let output = child.wait_with_output().expect("waited");
    assert!(output.status.success(), "see the errors above");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn names(count: usize) -> Vec<Name> {
    let listed = gate(&["names", &count.to_string(), &SEED.to_string()]);
    listed
        .lines()
        .map(|line| serde_json::from_str(line).expect("a name"))
        .collect()
}

#[test]
fn names_of_every_script_are_drawn_and_extractable_from_the_pdf() {
    let Some(count) = std::env::var("LAUREATE_NAMES").ok() else {
        let gate = Gate::new();
        gate.draw(&names(SAMPLE), |_, _| ());
        // This run does not use poppler, which needs one process per page.
        let (complaints, sums) = gate.judged_with(&["quick"]);
        println!("{}", sums.join("\n"));
        assert!(
            complaints.is_empty(),
            "{} complaints:\n{}",
            complaints.len(),
            complaints.join("\n")
        );
        return;
    };
    let names = names(count.parse().expect("a number"));
    let first = Gate::kept("even");
    let second = Gate::kept("odd");
    let mut complaints = Vec::new();
    let mut checked = 0;
    // While one portion is checked, the next one is drawn.
    let mut pending: Option<Child> = None;
    let mut finish = |child: Child| complaints.extend(output_of(child).lines().map(str::to_owned));
    for (gate, portion) in [&first, &second]
        .into_iter()
        .cycle()
        .zip(names.chunks(PORTION))
    {
        gate.draw(portion, |_, _| ());
        pending.take().into_iter().for_each(&mut finish);
        eprintln!(
            "names: {} to {} of {}",
            checked + 1,
            checked + portion.len(),
            names.len()
        );
        checked += portion.len();
        pending = Some(start("gate.py", &["check", gate.folder(), "progress"]));
    }
    pending.into_iter().for_each(finish);
    let (sums, complaints): (Vec<_>, Vec<_>) = complaints
        .into_iter()
        .partition(|line| line.starts_with('#'));
    println!("{}", sums.join("\n"));
    assert!(
        complaints.is_empty(),
        "{} complaints:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}

#[test]
fn gate_detects_missing_and_wrong_letters() {
    let gate = Gate::new();
    let name = |name: &str| Name {
        script: "LISTED".to_owned(),
        name: name.to_owned(),
    };
    let names = ["José Muñoz", "Ada Lovelace", "Grace Hopper"].map(name);
    // The expected names have an accent that is not on the page, another accent at the end, and
    // another letter.
    let wrong = [
        ("José Muñoz", "José Muñóz"),
        ("Ada Lovelace", "Ada Lovelacé"),
        ("Grace Hopper", "Grace Hoppet"),
    ];
    gate.draw(&names, |drawn, page| {
        if let Some((_, expected)) = wrong.iter().find(|(name, _)| *name == drawn) {
            page["name"] = (*expected).into();
        }
    });
    let (complaints, _) = gate.judged();
    for (drawn, expected) in wrong {
        let said: Vec<&String> = complaints
            .iter()
            .filter(|line| line.contains(&format!("{expected:?}").replace('"', "'")))
            .collect();
        let themes = 5;
        for reader in ["pdfium", "mupdf"] {
            let wanted = format!("{reader} extracts '{drawn}'");
            assert_eq!(
                said.iter().filter(|line| line.ends_with(&wanted)).count(),
                themes,
                "{said:?}"
            );
        }
    }
}

#[test]
fn gate_detects_ink_that_does_not_match_the_text() {
    assert_eq!(run("self_test.py", &[]), "");
}

/// Known defect of PDF readers: an example, and the installed readers that have the defect.
#[derive(serde::Deserialize)]
struct Defect {
    readers: Vec<String>,
    name: String,
}

#[test]
fn known_reader_defects_also_occur_with_typst_exporter() {
    let listed = gate(&["defects"]);
    let defects: Vec<Defect> = listed
        .lines()
        .map(|line| serde_json::from_str(line).expect("a defect"))
        .collect();
    let gate = Gate::new();
    let name = |defect: &Defect| Name {
        script: "LISTED".to_owned(),
        name: defect.name.clone(),
    };
    gate.draw_by(
        BY_TYPST,
        &defects.iter().map(name).collect::<Vec<_>>(),
        |_, _| (),
    );
    let (complaints, _) = gate.judged_with(&["all"]);
    for Defect { readers, name } in defects {
        for reader in readers {
            let said = format!("classic: '{name}': {reader} extracts");
            assert!(
                complaints.iter().any(|line| line.starts_with(&said)),
                "{said}: {complaints:?}"
            );
        }
    }
}
