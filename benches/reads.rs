//! Reads through HTTP over the bare queries behind them: same pool, same concurrency, same run.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use laureate::app::{App, Extras, Role};
use laureate::cli::admin;
use laureate::domain::Secret;
use laureate::domain::accounts::user::Profile;
use laureate::projection::queries::attendees::{self, AttendeeRow};
use laureate::projection::queries::listing::{self, Conditions, Order, SortKey, Start, list};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::ground::{Ground, PATIENCE, wait_until_caught_up};
use super::lives;
use super::report::{Goal, Report};

/// Number of people in the tables.
const PEOPLE: usize = 10_000;
/// Number of clients, and of tasks that query.
const AT_ONCE: usize = 8;
/// Duration of each of the two measurements.
const FOR: Duration = Duration::from_secs(6);
/// Entries per page: the default of the API.
const PAGE: u32 = 50;

/// Measures pairs of a list and a single read.
pub async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let ground = Ground::start(true).await?;
    let [mut ratios, mut through_http, mut bare] = <[Vec<f64>; 3]>::default();
    let app = ground.app().await?;
    let shutdown = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let extras = Extras {
        listener: Some(listener),
        ..Extras::default()
    };
    let running = app
        .start(&[Role::Projector, Role::Api], extras, shutdown.clone())
        .await?;
    lives::certified_people(&app, PEOPLE).await?;
    wait_until_caught_up(&app).await?;
    let (email, password) = admin(&app).await?;
    for run in 1..=report.runs {
        report.progress(&format!("reads, run {run}"));
        let asked = over_http(address, &email, &password).await?;
        let queried = bare_queries(&app).await?;
        ratios.push(asked / queried);
        through_http.push(asked);
        bare.push(queried);
    }
    report.ratio("read_vs_bare_query", Goal::AtLeast(0.6), ratios);
    report.figure("reads_http", "list and get/s", through_http);
    report.figure("reads_bare", "list and get/s", bare);
    shutdown.cancel();
    running.wait().await?;
    ground.stop().await;
    Ok(())
}

async fn admin(app: &App) -> anyhow::Result<(String, Secret)> {
    let email = "bench@example.com".to_owned();
    let password = admin::made_up_password();
    let profile = Profile {
        user_name: "bench".to_owned().into(),
        name: "Bench".to_owned().into(),
        last_name: "Admin".to_owned().into(),
        email: email.clone().into(),
    };
    let position = admin::create(app, profile, &password, None).await?;
    app.readers().wait_for(position, PATIENCE).await?;
    Ok((email, Secret::new(password)))
}

/// Returns pairs per second, by clients with one connection each. The clients read responses
/// without parsing them, because parsing JSON is not the product's work.
async fn over_http(
    address: std::net::SocketAddr,
    email: &str,
    password: &Secret,
) -> anyhow::Result<f64> {
    // reqwest is built without a TLS provider. Plain HTTP needs none, but the client requires one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(60))
        .build()?;
    let root = format!("http://{address}/api/v1");
    let login = json!({ "email": email, "password": password.reveal() });
    let answer: Value = client
        .post(format!("{root}/auth/login"))
        .json(&login)
        .send()
        .await?
        .json()
        .await?;
    let token = answer["data"]["access_token"]
        .as_str()
        .context("no token")?
        .to_owned();
    let people: Value = client
        .get(format!("{root}/attendees"))
        .bearer_auth(&token)
        .send()
        .await?
        .json()
        .await?;
    let id = people["data"][0]["id"]
        .as_str()
        .context("an empty list")?
        .to_owned();
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for _ in 0..AT_ONCE {
        let [list, one] = ["/attendees".to_owned(), format!("/attendees/{id}")].map(|path| {
            format!("GET /api/v1{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n")
        });
        let mut connection = BufReader::new(TcpStream::connect(address).await?);
        connection.get_ref().set_nodelay(true)?;
        tasks.spawn(async move {
            let mut pairs = 0_u32;
            while begun.elapsed() < FOR {
                ask(&mut connection, &list).await?;
                ask(&mut connection, &one).await?;
                pairs += 1;
            }
            anyhow::Ok(pairs)
        });
    }
    rate(tasks, begun).await
}

/// Sends a request and reads the whole response.
async fn ask(connection: &mut BufReader<TcpStream>, request: &str) -> anyhow::Result<()> {
    connection.get_mut().write_all(request.as_bytes()).await?;
    let mut line = String::new();
    let mut length = None;
    connection.read_line(&mut line).await?;
    ensure!(
        line.starts_with("HTTP/1.1 200"),
        "a read was answered with {line}"
    );
    loop {
        line.clear();
        connection.read_line(&mut line).await?;
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = Some(value.trim().parse()?);
        }
    }
    let mut body = vec![0; length.context("an answer without a length")?];
    connection.read_exact(&mut body).await?;
    Ok(())
}

/// Returns pairs of the same queries per second, on the server's own pool.
async fn bare_queries(app: &App) -> anyhow::Result<f64> {
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for _ in 0..AT_ONCE {
        let pool = app.pool().clone();
        tasks.spawn(async move {
            let mut pairs = 0_u32;
            let order = Order {
                key: SortKey::Position(attendees::LIST.table.tie),
                descending: true,
            };
            while begun.elapsed() < FOR {
                let conditions = Conditions::default();
                let client = pool.get().await?;
                let page = list::<AttendeeRow>(
                    &client,
                    &attendees::LIST.table,
                    &conditions,
                    order,
                    &Start::First,
                    PAGE,
                );
                let id: Uuid = page.await?.items.first().context("an empty list")?.id;
                drop(client);
                let found = listing::get::<AttendeeRow>(&pool.get().await?, id).await?;
                ensure!(found.is_some(), "who was listed is not there");
                pairs += 1;
            }
            anyhow::Ok(pairs)
        });
    }
    rate(tasks, begun).await
}

async fn rate(mut tasks: JoinSet<anyhow::Result<u32>>, begun: Instant) -> anyhow::Result<f64> {
    let mut pairs = 0.0;
    while let Some(done) = tasks.join_next().await {
        pairs += f64::from(done??);
    }
    Ok(pairs / begun.elapsed().as_secs_f64())
}
