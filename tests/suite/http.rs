//! Tests of the HTTP API against real servers, with every role running.

mod access_table;
mod api_keys;
mod batch_files;
mod bulk;
mod changes;
mod conventions;
mod designs;
mod document;
mod downloads;
mod every_list;
mod exports;
mod failed;
mod forgotten;
mod group_commits;
mod hostile;
mod idempotency;
mod imports;
mod intake;
mod issue_dates;
mod jobs;
mod known_people;
mod limits;
mod lists;
mod log_lines;
mod lost_work;
mod mail_addresses;
mod newer;
mod numbers;
mod operations;
mod other_names;
mod outages;
mod overload;
mod own_templates;
mod own_writes;
mod people;
mod permissions;
mod progress;
mod protocol;
mod readings;
mod refusals;
mod revoking;
mod same_shapes;
mod second_factor;
mod sessions;
mod shapes;
mod story;
mod stream_tickets;
mod takeover;
mod templates;
mod tour;
mod undrawable;
mod users;
mod values;
mod versions;

use std::io::Cursor;
use std::sync::atomic::{AtomicU64, Ordering};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{TestApp, until};

/// Running application with the access token of its admin.
struct Api {
    app: TestApp,
    token: String,
    /// Position of the last write that was answered before the tables contained it; reads wait for
    /// it.
    behind: AtomicU64,
}

/// Response whose body was read.
struct Answered {
    status: StatusCode,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Answered {
    async fn of(response: Response) -> Self {
        let status = response.status();
        let headers = response.headers().clone();
        let text = response.text().await.expect("a body");
        Self {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no header {name}"))
            .to_str()
            .expect("text")
    }

    fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or("none")
    }

    #[track_caller]
    fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        if [201, 202].contains(&status) {
            assert!(self.header("location").starts_with("/api/v1/"));
        }
        self
    }
}

impl Answered {
    /// Asserts that the request could not be read (400), or that a value was refused (422).
    #[track_caller]
    fn rejected(self) -> Self {
        let answered = (self.status.as_u16(), self.code());
        let fits = [(400, "BAD_REQUEST"), (422, "VALIDATION_ERROR")].contains(&answered);
        assert!(fits, "{}", self.body);
        self
    }
}

impl Api {
    async fn start() -> Self {
        Self::of(TestApp::start().await).await
    }

    async fn of(app: TestApp) -> Self {
        let token = app.token().await;
        Self {
            app,
            token,
            behind: AtomicU64::new(0),
        }
    }

    /// Returns a request to an API path, with the admin's token.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = self.app.url(&format!("/api/v1{path}"));
        let request = self
            .app
            .client
            .request(method.clone(), url)
            .bearer_auth(&self.token);
        match self.behind.load(Ordering::Relaxed) {
            0 => request,
            _ if method != Method::GET => request,
            position => request.header("x-min-event-position", position),
        }
    }

    /// Sends a write. If the tables are behind when it is answered, as on a slow machine, later
    /// reads wait for them.
    async fn write(&self, request: RequestBuilder) -> Answered {
        let answered = Answered::of(request.send().await.expect("answered")).await;
        if answered.headers.contains_key("x-tables-behind") {
            let position = answered
                .header("x-event-position")
                .parse()
                .expect("a position");
            self.behind.fetch_max(position, Ordering::Relaxed);
        }
        answered
    }

    async fn get(&self, path: &str) -> Answered {
        Answered::of(
            self.request(Method::GET, path)
                .send()
                .await
                .expect("answered"),
        )
        .await
    }

    async fn post(&self, path: &str, body: &Value) -> Answered {
        self.write(self.request(Method::POST, path).json(body))
            .await
    }

    /// Requests certificates. The answer has the finished batch, or on a slow machine only the
    /// address of its progress.
    async fn issue(&self, body: &Value) -> Answered {
        let begun = self.post("/generated-certificates/generate", body).await;
        assert!(
            [200, 202].contains(&begun.status.as_u16()),
            "{}",
            begun.body
        );
        begun
    }

    async fn upload(&self, path: &str, form: Form) -> Answered {
        self.write(self.request(Method::POST, path).multipart(form))
            .await
    }

    /// Sends a GET request without a token.
    async fn public(&self, path: &str) -> Response {
        self.app
            .client
            .get(self.app.url(path))
            .send()
            .await
            .expect("answered")
    }

    /// Sends a GET request to the management listener.
    async fn management(&self, path: &str) -> Response {
        let url = format!("http://{}{path}", self.app.management);
        self.app.client.get(url).send().await.expect("answered")
    }

    /// Defines a certificate and returns its id.
    async fn certificate(&self) -> String {
        let body = json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit 2026" });
        let defined = self.post("/certificates", &body).await.expect(201);
        defined.body["data"]["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// Waits until the body at `path` meets `condition`. Then reads `path` once more and returns
    /// that body.
    async fn until(&self, what: &str, path: &str, condition: impl Fn(&Value) -> bool) -> Value {
        until(what, || async { condition(&self.get(path).await.body) }).await;
        self.get(path).await.body
    }
}

/// Returns a form with one file.
fn file(name: &str, bytes: impl Into<Vec<u8>>) -> Form {
    Form::new().part("file", Part::bytes(bytes.into()).file_name(name.to_owned()))
}

/// Returns a PNG of 297 × 210 pixels.
fn png() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = RgbImage::from_pixel(297, 210, Rgb([250, 245, 230]));
    DynamicImage::ImageRgb8(image)
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("encoded");
    bytes.into_inner()
}

/// Replaces values that differ between runs (such as ids, times and URLs) by placeholders.
fn scrubbed(body: &Value) -> Value {
    match body {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), scrubbed_field(name, value)))
            .collect(),
        Value::Array(items) => items.iter().map(scrubbed).collect(),
        other => other.clone(),
    }
}

fn scrubbed_field(name: &str, value: &Value) -> Value {
    let noisy = [
        "requestId",
        "key",
        "sha256",
        "size",
        "publicId",
        "messageId",
        "serverAnswer",
        "nextCursor",
    ];
    let is_noise = noisy.contains(&name)
        || name.to_lowercase().ends_with("id")
        || name.ends_with("At")
        || name.to_lowercase().ends_with("url")
        || name.ends_with("Date")
        || name.ends_with("lastProcessed")
        || (name == "number" && value.is_string());
    match value {
        Value::String(_) | Value::Number(_) if is_noise => Value::String(format!("[{name}]")),
        other => scrubbed(other),
    }
}
