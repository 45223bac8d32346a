//! HTTP client for our own API. It logs in, retries requests while the server is busy or
//! unreachable, and reads its own writes.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{LOCATION, RETRY_AFTER};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thiserror::Error;
use uuid::Uuid;

use crate::domain::Secret;

const EVENT_POSITION: &str = "x-event-position";
const MIN_EVENT_POSITION: &str = "x-min-event-position";
/// Timeout of one request, including its response.
const TIMEOUT: Duration = Duration::from_secs(150);
/// Number of attempts before a request fails.
const MAX_ATTEMPTS: u32 = 60;
/// Pause between attempts if the response has no `Retry-After` header.
const PAUSE: Duration = Duration::from_millis(500);
/// Maximum pause between attempts.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Maximum size of a public file, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// Failed request. Shows no body except our own error envelope.
#[derive(Debug, Error)]
pub enum ClientError {
    /// There was no response.
    #[error("{what}: no response from our own API: {source}")]
    Unreachable {
        /// Method and path.
        what: String,
        /// Reason.
        source: reqwest::Error,
    },
    /// The server rejected the request.
    #[error("{what} was answered with {status}: {message}")]
    Refused {
        /// Method and path.
        what: String,
        /// Status of the response.
        status: StatusCode,
        /// Code, message and request id of the error.
        message: String,
    },
    /// The response doesn't conform to the API's description.
    #[error("{what} has an unexpected response: {problem}")]
    Unexpected {
        /// Method and path.
        what: String,
        /// Difference from the expected response.
        problem: String,
    },
}

/// Successful response.
#[derive(Debug)]
pub struct Answer {
    what: String,
    body: Value,
    /// `Location` header: a path on this server.
    pub location: Option<String>,
}

impl Answer {
    /// Takes the `data` of the envelope.
    ///
    /// # Errors
    /// Fails if it is not of type `T`.
    pub fn data<T: DeserializeOwned>(&mut self) -> Result<T, ClientError> {
        serde_json::from_value(self.body["data"].take())
            .map_err(|error| self.unexpected(error.to_string()))
    }

    /// Takes the `meta` of a list.
    ///
    /// # Errors
    /// Fails if it is not of type `T`.
    pub fn meta<T: DeserializeOwned>(&mut self) -> Result<T, ClientError> {
        serde_json::from_value(self.body["meta"].take())
            .map_err(|error| self.unexpected(error.to_string()))
    }

    /// Returns the cursor of the next page of a list, if there is one.
    pub fn next_cursor(&self) -> Option<String> {
        self.body["meta"]["nextCursor"].as_str().map(str::to_owned)
    }

    /// Returns an error about this response.
    pub fn unexpected(&self, problem: impl Into<String>) -> ClientError {
        ClientError::Unexpected {
            what: self.what.clone(),
            problem: problem.into(),
        }
    }
}

/// HTTP client. Requests may run concurrently.
pub struct Client {
    http: reqwest::Client,
    root: String,
    prefix: String,
    login: Option<Login>,
    token: Mutex<Option<Secret>>,
    /// Highest position of our own writes.
    seen: AtomicU64,
}

struct Login {
    email: String,
    password: Secret,
}

/// Body of a request. Each attempt builds it anew.
enum Body {
    None,
    Json(Value),
    File {
        name: String,
        mime: &'static str,
        bytes: Bytes,
        fields: Vec<(&'static str, String)>,
    },
}

impl Client {
    /// Creates a client of the server at `address`.
    ///
    /// # Errors
    /// Fails if the HTTP library can't be set up.
    pub fn new(address: SocketAddr, prefix: &str) -> Result<Self, reqwest::Error> {
        // If the process has installed a TLS provider already, that one is kept.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(TIMEOUT)
            .build()?;
        let root = format!("http://{address}");
        let prefix = prefix.to_owned();
        Ok(Self {
            http,
            root,
            prefix,
            login: None,
            token: Mutex::default(),
            seen: AtomicU64::new(0),
        })
    }

    /// Returns scheme, host and port.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Waits until the server reports that it is ready.
    ///
    /// # Errors
    /// Fails if it is not ready within `limit`. The error contains the missing dependencies.
    pub async fn wait_until_ready(&self, limit: Duration) -> Result<(), ClientError> {
        let what = "GET /health/ready".to_owned();
        let begun = tokio::time::Instant::now();
        loop {
            let error = match self
                .http
                .get(format!("{}/health/ready", self.root))
                .send()
                .await
            {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => refusal(what.clone(), response).await,
                Err(source) => ClientError::Unreachable {
                    what: what.clone(),
                    source: source.without_url(),
                },
            };
            if begun.elapsed() >= limit {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Logs in. The client logs in again when the access token has expired.
    ///
    /// # Errors
    /// Fails if the server rejects the login or doesn't respond.
    pub async fn log_in(&mut self, email: &str, password: &Secret) -> Result<(), ClientError> {
        self.login = Some(Login {
            email: email.to_owned(),
            password: password.clone(),
        });
        self.fetch_token().await
    }

    /// Sends `GET` for a path below the API's prefix, or for a path from a `Location` header.
    ///
    /// # Errors
    /// Fails if the server rejects the request or doesn't respond.
    pub async fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.call(Method::GET, path, &Body::None).await
    }

    /// Sends `POST` with a JSON body.
    ///
    /// # Errors
    /// Fails if the server rejects the request or doesn't respond.
    pub async fn post(&self, path: &str, body: Value) -> Result<Answer, ClientError> {
        self.call(Method::POST, path, &Body::Json(body)).await
    }

    /// Sends `POST` with one file and further form fields.
    ///
    /// # Errors
    /// Fails if the server rejects the request or doesn't respond.
    pub async fn upload(
        &self,
        path: &str,
        (name, mime, bytes): (&str, &'static str, Bytes),
        fields: Vec<(&'static str, String)>,
    ) -> Result<Answer, ClientError> {
        let body = Body::File {
            name: name.to_owned(),
            mime,
            bytes,
            fields,
        };
        self.call(Method::POST, path, &body).await
    }

    /// Downloads a public file without a token. `url` must be on this server.
    ///
    /// # Errors
    /// Fails if the server rejects the request or doesn't respond, or if the file is larger than 64
    /// MiB.
    pub async fn download(&self, url: &str) -> Result<Bytes, ClientError> {
        let what = "GET of a public file".to_owned();
        let unreachable = |source: reqwest::Error| ClientError::Unreachable {
            what: what.clone(),
            source,
        };
        if !url.starts_with(&format!("{}/", self.root)) {
            return Err(ClientError::Unexpected {
                what,
                problem: "the address is not on this server".to_owned(),
            });
        }
        let response = self
            .http
            .get(url)
            .send()
            .await
            .map_err(|error| unreachable(error.without_url()))?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(ClientError::Refused {
                what,
                status,
                message: "no file".to_owned(),
            });
        }
        if response
            .content_length()
            .is_none_or(|length| length > MAX_FILE)
        {
            return Err(ClientError::Unexpected {
                what,
                problem: "the file has no length or is too large".to_owned(),
            });
        }
        response
            .bytes()
            .await
            .map_err(|error| unreachable(error.without_url()))
    }

    async fn fetch_token(&self) -> Result<(), ClientError> {
        #[derive(Deserialize)]
        struct Tokens {
            access_token: String,
        }
        let what = "POST /auth/login".to_owned();
        let Some(login) = &self.login else {
            return Err(ClientError::Unexpected {
                what,
                problem: "the client has not logged in".to_owned(),
            });
        };
        let body = Body::Json(json!({"email": login.email, "password": login.password.reveal()}));
        let mut answer = self.send(Method::POST, "/auth/login", &body, None).await?;
        let tokens: Tokens = answer.data()?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Secret::new(tokens.access_token));
        Ok(())
    }

    async fn call(&self, method: Method, path: &str, body: &Body) -> Result<Answer, ClientError> {
        // All attempts have the same key, so the server executes the request once.
        let key = (method == Method::POST).then(|| Uuid::new_v4().to_string());
        let answer = self.send(method.clone(), path, body, key.as_deref()).await;
        match answer {
            Err(ClientError::Refused {
                status: StatusCode::UNAUTHORIZED,
                ..
            }) if self.login.is_some() => {
                self.fetch_token().await?;
                self.send(method, path, body, key.as_deref()).await
            }
            answer => answer,
        }
    }

    /// Sends a request, and repeats it while the server is busy or unreachable.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: &Body,
        key: Option<&str>,
    ) -> Result<Answer, ClientError> {
        // The query is left out: it holds ids at most, and the error doesn't need them.
        let what = format!("{method} {}", path.split('?').next().unwrap_or(path));
        let mut last = None;
        for _ in 0..MAX_ATTEMPTS {
            let request = self.request(&method, path, body, key)?;
            let response = match request.send().await {
                Ok(response) => response,
                Err(source) => {
                    last = Some(ClientError::Unreachable {
                        what: what.clone(),
                        source: source.without_url(),
                    });
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let status = response.status();
            if status.is_success() {
                return self.answer(what, response).await;
            }
            let is_retryable = matches!(
                status,
                StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
            );
            let pause = pause(&response);
            last = Some(refusal(what.clone(), response).await);
            if !is_retryable {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        // proof: the loop runs at least once, and continues only after setting `last`.
        Err(last.unwrap_or(ClientError::Unexpected {
            what,
            problem: "the request was never sent".to_owned(),
        }))
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        body: &Body,
        key: Option<&str>,
    ) -> Result<RequestBuilder, ClientError> {
        let prefix = if path.starts_with(&format!("{}/", self.prefix)) {
            ""
        } else {
            &self.prefix
        };
        let mut request = self
            .http
            .request(method.clone(), format!("{}{prefix}{path}", self.root));
        if let Some(token) = &*self.token.lock().unwrap_or_else(PoisonError::into_inner) {
            request = request.bearer_auth(token.reveal());
        }
        if *method == Method::GET {
            request = request.header(MIN_EVENT_POSITION, self.seen.load(Ordering::Relaxed));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        Ok(match body {
            Body::None => request,
            Body::Json(body) => request.json(body),
            Body::File {
                name,
                mime,
                bytes,
                fields,
            } => {
                let part = Part::stream_with_length(bytes.clone(), bytes.len() as u64)
                    .file_name(name.clone())
                    .mime_str(mime)
                    .map_err(|source| ClientError::Unreachable {
                        what: path.to_owned(),
                        source,
                    })?;
                let form = fields.iter().fold(Form::new(), |form, (name, value)| {
                    form.text(*name, value.clone())
                });
                request.multipart(form.part("file", part))
            }
        })
    }

    async fn answer(
        &self,
        what: String,
        response: reqwest::Response,
    ) -> Result<Answer, ClientError> {
        let text = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let location = text(LOCATION.as_str());
        if let Some(position) = text(EVENT_POSITION).and_then(|position| position.parse().ok()) {
            self.seen.fetch_max(position, Ordering::Relaxed);
        }
        let body = response.json().await;
        let body = body.map_err(|error| ClientError::Unreachable {
            what: what.clone(),
            source: error.without_url(),
        })?;
        Ok(Answer {
            what,
            body,
            location,
        })
    }
}

fn pause(response: &reqwest::Response) -> Duration {
    let seconds = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    seconds.map_or(PAUSE, Duration::from_secs).min(MAX_PAUSE)
}

async fn refusal(what: String, response: reqwest::Response) -> ClientError {
    let status = response.status();
    let body: Value = response.json().await.unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let code = text(&body["error"]["code"]);
    let description = text(&body["error"]["message"]);
    let message = format!(
        "{code}, {description} (request id {})",
        text(&body["requestId"])
    );
    ClientError::Refused {
        what,
        status,
        message,
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
