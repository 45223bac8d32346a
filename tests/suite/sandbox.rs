//! Malicious and faulty templates and designs. Each is refused with an error that gives the reason.

use laureate::certificate_pdf::RenderJob;
use laureate::design_image::{Kind, NotTaken, Prepared};
use laureate::domain::Locale;
use laureate::domain::certification::manifest::Manifest;
use laureate::sandbox::{Form, MAX_JOBS, NotDrawn, Question, Sandbox, SandboxError};
use serde_json::json;

use crate::support::laureate;

/// Returns the manifest for the templates of these tests.
pub fn manifest() -> serde_json::Value {
    json!({
        "title": { "en": "Plain", "es": "Sencillo" },
        "description": { "en": "A page.", "es": "Una página." },
        "page": { "size": "a4", "orientation": "landscape" },
        "margin": 15,
        "qr": { "x": 250, "y": 165, "size": 24 },
        "variables": ["full_name", "course_name"],
        "options": [{
            "name": "accent", "kind": "colour", "default": "#8a6420",
            "title": { "en": "Accent colour", "es": "Color de acento" },
        }, {
            "name": "firstLine", "kind": "text", "title": { "en": "First line", "es": "Primera línea" },
        }],
        "sample": { "full_name": "Ada Lovelace", "course_name": "Analytical Engines" },
    })
}

/// Returns a template that draws one page. Its fourth line is `more`.
pub fn template(more: &str) -> String {
    format!(
        "#let certificate(d) = {{\n  set page(width: 297mm, height: 210mm, margin: 20mm); set text(font: \"EB Garamond\")\n  \
         text(size: 30pt, fill: rgb(d.options.accent), d.fields.full_name)\n  {more}\n}}\n"
    )
}

fn sandbox() -> Sandbox {
    Sandbox::new(laureate().to_path_buf())
}

fn question(source: String) -> Question {
    let manifest = Manifest::parse(manifest().to_string().as_bytes()).expect("a good manifest");
    let jobs = vec![RenderJob::of_sample(&manifest, Locale::En).expect("a sample")];
    Question {
        source,
        manifest,
        jobs,
        form: Form::Pdf,
    }
}

/// Renders a template that must be refused, and returns the error.
async fn refused(source: String) -> NotDrawn {
    let mut drawn = sandbox().draw(&question(source)).await.expect("asked");
    drawn
        .pop()
        .expect("one answer")
        .map(|drawn| drawn.len())
        .expect_err("refused")
}

#[tokio::test]
async fn valid_template_is_rendered_as_pdf_and_png() {
    let mut question = question(template(""));
    let pdf = sandbox()
        .draw(&question)
        .await
        .expect("asked")
        .remove(0)
        .expect("drawn");
    assert!(pdf.starts_with(b"%PDF"));
    let again = sandbox()
        .draw(&question)
        .await
        .expect("asked")
        .remove(0)
        .expect("drawn");
    assert_eq!(pdf, again, "the same bytes each time");
    question.form = Form::Png { dpi: 96 };
    let png = sandbox()
        .draw(&question)
        .await
        .expect("asked")
        .remove(0)
        .expect("drawn");
    let picture = image::load_from_memory(&png).expect("a picture");
    assert_eq!((picture.width(), picture.height()), (1122, 793));
}

#[tokio::test]
async fn request_has_a_maximum_number_of_certificates() {
    let mut question = question(template(""));
    let job = question.jobs.remove(0);
    question.jobs = vec![job.clone(); MAX_JOBS];
    let drawn = sandbox().draw(&question).await.expect("asked");
    assert!(drawn.len() == MAX_JOBS && drawn.iter().all(Result::is_ok));
    question.jobs.push(job);
    assert!(matches!(
        sandbox().draw(&question).await,
        Err(SandboxError::TooMany)
    ));
}

#[tokio::test]
async fn errors_in_a_template_have_line_and_column() {
    for (more, line) in [
        ("colour", "line 4, column 3: unknown variable: colour"),
        (
            "d.fields.salary",
            "line 4, column 12: dictionary does not contain key \"salary\"",
        ),
        (
            "d.fields.year",
            "line 4, column 12: dictionary does not contain key \"year\" (hint: name year among the manifest's variables)",
        ),
        ("(1, 2", "line 4, column 3: unclosed delimiter"),
        ("panic(\"no\")", "line 4, column 3: panicked with: no"),
        ("text(font: \"Comic Sans\")[a]", "line 4, column "),
    ] {
        let message = refused(template(more)).await;
        assert_eq!(message.code, "RENDER_TEMPLATE", "{more}");
        assert!(
            !message.ended && message.lines()[0].starts_with(line),
            "{more}: {:?}",
            message.lines()
        );
    }
}

#[tokio::test]
async fn template_cannot_use_files_packages_or_plugins() {
    for more in [
        "read(\"/etc/passwd\")",
        "read(\"../../../../etc/passwd\")",
        "image(\"/proc/self/environ\")",
        "json(\"/etc/hostname\")",
        "eval(\"read(\\\"/etc/passwd\\\")\")",
        "import \"@preview/cetz:0.4.2\": canvas",
        "import \"/etc/passwd.typ\": a",
        "plugin(\"/plugin.wasm\")",
        "plugin(bytes((0, 97, 115, 109, 1, 0, 0, 0)))",
        "std.plugin(bytes((0, 97, 115, 109, 1, 0, 0, 0)))",
        "eval(\"plugin(bytes((0, 97, 115, 109, 1, 0, 0, 0)))\")",
        "datetime.today()",
    ] {
        let message = refused(template(more)).await;
        assert_eq!(
            (message.code.as_str(), message.ended),
            ("RENDER_TEMPLATE", false),
            "{more}"
        );
        assert!(
            message.lines()[0].contains("line"),
            "{more}: {:?}",
            message.lines()
        );
    }
}

#[tokio::test]
async fn endless_loops_and_recursion_are_stopped() {
    for more in [
        "while true {}",
        "eval(\"while true {}\")",
        "let f(n) = f(n + 1)\n  f(0)",
        "let f(n) = { f(n + 1); f(n + 2) }\n  f(0)",
    ] {
        let message = refused(template(more)).await;
        assert_eq!(
            (message.code.as_str(), message.ended),
            ("RENDER_TEMPLATE", false),
            "{more}"
        );
    }
    let nested = format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000));
    refused(template(&nested)).await;
    let nested = format!("{}1{}", "box[#".repeat(20_000), "]".repeat(20_000));
    refused(template(&nested)).await;
    for more in [
        "for i in range(100000) { for j in range(100000) { let k = i * j } }",
        "eval(\"for i in range(100000) { for j in range(100000) { let k = i * j } }\")",
    ] {
        let message = refused(template(more)).await;
        assert_eq!(
            (message.code.as_str(), message.ended),
            ("TEMPLATE_TOO_SLOW", true),
            "{more}"
        );
    }
}

#[tokio::test]
async fn memory_and_output_are_limited() {
    for more in [
        "let s = \"x\"\n  for i in range(60) { s += s }",
        "let a = (1,)\n  for i in range(60) { a += a }",
        "\"x\" * 4000000000",
        "range(1000000000)",
        "for i in range(10000000) { place(rect(width: 1mm)) }",
    ] {
        let message = refused(template(more)).await;
        assert!(message.ended, "{more}");
        assert!(
            [
                "TEMPLATE_TOO_LARGE",
                "TEMPLATE_TOO_SLOW",
                "TEMPLATE_BREAKS_TYPST"
            ]
            .contains(&message.code.as_str())
        );
    }
}

/// Returns the CRC-32 of a PNG chunk (ISO/IEC 15948, annex D).
fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| {
        if sum & 1 == 1 {
            0xEDB8_8320 ^ (sum >> 1)
        } else {
            sum >> 1
        }
    };
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), step)
    })
}

#[tokio::test]
async fn picture_with_huge_dimensions_is_refused() {
    // The header says 60,000 × 60,000 pixels, but there are no pixels.
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = *b"IHDR\0\0\xEA\x60\0\0\xEA\x60\x08\x06\0\0\0";
    let data = *b"IDAT\x78\x9c\x03\0\0\0\0\x01";
    for chunk in [header.as_slice(), data.as_slice(), b"IEND"] {
        png.extend(u32::try_from(chunk.len() - 4).expect("short").to_be_bytes());
        png.extend(chunk);
        png.extend(crc(chunk).to_be_bytes());
    }
    let png: Vec<String> = png.iter().map(u8::to_string).collect();
    refused(template(&format!(
        "image(bytes(({})), format: \"png\", alt: \"a\")",
        png.join(", ")
    )))
    .await;
}

#[tokio::test]
async fn certificate_that_is_not_one_valid_page_is_refused() {
    for (source, why) in [
        (template("pagebreak()\n  [more]"), "it draws 2 pages"),
        (
            template("for i in range(2000) { pagebreak(weak: false) }"),
            "it draws 2001 pages",
        ),
        ("#let certificate(d) = none".to_owned(), ""),
        (
            "#let certificate = 1".to_owned(),
            "the template must define `certificate`",
        ),
        (
            "no template at all".to_owned(),
            "the template must define `certificate`",
        ),
        (
            "#let certificate(d) = page(width: 100mm, text(font: \"EB Garamond\")[a])".to_owned(),
            "must be 297 mm wide",
        ),
        (
            template("place(dx: 280mm)[outside]"),
            "reaches beyond the margin",
        ),
        (
            template("link(\"javascript:app.alert(1)\")[here]"),
            "a link must begin with https:",
        ),
        (
            "#let certificate() = [a]".to_owned(),
            "the template must define `certificate`",
        ),
    ] {
        let message = refused(source).await;
        assert!(
            !message.ended && message.lines().join(" ").contains(why),
            "{why}: {:?}",
            message.lines()
        );
    }
}

#[tokio::test]
async fn child_without_a_valid_request_prints_nothing_and_fails() {
    for args in [
        vec!["sandbox-child"],
        vec!["sandbox-child", "draw"],
        vec!["sandbox-child", "draw", "x"],
        vec!["sandbox-child", "x", "5"],
        vec!["sandbox-child", "draw", "5"],
        vec!["sandbox-child", "prepare-design", "5"],
        vec!["sandbox-child", "probe", "5"],
    ] {
        let mut child = tokio::process::Command::new(laureate());
        child
            .args(&args)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped());
        let output = child.output().await.expect("it ran");
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{args:?}"
        );
    }
}

/// Tests the report of a child process, and that the child ends after a forbidden operation.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#[tokio::test]
async fn kernel_stops_forbidden_operations_of_a_child() {
    use laureate::sandbox::{Attempt, Probed};

    let Probed::Alive {
        protections,
        succeeded: false,
    } = sandbox().probe(Attempt::Nothing).await.expect("asked")
    else {
        panic!("a report")
    };
    // Landlock is not checked, because it depends on the boot options of the kernel. `laureate
    // doctor` shows whether it is active.
    assert!(
        protections.no_new_privileges && protections.system_calls,
        "{protections:?}"
    );
    for attempt in [Attempt::OpenSocket, Attempt::Execute] {
        assert_eq!(
            sandbox().probe(attempt).await.expect("asked"),
            Probed::Stopped,
            "{attempt:?}"
        );
    }
    // These attempts fail, but do not end the child. Libraries make such attempts too and continue,
    // for example to read the size of the stack from a file.
    let refused = Probed::Alive {
        protections,
        succeeded: false,
    };
    for attempt in [Attempt::OpenFile, Attempt::StartThread] {
        assert_eq!(
            sandbox().probe(attempt).await.expect("asked"),
            refused,
            "{attempt:?}"
        );
    }
}

async fn prepared(bytes: &[u8]) -> Result<Prepared, NotTaken> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("written");
    sandbox().prepare_design(file.path()).await.expect("asked")
}

fn drawing(inside: &str) -> String {
    format!("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 297 210'>{inside}</svg>")
}

#[tokio::test]
async fn child_prepares_designs_like_this_process() {
    let covering = drawing("<rect width='297' height='210' fill='red'/>");
    let clear = drawing("<circle cx='60' cy='60' r='30' fill='red'/>");
    for (text, kind) in [(covering, Kind::Jpeg), (clear, Kind::Png)] {
        let apart = prepared(text.as_bytes()).await.expect("taken");
        let here = laureate::design_image::prepare(text.as_bytes()).expect("taken");
        assert_eq!((apart.kind, apart.width, apart.height), (kind, 3508, 2480));
        assert!(apart.bytes == here.bytes && apart.small == here.small);
    }
}

#[tokio::test]
async fn refused_design_has_a_reason() {
    assert_eq!(
        prepared(b"%PDF-1.7").await.expect_err("refused"),
        NotTaken::Unknown
    );
    let message = prepared(drawing("<script/>").as_bytes())
        .await
        .expect_err("refused");
    assert!(
        message.to_string().contains("an element <script>"),
        "{message}"
    );
    let attributes: String = (0..700_000).map(|n| format!(" a{n}='1'")).collect();
    let message = prepared(drawing(&format!("<rect{attributes}/>")).as_bytes())
        .await
        .expect_err("refused");
    assert!(
        message.to_string().contains("too many attributes"),
        "{message}"
    );
}

#[tokio::test]
async fn too_large_file_is_refused_before_it_is_read() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    file.as_file()
        .set_len(laureate::design_image::MAX_BYTES + 1)
        .expect("sparse");
    assert!(matches!(
        sandbox().prepare_design(file.path()).await,
        Err(SandboxError::Process(_))
    ));
}
