//! CPU time of the reference page by this program, by typst's own exporter, by ReportLab and by
//! WeasyPrint.
//!
//! The page is the classic theme on a JPEG of 400 KB: A4, two font families, a QR code. Each
//! measurement runs in its own process, so that it has its own memory and caches.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use data_encoding::HEXLOWER;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use laureate::certificate_pdf::{BY_TYPST, Design, RENDERER_VERSION, RenderJob, Renderer};
use laureate::domain::{Locale, Personal};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::processes::{cpu_of_tree, peak_memory};
use super::report::{Goal, Report};

const FONTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fonts");
const PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers");
/// Certificates of each kind per run: about 1 s of work.
const FAST: usize = 8000;
const SLOW: usize = 600;
const PEER: usize = 60;
/// Number of certificates over which memory must stay constant.
const MANY: usize = 20_000;
/// Number of designs after which the cache is full, and twice that number.
const DESIGNS: [usize; 2] = [100, 200];

/// Task of a child, passed as `--render JSON` on its command line.
#[derive(Serialize, Deserialize)]
struct Task {
    count: usize,
    threads: usize,
    renderer: String,
    design: String,
    /// True if each certificate has its own design file, with the same picture.
    #[serde(default)]
    each_its_own: bool,
}

/// Result of a task.
#[derive(Serialize, Deserialize)]
struct Taken {
    certificates: usize,
    /// CPU seconds, without the first certificate.
    cpu: f64,
    #[serde(default)]
    wall: f64,
    bytes: u64,
    /// Peak memory in bytes.
    peak: u64,
}

impl Taken {
    #[allow(clippy::cast_precision_loss, reason = "some thousand")]
    fn per_cpu_second(&self) -> f64 {
        self.certificates as f64 / self.cpu
    }

    #[allow(clippy::cast_precision_loss, reason = "some thousand")]
    fn per_second(&self) -> f64 {
        self.certificates as f64 / self.wall
    }
}

/// Measures all figures of this part.
pub fn measure(report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let design = folder.path().join("design.jpg");
    std::fs::write(&design, background()?)?;
    let task = |count, threads, renderer: &str| Task {
        count,
        threads,
        renderer: renderer.to_owned(),
        design: design.display().to_string(),
        each_its_own: false,
    };
    let mut fast = Vec::new();
    let mut typst = Vec::new();
    let mut two = Vec::new();
    let mut first = Vec::new();
    let mut first_alone = Vec::new();
    let mut reportlab = Vec::new();
    let mut weasyprint = Vec::new();
    for run in 1..=report.runs {
        report.progress(&format!("render, run {run}"));
        first.push(until_the_first(&task(1, 2, RENDERER_VERSION))?);
        first_alone.push(until_the_first(&task(1, 1, RENDERER_VERSION))?);
        let alone = child(&task(FAST, 1, RENDERER_VERSION))?;
        two.push(child(&task(FAST, 2, RENDERER_VERSION))?.per_second() / alone.per_second());
        fast.push(alone.per_cpu_second());
        typst.push(child(&task(SLOW, 1, BY_TYPST))?.per_cpu_second());
        reportlab.push(peer("with_reportlab.py", folder.path(), &design)?.per_cpu_second());
        match peer("with_weasyprint.py", folder.path(), &design) {
            Ok(taken) => weasyprint.push(taken.per_cpu_second()),
            Err(error) => report.note(format!(
                "WeasyPrint was not measured (it needs Pango): {error:#}"
            )),
        }
    }
    let over = |others: &[f64]| {
        fast.iter()
            .zip(others)
            .map(|(own, other)| own / other)
            .collect::<Vec<_>>()
    };
    report.ratio("render_vs_typst_batch", Goal::AtLeast(3.0), over(&typst));
    report.ratio("render_vs_reportlab", Goal::AtLeast(35.0), over(&reportlab));
    if !weasyprint.is_empty() {
        report.ratio(
            "render_vs_weasyprint",
            Goal::AtLeast(35.0),
            over(&weasyprint),
        );
        report.figure("render_weasyprint", "certificates/CPU s", weasyprint);
    }
    report.ratio("render_two_cores", Goal::AtLeast(1.75), two);
    report.figure("render", "certificates/CPU s", fast);
    report.figure("render_typst_batch", "certificates/CPU s", typst);
    report.figure("render_reportlab", "certificates/CPU s", reportlab);
    report.figure("render_first", "ms, cold process, two cores", first);
    report.figure(
        "render_first_alone",
        "ms, cold process, one core",
        first_alone,
    );
    let few = child(&task(FAST, 1, RENDERER_VERSION))?;
    let many = child(&task(MANY, 1, RENDERER_VERSION))?;
    #[allow(clippy::cast_precision_loss, reason = "some hundred megabytes")]
    report.ratio(
        "render_memory_20000",
        Goal::AtMost(1.1),
        vec![many.peak as f64 / few.peak as f64],
    );
    report.figure(
        "render_peak",
        "MiB at 20,000",
        vec![f64::from(u32::try_from(many.peak >> 20)?)],
    );
    let [few, many] = DESIGNS.map(|designs| {
        child(&Task {
            each_its_own: true,
            ..task(designs, 1, RENDERER_VERSION)
        })
    });
    let few = few?;
    let many = many?;
    #[allow(clippy::cast_precision_loss, reason = "some hundred megabytes")]
    report.ratio(
        "render_memory_designs",
        Goal::AtMost(1.1),
        vec![many.peak as f64 / few.peak as f64],
    );
    report.figure(
        "render_peak_designs",
        "MiB at 200 designs",
        vec![f64::from(u32::try_from(many.peak >> 20)?)],
    );
    Ok(())
}

/// Executes a task of the parent and prints the result.
pub fn work(task: &str) -> anyhow::Result<()> {
    let task: Task = serde_json::from_str(task)?;
    let file = std::fs::read(&task.design)?;
    let one = design(file.clone());
    let renderer = Renderer::new()?;
    let render = |numbers: std::ops::Range<usize>| -> anyhow::Result<u64> {
        let jobs: Vec<RenderJob> = numbers
            .map(|n| {
                let own = task.each_its_own.then(|| design(with_comment(&file, n)));
                job(n, &task.renderer, own.as_ref().unwrap_or(&one))
            })
            .collect();
        renderer
            .render(&jobs)
            .into_iter()
            .map(|file| Ok(file?.size()))
            .sum()
    };
    let mut size = render(0..1)?;
    let before = cpu_of_tree(std::process::id()).values().sum::<f64>();
    let begun = Instant::now();
    if task.count > 1 {
        let next = std::sync::atomic::AtomicUsize::new(0);
        let rendered: anyhow::Result<u64> = std::thread::scope(|scope| {
            let worker = || -> anyhow::Result<u64> {
                let mut size = 0;
                loop {
                    let from = next.fetch_add(100, std::sync::atomic::Ordering::Relaxed);
                    if from >= task.count {
                        return Ok(size);
                    }
                    size += render(from..(from + 100).min(task.count))?;
                }
            };
            let workers: Vec<_> = (0..task.threads).map(|_| scope.spawn(worker)).collect();
            workers
                .into_iter()
                .map(|worker| {
                    worker
                        .join()
                        .map_err(|_| anyhow::anyhow!("a renderer died"))?
                })
                .sum()
        });
        size += rendered?;
    }
    let wall = begun.elapsed().as_secs_f64();
    let cpu = cpu_of_tree(std::process::id()).values().sum::<f64>() - before;
    let peak = peak_memory(std::process::id())?;
    let taken = Taken {
        certificates: task.count,
        cpu,
        wall,
        bytes: size,
        peak,
    };
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&taken)?)?;
    Ok(())
}

fn design(file: Vec<u8>) -> Design {
    Design {
        sha256: HEXLOWER.encode(&Sha256::digest(&file)),
        bytes: file.into(),
    }
}

/// Returns the JPEG with a number as a comment (ITU-T T.81, B.2.4.5): a different file with the
/// same picture.
fn with_comment(jpeg: &[u8], n: usize) -> Vec<u8> {
    const COMMENT_OF_EIGHT: [u8; 4] = [0xff, 0xfe, 0, 10];
    let (start, rest) = jpeg.split_at(2);
    [start, &COMMENT_OF_EIGHT, format!("{n:08}").as_bytes(), rest].concat()
}

fn child(task: &Task) -> anyhow::Result<Taken> {
    taken(&mut child_command(task)?, "the renderer")
}

fn child_command(task: &Task) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    // typst uses as many threads for layout as it finds cores. This limits it to the threads of the
    // task.
    command.env("RAYON_NUM_THREADS", task.threads.to_string());
    command.arg("--render").arg(serde_json::to_string(task)?);
    Ok(command)
}

/// Returns the milliseconds from the start of a process until it reports its first certificate.
fn until_the_first(task: &Task) -> anyhow::Result<f64> {
    let mut command = child_command(task)?;
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("it has no output")?).read_line(&mut line)?;
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    ensure!(
        child.wait()?.success() && serde_json::from_str::<Taken>(&line)?.bytes > 0,
        "it made nothing"
    );
    Ok(took)
}

/// Runs one of the Python programs in `peers/` for the same people on the same background.
fn peer(script: &str, folder: &Path, design: &Path) -> anyhow::Result<Taken> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/peers");
    let interpreter = std::fs::read_to_string(installed.join("interpreter"))
        .context("the peers are not installed: run `make bench`, or `sh tools/setup.sh peers`")?;
    let people: Vec<_> = (0..PEER).map(|n| {
        serde_json::json!({
            "name": name(n), "document": document(n), "url": address(n), "id": public_id(n), "client": CLIENT,
            "award": AWARD, "event": EVENT, "date": "21 November 2026",
        })
    }).collect();
    let file = folder.join("people.json");
    std::fs::write(&file, serde_json::to_vec(&people)?)?;
    let mut command = Command::new(interpreter.trim());
    command
        .env("PYTHONPATH", &installed)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
        .arg(Path::new(PEERS).join(script))
        .arg(&file)
        .arg(design)
        .arg(FONTS);
    taken(&mut command, script)
}

fn taken(command: &mut Command, what: &str) -> anyhow::Result<Taken> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {what}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{what} failed: {}",
            said.lines().last().unwrap_or("it says nothing")
        );
    }
    let taken: Taken =
        serde_json::from_slice(&output.stdout).with_context(|| format!("{what} said nothing"))?;
    ensure!(taken.bytes > 0, "{what} made nothing");
    Ok(taken)
}

const CLIENT: &str = "Hospital Santa Helena";
const AWARD: &str = "Advanced Cardiac Life Support";
const EVENT: &str = "International Congress of Emergency Medicine";
const FIRST: [&str; 10] = [
    "José", "Zoë", "Łukasz", "Anaïs", "Jürgen", "Søren", "Amélie", "João", "Emily", "Iñigo",
];
const LAST: [&str; 9] = [
    "García Márquez",
    "O'Connor",
    "Müller",
    "Wałęsa",
    "de la Cruz",
    "Gonçalves",
    "Öztürk",
    "Smith-Jones",
    "Núñez",
];

fn name(n: usize) -> String {
    format!("{} {}", FIRST[n % FIRST.len()], LAST[n / 10 % LAST.len()])
}

fn document(n: usize) -> String {
    format!("{:010}", n * 7919)
}

fn public_id(n: usize) -> String {
    HEXLOWER.encode(&Sha256::digest(n.to_be_bytes())[..16])
}

fn address(n: usize) -> String {
    format!("https://verify.example.org/certificate/{}", public_id(n))
}

fn job(n: usize, renderer: &str, design: &Design) -> RenderJob {
    RenderJob {
        theme: "classic".to_owned(),
        theme_version: 1,
        renderer_version: renderer.to_owned(),
        options: std::collections::BTreeMap::new(),
        locale: Locale::En,
        issue_date: time::macros::date!(2026 - 11 - 21),
        public_id: public_id(n),
        verification_url: address(n),
        full_name: Personal::new(name(n)),
        certificate_name: AWARD.to_owned(),
        event_name: EVENT.to_owned(),
        client: CLIENT.to_owned(),
        document_number: Some(Personal::new(document(n))),
        event_link: None,
        email: None,
        design: Some(design.clone()),
    }
}

/// Returns a JPEG of about 400 KB: waves in paper colours with grain.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "pixels"
)]
fn background() -> anyhow::Result<Vec<u8>> {
    let width = 1920_u32;
    let height = 1358_u32;
    let mut grain = 1_u32;
    let mut pixels = Vec::with_capacity((width * height * 3) as usize);
    for n in 0..width * height {
        let x = (n % width) as f32;
        let y = (n / width) as f32;
        grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let wave = 4.0 * (x / 60.0).sin() * (y / 45.0).cos() + (grain >> 28) as f32;
        pixels
            .extend([248.0_f32, 243.0, 230.0].map(|paper| (paper - wave).clamp(0.0, 255.0) as u8));
    }
    for quality in (40..100).step_by(3) {
        let mut file = Vec::new();
        JpegEncoder::new_with_quality(&mut file, quality).write_image(
            &pixels,
            width,
            height,
            ExtendedColorType::Rgb8,
        )?;
        if file.len() >= 400_000 {
            return Ok(file);
        }
    }
    bail!("the background stays below 400 KB")
}
