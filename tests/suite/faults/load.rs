//! Clients that import people, request and revoke certificates, undo batches, and forget passwords
//! while faults happen. They repeat each request until it is answered, and record what was acknowledged.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use reqwest::RequestBuilder;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::installation::{Installation, PASSWORD};
use super::mail_server::GREYLISTED;
use crate::support::hold;

/// Number of users that forget their passwords.
const USERS: usize = 3;

/// Pause of a client between two requests.
const PAUSE: Duration = Duration::from_millis(60);
/// Pause before a request is repeated.
const AGAIN: Duration = Duration::from_millis(300);

/// Request that was answered with a 2xx status.
#[derive(Clone, Debug)]
pub struct Written {
    pub request: &'static str,
    /// Id of the aggregate that the request created.
    pub id: String,
    /// Value of `X-Event-Position`, if the answer has it.
    pub position: Option<u64>,
}

/// Person in requests. All texts are made up and occur nowhere else.
#[derive(Clone, Debug)]
pub struct Person {
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub document: String,
}

/// Certificate that a person must get: the id of the certificate and the person's address.
pub type Earned = (String, String);

#[derive(Default)]
pub struct Recorded {
    pub written: Vec<Written>,
    /// Answers to valid requests that blame the client.
    pub refused: Vec<String>,
    pub people: Vec<Person>,
    pub earned: BTreeSet<Earned>,
    /// Certificates that were revoked at least once.
    pub revoked: BTreeSet<Earned>,
    /// Ids and addresses of people who were created one by one.
    pub known: Vec<(String, String)>,
}

/// Options of the clients.
#[derive(Clone, Copy)]
pub struct Habits {
    /// Number of concurrent clients.
    pub clients: usize,
    /// True if a third of the people have greylisted addresses.
    pub greylisted: bool,
    /// True if a client retries the mails that have failed or whose outcome is unknown.
    pub retries: bool,
}

/// Running clients.
pub struct Load {
    shared: Arc<Shared>,
    stop: CancellationToken,
    clients: Vec<JoinHandle<()>>,
}

struct Shared {
    client: reqwest::Client,
    /// URLs of the APIs, which get the requests in turn.
    bases: Mutex<Vec<String>>,
    next_base: AtomicUsize,
    token: String,
    certificates: Vec<String>,
    /// Addresses of users.
    users: Vec<String>,
    habits: Habits,
    recorded: Mutex<Recorded>,
}

impl Load {
    /// Defines two certificates, creates users and starts the clients.
    pub async fn start(installation: &Installation, seed: u64, habits: Habits) -> Self {
        let mut shared = Shared {
            client: installation.client.clone(),
            bases: Mutex::new(installation.urls()),
            next_base: AtomicUsize::new(0),
            token: installation.token().await,
            certificates: Vec::new(),
            users: Vec::new(),
            habits,
            recorded: Mutex::default(),
        };
        for name in ["Speaker", "Listener"] {
            let body = json!({ "client": "Acme", "name": name, "eventName": "Summit 2026" });
            let answer = shared.post("certificate", "/certificates", &body).await;
            shared.certificates.push(id_in(&answer));
        }
        let mut random = StdRng::seed_from_u64(seed);
        for _ in 0..USERS {
            let user = shared.person(&mut random);
            let body = json!({
                "userName": user.last_name.to_lowercase(), "name": user.first_name,
                "lastName": user.last_name, "email": user.email, "password": PASSWORD,
                "role": "viewer",
            });
            shared.post("user", "/users", &body).await;
            shared.users.push(user.email);
        }
        let shared = Arc::new(shared);
        let stop = CancellationToken::new();
        let clients = (0..habits.clients).map(|n| {
            let random = StdRng::seed_from_u64(seed.wrapping_mul(31).wrapping_add(n as u64));
            tokio::spawn(shared.clone().run(random, stop.clone()))
        });
        let mut clients: Vec<_> = clients.collect();
        if habits.retries {
            clients.push(tokio::spawn(shared.clone().retry(stop.clone())));
        }
        Self {
            shared,
            stop,
            clients,
        }
    }

    /// Sends the following requests to the APIs with these URLs.
    pub fn send_to(&self, bases: Vec<String>) {
        *self.shared.bases.lock().expect("not poisoned") = bases;
    }

    /// Requests a link for the password of a user. Returns the user's address.
    pub async fn forget_password(&self) -> String {
        let email = self.shared.users[0].clone();
        self.shared.forget_password(&email).await;
        email
    }

    /// Returns the number of acknowledged requests.
    pub fn count(&self) -> usize {
        self.shared.recorded().written.len()
    }

    /// Imports people, who get a certificate. `groups` has the start of their addresses and their
    /// number. The people of the groups take turns.
    pub async fn import(&self, seed: u64, groups: &[(&str, usize)]) {
        let mut random = StdRng::seed_from_u64(seed);
        let most = groups.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let mut people = Vec::new();
        for n in 0..most {
            for (prefix, _) in groups.iter().filter(|(_, count)| n < *count) {
                people.push(self.shared.person_at(&mut random, prefix));
            }
        }
        let certificate = &self.shared.certificates[0];
        self.shared.import_file(certificate, people).await;
    }

    /// Stops the clients after their last request is answered.
    pub async fn stop(self) -> Recorded {
        self.stop.cancel();
        for client in self.clients {
            client.await.expect("no panic");
        }
        std::mem::take(&mut self.shared.recorded())
    }
}

impl Shared {
    fn recorded(&self) -> std::sync::MutexGuard<'_, Recorded> {
        self.recorded.lock().expect("not poisoned")
    }

    async fn run(self: Arc<Self>, mut random: StdRng, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match random.random_range(0..12) {
                0..6 => self.create(&mut random).await,
                6..8 => self.import(&mut random).await,
                8..10 => self.issue(&mut random).await,
                10 => self.revoke(&mut random).await,
                _ => {
                    let email = self.users.choose(&mut random).expect("users");
                    self.forget_password(email).await;
                }
            }
            hold(PAUSE).await;
        }
    }

    async fn create(&self, random: &mut StdRng) {
        let person = self.person(random);
        let body = json!({
            "fullName": format!("{} {}", person.first_name, person.last_name),
            "email": person.email, "documentNumber": person.document, "country": "Norway",
        });
        let answer = self.post("attendee", "/attendees", &body).await;
        let known = (id_in(&answer), person.email);
        self.recorded().known.push(known);
    }

    async fn import(&self, random: &mut StdRng) {
        let count = random.random_range(5..25);
        let people: Vec<Person> = (0..count).map(|_| self.person(random)).collect();
        let certificate = self.certificates.choose(random).expect("two");
        self.import_file(certificate, people).await;
    }

    async fn import_file(&self, certificate: &str, people: Vec<Person>) {
        let mut file = "Name,Email,Document number\n".to_owned();
        for person in &people {
            let Person {
                first_name,
                last_name,
                email,
                document,
            } = person;
            file += &format!("{first_name} {last_name},{email},{document}\n");
        }
        self.request("import", "/attendees/bulk-upload", |request| {
            let part = Part::bytes(file.clone().into_bytes()).file_name("people.csv");
            let form = Form::new()
                .part("file", part)
                .text("certificate_id", certificate.to_owned());
            request.multipart(form)
        })
        .await;
        let earned = people
            .into_iter()
            .map(|person| (certificate.to_owned(), person.email));
        self.recorded().earned.extend(earned);
    }

    async fn issue(&self, random: &mut StdRng) {
        let certificate = self.certificates.choose(random).expect("two").clone();
        let count = random.random_range(1..10);
        let known = self.recorded().known.clone();
        let chosen: Vec<_> = known.sample(random, count).cloned().collect();
        if chosen.is_empty() {
            return;
        }
        let ids: Vec<_> = chosen.iter().map(|(id, _)| id).collect();
        let body = json!({ "certificateId": certificate, "attendeeIds": ids });
        let answer = self
            .post("batch", "/generated-certificates/generate", &body)
            .await;
        let earned = chosen
            .into_iter()
            .map(|(_, email)| (certificate.clone(), email));
        let earned: Vec<Earned> = earned.collect();
        self.recorded().earned.extend(earned.clone());
        if random.random_range(0..4) == 0 {
            self.recorded().revoked.extend(earned);
            let path = format!("/batches/{}/undo", id_in(&answer));
            let body = json!({ "reason": "wrongData" });
            self.post("undo", &path, &body).await;
        }
    }

    /// Revokes a certificate of a person who was created alone, if there is one.
    async fn revoke(&self, random: &mut StdRng) {
        let known = self.recorded().known.choose(random).cloned();
        let Some((attendee, email)) = known else {
            return;
        };
        let list = format!("/generated-certificates?attendeeId={attendee}&state=generated");
        let list = self.client.get(self.url(&list)).bearer_auth(&self.token);
        let Ok(answer) = list.send().await else {
            return;
        };
        let list: Value = answer.json().await.unwrap_or_default();
        let issued = &list["data"][0];
        let (Some(id), Some(certificate)) =
            (issued["id"].as_str(), issued["certificateId"].as_str())
        else {
            return;
        };
        let pair = (certificate.to_owned(), email);
        self.recorded().revoked.insert(pair);
        let path = format!("/generated-certificates/{id}/revoke");
        let body = json!({ "reason": "wrongData" });
        self.post("revocation", &path, &body).await;
    }

    /// Requests a link until the request is answered. The answer is the same for every address, so
    /// nothing is recorded.
    async fn forget_password(&self, email: &str) {
        let body = json!({ "email": email });
        loop {
            let request = self.client.post(self.url("/auth/forgot-password"));
            let answer = request.json(&body).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            hold(AGAIN).await;
        }
    }

    /// Retries the mails that have ended without being sent, until `stop` is cancelled.
    async fn retry(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let list = self.client.get(self.url("/jobs?status=error&limit=100"));
            if let Ok(answer) = list.bearer_auth(&self.token).send().await {
                let jobs: Value = answer.json().await.unwrap_or_default();
                for job in jobs["data"].as_array().into_iter().flatten() {
                    let id = job["id"].as_str().unwrap_or_default();
                    let retry = self.client.post(self.url(&format!("/jobs/{id}/retry")));
                    // The next list has the mail again if this fails.
                    let _ = retry.bearer_auth(&self.token).send().await;
                }
            }
            hold(AGAIN).await;
        }
    }

    async fn post(&self, what: &'static str, path: &str, body: &Value) -> Value {
        self.request(what, path, |request| request.json(body)).await
    }

    /// Returns the URL of a path at the next API.
    fn url(&self, path: &str) -> String {
        let n = self.next_base.fetch_add(1, Ordering::Relaxed);
        let bases = self.bases.lock().expect("not poisoned");
        format!("{}{path}", bases[n % bases.len()])
    }

    /// Sends a POST request with the same key until it is answered with 2xx, and returns the answer.
    /// `complete` adds the body.
    async fn request(
        &self,
        what: &'static str,
        path: &str,
        complete: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Value {
        let key = Uuid::new_v4().to_string();
        loop {
            let request = complete(self.client.post(self.url(path)))
                .bearer_auth(&self.token)
                .header("idempotency-key", &key);
            if let Ok(answer) = request.send().await {
                let status = answer.status();
                let position = answer.headers().get("x-event-position");
                let position = position.and_then(|value| value.to_str().ok()?.parse().ok());
                let body: Value = answer.json().await.unwrap_or_default();
                if status.is_success() {
                    let id = id_in(&body);
                    let written = Written {
                        request: what,
                        id,
                        position,
                    };
                    self.recorded().written.push(written);
                    return body;
                }
                let is_busy = [408, 429].contains(&status.as_u16());
                if status.is_client_error() && !is_busy {
                    let code = body["error"]["code"].as_str().unwrap_or_default();
                    let refused = format!("{what} got {status} {code}");
                    self.recorded().refused.push(refused);
                }
            }
            hold(AGAIN).await;
        }
    }

    fn person(&self, random: &mut StdRng) -> Person {
        let is_greylisted = self.habits.greylisted && random.random_range(0..3) == 0;
        let prefix = if is_greylisted { GREYLISTED } else { "" };
        self.person_at(random, prefix)
    }

    /// Makes up a person whose address starts with `prefix`.
    fn person_at(&self, random: &mut StdRng, prefix: &str) -> Person {
        let first_name = made_up_name(random);
        let last_name = made_up_name(random);
        let local = last_name.to_lowercase();
        let person = Person {
            first_name,
            email: format!("{prefix}{local}@example.com"),
            last_name,
            document: random
                .random_range(10_000_000_000_u64..99_999_999_999)
                .to_string(),
        };
        self.recorded().people.push(person.clone());
        person
    }
}

fn id_in(answer: &Value) -> String {
    let id = &answer["data"]["id"];
    let id = id.as_str().or_else(|| answer["data"]["batchId"].as_str());
    id.unwrap_or_default().to_owned()
}

/// Returns a word of five syllables that can be spoken.
fn made_up_name(random: &mut StdRng) -> String {
    let mut name = String::new();
    for _ in 0..5 {
        name.push(*b"bdfgklmnprstvz".choose(random).expect("letters") as char);
        name.push(*b"aeiou".choose(random).expect("letters") as char);
    }
    name[..1].make_ascii_uppercase();
    name
}
