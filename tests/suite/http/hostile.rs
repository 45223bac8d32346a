//! Hostile input: each request gets its error in bounded memory, and other clients are served
//! meanwhile.
//!
//! The server is a separate process, so that its memory can be measured.

mod sheets;

use std::io::{BufRead as _, BufReader, Cursor};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use image::{DynamicImage, ImageFormat, RgbImage};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

use self::sheets::{crowded_archive, sheet, zip_bomb};
use super::{Answered, file};
use crate::support::{laureate, until};

/// Limit of the server's peak memory in MiB. An empty server takes about 150 MiB. Other processes
/// decode designs.
#[cfg(target_os = "linux")]
const MOST_MIB: u64 = 700;
/// Longest time until another client is answered during an attack.
const ANSWERED_WITHIN: Duration = Duration::from_secs(1);

/// `laureate up` with its own data folder.
struct Server {
    process: Child,
    base: String,
    token: String,
    client: reqwest::Client,
    _data: TempDir,
}

impl Server {
    async fn start() -> Self {
        let data = tempfile::Builder::new()
            .prefix("laureate-hostile")
            .tempdir()
            .expect("a folder");
        open_to_all(data.path());
        let mut process = Command::new(laureate())
            .args(["up", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data.path())
            .env("LAUREATE_HTTP__PASSWORDS__MEMORY_KIB", "64")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let mut base = None;
        let mut password = None;
        for line in lines {
            let line = line.expect("text");
            let after = |words: &str| {
                let rest = line.split_once(words)?.1;
                Some(
                    rest.split_whitespace()
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                )
            };
            base = base.or(after("Laureate is at "));
            password = password.or(after(" with password "));
            if line.starts_with("stop with") {
                break;
            }
        }
        let base = base.expect("the URL is printed");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60));
        let client = client.build().expect("a client");
        let login =
            json!({ "email": "admin@laureate.example", "password": password.expect("a password") });
        let url = format!("{base}/api/v1/auth/login");
        let signed_in = async || {
            let answer = client
                .post(&url)
                .json(&login)
                .send()
                .await
                .expect("answered");
            let answer: Value = answer.json().await.expect("JSON");
            answer["data"]["access_token"].as_str().map(str::to_owned)
        };
        until("the admin can log in", async || signed_in().await.is_some()).await;
        let token = signed_in().await.expect("a token");
        let list = format!("{base}/api/v1/certificates?limit=1");
        until("the tables are built", async || {
            let answer = client.get(&list).bearer_auth(&token).send().await;
            answer.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        Self {
            process,
            base,
            token,
            client,
            _data: data,
        }
    }

    /// Uploads a form while another client sends requests.
    async fn upload(&self, path: &str, form: Form) -> Answered {
        let url = format!("{}/api/v1{path}", self.base);
        let request = self
            .client
            .post(url)
            .bearer_auth(&self.token)
            .multipart(form);
        self.meanwhile(path, async {
            Answered::of(request.send().await.expect("answered")).await
        })
        .await
    }

    /// Waits for `answer` while another client sends requests in a loop.
    async fn meanwhile(&self, what: &str, answer: impl Future<Output = Answered>) -> Answered {
        let others = async {
            loop {
                self.others_are_answered(what).await;
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            answer = answer => answer,
            () = others => unreachable!("it never ends"),
        }
    }

    /// Sends a request as another client. A busy machine may delay the test itself, so it tries up
    /// to three times.
    async fn others_are_answered(&self, during: &str) {
        let url = format!("{}/api/v1/certificates?limit=1", self.base);
        let mut last = String::new();
        for _ in 0..3 {
            let request = self
                .client
                .get(&url)
                .bearer_auth(&self.token)
                .timeout(ANSWERED_WITHIN);
            match request.send().await {
                // Read to the end, so that the connection is reused.
                Ok(answer) => match Answered::of(answer).await {
                    Answered { status, .. } if status == 200 => return,
                    Answered { body, .. } => last = body.to_string(),
                },
                Err(error) => last = format!("{error:?}"),
            }
        }
        panic!("no other client is answered within {ANSWERED_WITHIN:?} during {during}: {last}");
    }

    async fn people(&self, name: &str, bytes: impl Into<Vec<u8>>) -> Answered {
        self.upload("/attendees/bulk-upload", file(name, bytes))
            .await
    }

    async fn design(&self, name: &str, bytes: impl Into<Vec<u8>>) -> Answered {
        self.upload(
            "/certificates/upload-design",
            file(name, bytes).text("name", "A"),
        )
        .await
    }

    /// Asserts that the server is healthy and has kept within its memory limit.
    async fn is_well(&mut self, after: &str) {
        let health = self
            .client
            .get(format!("{}/health", self.base))
            .send()
            .await
            .expect("answered");
        assert_eq!(health.status(), 200, "{after}");
        assert!(self.process.try_wait().expect("known").is_none(), "{after}");
        #[cfg(target_os = "linux")]
        {
            let peak = peak_mib(self.process.id());
            assert!(peak < MOST_MIB, "{after}: {peak} MiB");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(id) = rustix::process::Pid::from_raw(self.process.id().cast_signed()) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        let _ = self.process.wait();
    }
}

/// Returns the peak resident memory of a process in MiB.
#[cfg(target_os = "linux")]
fn peak_mib(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("a peak");
    line.trim()
        .trim_end_matches(" kB")
        .parse::<u64>()
        .expect("a number")
        >> 10
}

/// Lets PostgreSQL into the folder. It runs as another user if the tests run as root.
fn open_to_all(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_are_rejected_and_the_server_keeps_serving() {
    let mut server = Server::start().await;
    let header = "Name,Email,Document number\n";

    let formulas = format!(
        "{header}\"=HYPERLINK(\"\"http://x\"\")\",a@example.com,1\n@SUM(1),b@example.com,+2\n"
    );
    let taken = server.people("p.csv", formulas).await.expect(200);
    // The first name is a formula and is rejected. The second is text.
    let outcome = (
        &taken.body["data"]["created"],
        &taken.body["data"]["errors"],
    );
    assert_eq!(outcome, (&json!(1), &json!(1)), "{}", taken.body);
    server.is_well("formulas").await;

    let far = sheet(
        "<row r=\"1048576\"><c r=\"XFD1048576\" t=\"inlineStr\"><is><t>far</t></is></c></row>",
    );
    let far = server.people("far.xlsx", far).await;
    assert!(
        far.status.is_client_error() || far.body["data"]["errors"] != 0,
        "{}",
        far.body
    );
    server.is_well("a far cell").await;

    let crowded = server
        .people("crowded.xlsx", crowded_archive(400_000))
        .await;
    assert_eq!(
        (crowded.status.as_u16(), crowded.code()),
        (422, "BROKEN_FILE"),
        "{}",
        crowded.body
    );
    assert!(
        crowded.body.to_string().contains("too many parts"),
        "{}",
        crowded.body
    );
    server.is_well("an archive of many entries").await;

    let commas = format!("{header}{}", ",".repeat(3 << 20) + "\n").repeat(8);
    let commas = server.people("commas.csv", commas).await;
    assert!(
        commas.status.is_client_error() || commas.body["data"]["created"] == 0,
        "{}",
        commas.body
    );
    server.is_well("millions of fields").await;

    let url = format!("{}/api/v1/attendees/bulk", server.base);
    let list = format!("[{}{{}}]", "{},".repeat(2_500_000));
    let request = server.client.post(url).bearer_auth(&server.token);
    let request = request
        .header("content-type", "application/json")
        .body(list);
    let sent = async { Answered::of(request.send().await.expect("answered")).await };
    let list = server.meanwhile("a long list", sent).await;
    assert_eq!(
        (list.status.as_u16(), list.code()),
        (413, "TOO_MANY_ROWS"),
        "{}",
        list.body
    );
    server.is_well("millions of people").await;

    let bomb = server.people("bomb.xlsx", zip_bomb()).await;
    assert_eq!(
        (bomb.status.as_u16(), bomb.code()),
        (413, "FILE_INFLATES_TOO_LARGE"),
        "{}",
        bomb.body
    );
    server.is_well("a zip bomb").await;

    for (name, bytes) in [
        ("people.xlsx", b"%PDF-1.7 not a sheet".to_vec()),
        ("people.csv", vec![0; 4096]),
    ] {
        let wrong = server.people(name, bytes).await;
        assert!(
            [415, 422].contains(&wrong.status.as_u16()),
            "{name}: {}",
            wrong.body
        );
    }
    let mixed = [
        header.as_bytes(),
        "José,c@example.com,3\n".as_bytes(),
        b"Jos\xe9,d@example.com,4\n",
    ]
    .concat();
    let mixed = server.people("mixed.csv", mixed).await;
    let message = mixed.status.is_client_error() || mixed.body["data"]["totalRecords"] == 2;
    assert!(message, "{}", mixed.body);
    server.is_well("odd tables").await;

    let endless = server
        .upload("/attendees/bulk-upload", endless_form(300 << 20))
        .await;
    // The limit of the file or of the body, whichever is reached first.
    assert_eq!(endless.status, 413, "{}", endless.body);
    assert!(endless.code().ends_with("_TOO_LARGE"), "{}", endless.body);
    server.is_well("300 MiB").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_designs_are_rejected_and_the_server_keeps_serving() {
    let mut server = Server::start().await;
    for (what, name, bytes) in [
        (
            "huge dimensions",
            "huge.png",
            png_that_claims(60_000, 60_000),
        ),
        ("a decompression bomb", "deep.png", deep_png()),
        ("a cut picture", "cut.png", png_of(300, 200)[..200].to_vec()),
        ("a script", "a.svg", svg("<script>alert(1)</script>")),
        ("a handler", "a.svg", svg("<rect onclick='alert(1)'/>")),
        (
            "an external reference",
            "a.svg",
            svg("<image href='file:///etc/passwd'/>"),
        ),
        (
            "deep nesting",
            "a.svg",
            svg(&format!(
                "{}{}",
                "<g>".repeat(200_000),
                "</g>".repeat(200_000)
            )),
        ),
        ("billion laughs", "a.svg", billion_laughs().into_bytes()),
        (
            "an entity",
            "a.svg",
            b"<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg>&x;</svg>".to_vec(),
        ),
        ("uses of uses", "a.svg", svg(&uses_of_uses())),
        (
            "a heap of large shapes",
            "a.svg",
            svg(&"<rect width='9999' height='9999'/>".repeat(5_000)),
        ),
        (
            "attributes without end",
            "a.svg",
            svg(&format!("<rect{}/>", numbered(600_000, " a", "='1'"))),
        ),
        (
            "namespaces without end",
            "a.svg",
            svg(&format!("<g{}/>", numbered(400_000, " xmlns:n", "='u'"))),
        ),
        (
            "document types without end",
            "a.svg",
            svg(&"<!DOCTYPE svg>".repeat(700_000)),
        ),
        (
            "styles in styles",
            "a.svg",
            svg(&format!(
                "{}{}",
                "<style>".repeat(600_000),
                "</style>".repeat(600_000)
            )),
        ),
    ] {
        let refused = server.design(name, bytes).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code()),
            (422, "INVALID_IMAGE"),
            "{what}: {}",
            refused.body
        );
        server.is_well(what).await;
    }
    let table = server.design("a.png", "Name,Email\n").await;
    assert_eq!(
        (table.status.as_u16(), table.code()),
        (415, "UNKNOWN_FORMAT")
    );
    // Largest accepted picture.
    let large = server
        .design("large.png", png_of(8_000, 6_000))
        .await
        .expect(201);
    assert_eq!(
        (&large.body["data"]["width"], &large.body["data"]["height"]),
        (&json!(3508), &json!(2631))
    );
    server.is_well("the largest picture").await;
}

fn svg(inside: &str) -> Vec<u8> {
    format!("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 297 210'>{inside}</svg>")
        .into_bytes()
}

/// Returns `before`, a number and `after`, repeated `count` times with increasing numbers.
fn numbered(count: usize, before: &str, after: &str) -> String {
    (0..count).map(|n| format!("{before}{n}{after}")).collect()
}

fn billion_laughs() -> String {
    let entity = |n: usize| format!("<!ENTITY l{n} '{}'>", format!("&l{};", n - 1).repeat(10));
    let entities: String = (1..10).map(entity).collect();
    format!(
        "<!DOCTYPE svg [<!ENTITY l0 'ha'>{entities}]><svg xmlns='http://www.w3.org/2000/svg'>&l9;</svg>"
    )
}

fn uses_of_uses() -> String {
    let level = |n: usize| {
        format!(
            "<g id='l{n}'>{}</g>",
            format!("<use href='#l{}'/>", n - 1).repeat(10)
        )
    };
    let levels: String = (1..10).map(level).collect();
    format!("<defs><rect id='l0' width='1' height='1'/>{levels}</defs><use href='#l9'/>")
}

fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(RgbImage::new(width, height))
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("encoded");
    bytes.into_inner()
}

/// Returns a small PNG that decodes to 392 MB: 7,000 × 7,000 pixels with four channels of 16 bits.
/// Its dimensions are allowed, but not with this depth.
fn deep_png() -> Vec<u8> {
    let side = 7_000_u32;
    let head = [
        &side.to_be_bytes()[..],
        &side.to_be_bytes(),
        &[16, 6, 0, 0, 0],
    ]
    .concat();
    let pixels = zeros_in_zlib((side as usize * 8 + 1) * side as usize);
    let parts = [
        chunk(b"IHDR", &head),
        chunk(b"IDAT", &pixels),
        chunk(b"IEND", &[]),
    ];
    [b"\x89PNG\r\n\x1a\n".as_slice(), &parts.concat()].concat()
}

fn png_that_claims(width: u32, height: u32) -> Vec<u8> {
    let head = [
        &width.to_be_bytes()[..],
        &height.to_be_bytes(),
        &[8, 2, 0, 0, 0],
    ]
    .concat();
    let parts = [
        chunk(b"IHDR", &head),
        chunk(b"IDAT", &zeros_in_zlib(64)),
        chunk(b"IEND", &[]),
    ];
    [b"\x89PNG\r\n\x1a\n".as_slice(), &parts.concat()].concat()
}

/// Returns a chunk of a PNG file (PNG specification, section 5.3).
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let named = [kind.as_slice(), data].concat();
    let length = u32::try_from(data.len()).expect("small").to_be_bytes();
    let checksum = crc32(&named).to_be_bytes();
    [length.as_slice(), &named, &checksum].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// Returns `count` zeros as a zlib stream (RFC 1950). The zip writer deflates them.
fn zeros_in_zlib(count: usize) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive
        .start_file("a", SimpleFileOptions::default())
        .expect("started");
    std::io::copy(
        &mut std::io::Read::take(std::io::repeat(0), count as u64),
        &mut archive,
    )
    .expect("written");
    let archive = archive.finish().expect("closed").into_inner();
    let mut packed = zip::ZipArchive::new(Cursor::new(&archive)).expect("a zip");
    let entry = packed.by_index_raw(0).expect("an entry");
    let size = usize::try_from(entry.compressed_size()).expect("small");
    let start = usize::try_from(entry.data_start().expect("known")).expect("small");
    // Adler-32 of zeros: the first sum stays 1, so the second counts them.
    let sum = (u32::try_from(count % 65_521).expect("small") << 16 | 1).to_be_bytes();
    [&[0x78, 0x9C], &archive[start..start + size], &sum].concat()
}

/// Returns a form whose file has `size` bytes, generated while they are sent.
fn endless_form(size: u64) -> Form {
    let piece = bytes::Bytes::from_static(&[b'a'; 64 * 1024]);
    let pieces = futures_util::stream::iter(
        (0..size / piece.len() as u64).map(move |_| Ok::<_, std::io::Error>(piece.clone())),
    );
    let part = Part::stream(reqwest::Body::wrap_stream(pieces)).file_name("endless.csv");
    Form::new().part("file", part)
}
