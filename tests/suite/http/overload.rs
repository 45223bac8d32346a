//! Overload attacks: each is bounded, and other clients are answered within 1 s meanwhile.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;
use laureate::app::Role;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::{Answered, Api};
use crate::support::{TestApp, until};

const ROLES: [Role; 2] = [Role::Api, Role::Projector];
/// Longest time until another client is answered.
const SOON: Duration = Duration::from_secs(1);

async fn api_with(settings: &[&str]) -> Api {
    Api::of(TestApp::with_roles(&ROLES, settings).await).await
}

/// Client at another address than the attacker's.
struct Bystander<'a> {
    api: &'a Api,
    client: reqwest::Client,
}

impl<'a> Bystander<'a> {
    fn of(api: &'a Api) -> Self {
        let address: IpAddr = "127.0.0.2".parse().expect("an address");
        let client = reqwest::Client::builder()
            .local_address(address)
            .build()
            .expect("a client");
        Self { api, client }
    }

    /// Asserts that the client is answered within [`SOON`], on an open connection and on a new one.
    async fn is_served(&self) {
        let fresh = Bystander::of(self.api);
        for client in [&self.client, &fresh.client] {
            let url = self.api.app.url("/api/v1/certificates");
            let asked = client.get(url).bearer_auth(&self.api.token).send();
            let answer = tokio::time::timeout(SOON, asked)
                .await
                .expect("soon")
                .expect("answered");
            assert_eq!(answer.status(), StatusCode::OK);
        }
    }
}

/// Sends a request on a new connection with a receive buffer of 4,096 bytes, and does not read the
/// response.
async fn asking(api: &Api, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let mut stream = socket.connect(api.app.address).await.expect("connected");
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
        .await
        .expect("sent");
    stream
}

/// Returns the status code of the response, or 0 if the connection ends before.
async fn status(stream: &mut TcpStream) -> u16 {
    let mut head = [0; 12];
    match stream.read_exact(&mut head).await {
        Ok(_) => String::from_utf8_lossy(&head[9..])
            .parse()
            .expect("a status"),
        Err(_) => 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_of_unauthenticated_requests_are_ignored() {
    let api = api_with(&[
        "http.connections.max_open_per_client=1000",
        "http.max_concurrent_per_client=1000",
    ])
    .await;
    let bystander = Bystander::of(&api);
    bystander.is_served().await;
    let asked = (0..600).map(|_| {
        let request = api
            .app
            .client
            .get(api.app.url("/"))
            .header("x-min-event-position", u64::MAX);
        async { request.send().await.expect("answered").status().as_u16() }
    });
    let (statuses, ()) = tokio::join!(join_all(asked), bystander.is_served());
    assert!(
        statuses.iter().all(|status| [200, 503].contains(status)),
        "{statuses:?}"
    );
    assert!(statuses.contains(&200), "the header is ignored");
    bystander.is_served().await;
    // A request with an invalid token counts as unauthenticated.
    let path = api.app.url("/api/v1/certificates");
    let asked = (0..100).map(|_| {
        let request = api
            .app
            .client
            .get(&path)
            .bearer_auth("x.y.z")
            .header("x-min-event-position", u64::MAX);
        async { request.send().await.expect("answered").status().as_u16() }
    });
    let (statuses, ()) = tokio::join!(join_all(asked), bystander.is_served());
    assert!(statuses.iter().all(|status| *status == 401), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn position_beyond_the_end_is_rejected_at_once() {
    let api = api_with(&["http.max_concurrent_requests=8"]).await;
    let bystander = Bystander::of(&api);
    let ask = || {
        let request = api
            .request(Method::GET, "/certificates")
            .header("x-min-event-position", u64::MAX);
        async { Answered::of(request.send().await.expect("answered")).await }
    };
    let (answers, ()) = tokio::join!(join_all((0..100).map(|_| ask())), bystander.is_served());
    for answer in &answers {
        let known = ["POSITION_BEYOND_END", "TOO_MANY_REQUESTS", "BUSY"].contains(&answer.code());
        assert!(known, "{} {}", answer.status, answer.body);
    }
    assert!(
        answers
            .iter()
            .any(|answer| answer.code() == "POSITION_BEYOND_END")
    );
    assert_eq!(ask().await.expect(422).code(), "POSITION_BEYOND_END");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_reads_hold_no_slot_and_are_limited() {
    let api = api_with(&["http.max_concurrent_requests=8"]).await;
    let bystander = Bystander::of(&api);
    bystander.is_served().await;
    // The lock stops the projection. The tables stay readable.
    let schema = laureate::database::meta_schema(&api.app.app.config().namespace);
    let client = api.app.app.pool().get().await.expect("a connection");
    let hold = format!("BEGIN; LOCK TABLE \"{schema}\".checkpoints IN EXCLUSIVE MODE");
    client.batch_execute(&hold).await.expect("locked");
    let body = json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit" });
    let written = api.post("/certificates", &body).await.expect(201);
    let position = written.header("x-event-position").to_owned();
    let read = || {
        let request = api
            .request(Method::GET, "/certificates")
            .header("x-min-event-position", &position);
        async { Answered::of(request.send().await.expect("answered")).await }
    };
    let waiting = async {
        // Sent one by one, so that many requests wait but few arrive at the same time.
        let mut all = Vec::new();
        for _ in 0..100 {
            all.push(tokio::spawn(read()));
            bystander.is_served().await;
        }
        join_all(all)
            .await
            .into_iter()
            .map(|answer| answer.expect("no panic"))
            .collect::<Vec<_>>()
    };
    let answers = waiting.await;
    let count = |code: &str| {
        answers
            .iter()
            .filter(|answer| answer.code() == code)
            .count()
    };
    let late = count("NOT_CAUGHT_UP");
    let too_many = count("TOO_MANY_REQUESTS");
    assert!(
        late >= 64 && too_many > 0 && late + too_many == 100,
        "{late} {too_many}"
    );
    for answer in &answers {
        assert!(
            answer
                .header("retry-after")
                .parse::<u64>()
                .is_ok_and(|wait| wait > 0)
        );
    }
    client.batch_execute("ROLLBACK").await.expect("released");
    until("the write shows", async || read().await.status == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_take_all_connections() {
    let api = api_with(&[
        "http.connections.max_open=60",
        "http.connections.max_open_per_client=20",
    ])
    .await;
    let bystander = Bystander::of(&api);
    let idle = join_all((0..200).map(|_| TcpStream::connect(api.app.address))).await;
    let mut idle: Vec<TcpStream> = idle
        .into_iter()
        .map(|stream| stream.expect("connected"))
        .collect();
    bystander.is_served().await;
    // The last connections get 429 and are closed.
    let mut message = String::new();
    let last = idle.last_mut().expect("many");
    let _ = last.read_to_string(&mut message).await;
    assert!(
        message.starts_with("HTTP/1.1 429 ") && message.contains("Retry-After: 1"),
        "{message}"
    );
    drop(idle);
    until("the address is served again", async || {
        api.app
            .client
            .get(api.app.url("/health"))
            .send()
            .await
            .is_ok_and(|answer| answer.status() == 200)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_behind_a_proxy_cannot_take_all_slots() {
    let api = api_with(&[
        "http.trusted_proxies=127.0.0.0/8, ::1",
        "http.max_concurrent_per_client=4",
        "http.connections.stall_timeout_seconds=5",
    ])
    .await;
    let begun = async |client: &str| {
        let mut stream = TcpStream::connect(api.app.address)
            .await
            .expect("connected");
        let head = format!(
            "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\n\
             Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        stream
    };
    // A request with an unfinished body holds a slot. A request without a slot is refused at once.
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(begun("198.51.100.1").await);
    }
    let mut refused = 0;
    for stream in &mut streams {
        refused += usize::from(status(stream).await == 429);
    }
    assert_eq!(refused, 16);
    let other = api
        .request(Method::GET, "/certificates")
        .header("x-forwarded-for", "198.51.100.2");
    assert_eq!(other.send().await.expect("answered").status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_are_disconnected_and_hold_little_memory() {
    let api = api_with(&[
        "http.connections.max_untaken_bytes=4194304",
        "http.connections.stall_timeout_seconds=2",
    ])
    .await;
    let bystander = Bystander::of(&api);
    let mut slow = join_all((0..60).map(|_| asking(&api, "/api/openapi.json"))).await;
    bystander.is_served().await;
    let statuses = join_all(slow.iter_mut().map(status)).await;
    let served = statuses.iter().filter(|status| **status == 200).count();
    let refused = statuses.iter().filter(|status| **status == 429).count();
    // A client may hold a quarter of 4 MiB: two or three of these documents, in addition to the
    // system's buffers.
    assert!(
        refused > 0 && served > 0 && served + refused == 60,
        "{statuses:?}"
    );
    let whole = bystander
        .client
        .get(api.app.url("/api/openapi.json"))
        .send()
        .await
        .expect("answered");
    assert!(whole.text().await.expect("a body").len() > 100_000);
    // Stalled connections are closed, which frees their share.
    until("there is room again", async || {
        let answer = api.public("/api/openapi.json").await;
        answer.status() == 200 && answer.text().await.is_ok_and(|text| text.len() > 100_000)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_serves_many_requests() {
    let api = api_with(&["http.connections.max_open_per_client=1000"]).await;
    let bystander = Bystander::of(&api);
    until("everything works", async || {
        api.public("/health/ready").await.status() == 200
    })
    .await;
    let asked = (0..500).map(|_| async { api.public("/health/ready").await.status().as_u16() });
    let (statuses, ()) = tokio::join!(join_all(asked), bystander.is_served());
    assert!(statuses.iter().all(|status| *status == 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn ipv6_site_is_limited_and_other_clients_are_served() {
    let settings = [
        "http.limits.password_per_minute=2",
        "http.trusted_proxies=127.0.0.0/8, ::1",
    ];
    let api = api_with(&settings).await;
    let log_in = async |client: &str, n: u32| {
        let body = json!({ "email": format!("nobody{n}@example.com"), "password": "x" });
        let request = api
            .app
            .client
            .post(api.app.url("/api/v1/auth/login"))
            .json(&body);
        request
            .header("x-forwarded-for", client)
            .send()
            .await
            .expect("answered")
            .status()
            .as_u16()
    };
    let mut statuses = Vec::new();
    for n in 0..60 {
        statuses.push(log_in(&format!("2001:db8:7:{n:x}::1"), n).await);
    }
    let passed = statuses.iter().filter(|status| **status == 401).count();
    // One more request about every 2 s is allowed while the test runs.
    assert!((32..=50).contains(&passed), "{passed}");
    assert_eq!(log_in("2001:db8:8::1", 100).await, 401);
    assert_eq!(log_in("203.0.113.1", 101).await, 401);
}
