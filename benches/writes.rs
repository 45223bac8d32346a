//! Writes over HTTP, each followed by a read of what it created, while imports run.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use laureate::app::{Extras, Role};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::api;
use super::ground::Ground;
use super::reads::{admin, signed_in};
use super::report::{Goal, Report, percentile};

/// Number of people that are created and then read in one run.
const CREATED: usize = 10_000;
/// Number of people that are created in one run without waiting for the tables.
const CREATED_ASYNC: usize = 2_000;
/// Number of clients.
const AT_ONCE: usize = 8;
/// Number of people in each of the imports that run meanwhile.
const IMPORTED: usize = 5_000;
/// Polling interval of the import.
const LOOK: Duration = Duration::from_millis(200);

/// Client with the token of an administrator.
#[derive(Clone)]
struct Caller {
    client: Client,
    root: String,
    token: String,
}

/// Latencies in milliseconds, and the number of created people that a read did not find.
#[derive(Default)]
struct Measured {
    latencies: Vec<f64>,
    misses: usize,
}

/// Measures writes that wait until they can be read, and writes with `Prefer: respond-async`.
pub async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let ground = Ground::start(true).await?;
    let app = ground.app().await?;
    let shutdown = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let extras = Extras {
        listener: Some(listener),
        ..Extras::default()
    };
    let roles = [Role::Projector, Role::Api, Role::Importer, Role::Processes];
    let running = app.start(&roles, extras, shutdown.clone()).await?;
    let (email, password) = admin(&app).await?;
    let mut misses = 0;
    let mut figures: [Vec<f64>; 4] = Default::default();
    for run in 1..=report.runs {
        report.progress(&format!("writes, run {run}"));
        // An access token is valid for 15 minutes.
        let caller = Caller::new(address, &email, password.reveal()).await?;
        let stop = CancellationToken::new();
        let busy = tokio::spawn(caller.clone().import_until(stop.clone(), run));
        let waiting = caller.create(run, CREATED, false).await?;
        let not_waiting = caller.create(run, CREATED_ASYNC, true).await?;
        stop.cancel();
        busy.await??;
        misses += waiting.misses;
        for (figure, (measured, share)) in figures.iter_mut().zip([
            (&waiting, 0.5),
            (&waiting, 0.99),
            (&not_waiting, 0.5),
            (&not_waiting, 0.99),
        ]) {
            figure.push(percentile(&measured.latencies, share));
        }
    }
    let names = [
        "write_p50",
        "write_p99",
        "write_async_p50",
        "write_async_p99",
    ];
    for (name, figure) in names.into_iter().zip(figures) {
        report.figure(name, "ms during an import", figure);
    }
    // A median would hide a miss, so all runs together are one value.
    let all = CREATED * report.runs as usize;
    report.ratio(
        "create_then_get_misses",
        Goal::AtMost(0.0),
        vec![misses as f64 / all as f64],
    );
    shutdown.cancel();
    running.wait().await?;
    ground.stop().await;
    Ok(())
}

impl Caller {
    async fn new(address: SocketAddr, email: &str, password: &str) -> anyhow::Result<Self> {
        let (client, token) = signed_in(address, email, password).await?;
        Ok(Self {
            client,
            root: format!("http://{address}"),
            token,
        })
    }

    /// Creates people with several clients at once, and reads each of them after the response.
    async fn create(&self, run: u32, people: usize, is_async: bool) -> anyhow::Result<Measured> {
        let mut clients = JoinSet::new();
        for first in 0..AT_ONCE {
            let caller = self.clone();
            clients.spawn(async move {
                let mut measured = Measured::default();
                for number in (first..people).step_by(AT_ONCE) {
                    let name = format!("{run}-{number}-{is_async}");
                    caller.create_one(&name, is_async, &mut measured).await?;
                }
                anyhow::Ok(measured)
            });
        }
        let mut all = Measured::default();
        while let Some(measured) = clients.join_next().await {
            let Measured { latencies, misses } = measured??;
            all.latencies.extend(latencies);
            all.misses += misses;
        }
        all.latencies.sort_by(f64::total_cmp);
        Ok(all)
    }

    async fn create_one(
        &self,
        name: &str,
        is_async: bool,
        measured: &mut Measured,
    ) -> anyhow::Result<()> {
        let person = json!({
            "fullName": "Eva Gil",
            "email": format!("{name}@example.com"),
            "documentNumber": name,
        });
        let mut request = self
            .client
            .post(format!("{}/api/v1/attendees", self.root))
            .bearer_auth(&self.token)
            .json(&person);
        if is_async {
            request = request.header("prefer", "respond-async");
        }
        let asked = Instant::now();
        let created = request.send().await?;
        measured.latencies.push(asked.elapsed().as_secs_f64() * 1e3);
        ensure!(
            created.status() == StatusCode::CREATED,
            "{}",
            created.text().await?
        );
        let location = created.headers().get("location").context("no location")?;
        let url = format!("{}{}", self.root, location.to_str()?);
        let read = self.client.get(url).bearer_auth(&self.token).send().await?;
        if read.status() != StatusCode::OK {
            measured.misses += 1;
        }
        Ok(())
    }

    /// Imports people, one file after the other, until `stop`.
    async fn import_until(self, stop: CancellationToken, run: u32) -> anyhow::Result<()> {
        for file in 0.. {
            let sheet = api::sheet(IMPORTED, u64::from(run) * 1_000 + file)?;
            let part = Part::bytes(sheet.to_vec()).file_name("people.csv");
            let begun: Value = self
                .client
                .post(format!("{}/api/v1/attendees/bulk-upload", self.root))
                .bearer_auth(&self.token)
                .header("prefer", "respond-async")
                .multipart(Form::new().part("file", part))
                .send()
                .await?
                .json()
                .await?;
            let id = begun["data"]["id"].as_str().context("no import")?;
            let url = format!("{}/api/v1/imports/{id}", self.root);
            loop {
                if stop.is_cancelled() {
                    return Ok(());
                }
                tokio::time::sleep(LOOK).await;
                let import = self
                    .client
                    .get(&url)
                    .bearer_auth(&self.token)
                    .send()
                    .await?;
                let import: Value = import.json().await?;
                if !import["data"]["endedAt"].is_null() {
                    break;
                }
            }
        }
        Ok(())
    }
}
