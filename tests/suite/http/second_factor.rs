//! Second factor: setup, mandatory use, single use of codes, and removal.

use data_encoding::BASE32_NOPAD;
use laureate::app::Role;
use laureate::cli::admin;
use reqwest::Method;
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use serde_json::{Value, json};

use super::people::{PASSWORD, Person, text};
use super::{Answered, Api};
use crate::support::TestApp;

const ROLES: [Role; 2] = [Role::Api, Role::Projector];
/// Limits for tests that send many wrong codes.
const PATIENT: [&str; 2] = [
    "http.limits.wrong_codes_per_hour=1000",
    "http.limits.failed_logins_per_minute=1000",
];

/// Returns the code for a secret at `seconds` seconds from now, as an authenticator app does. This
/// implementation of RFC 6238 is independent of the program's.
fn code(api: &Api, secret: &str, seconds: i64) -> String {
    let step = (api.app.app.commands().now().unix_timestamp() + seconds) / 30;
    let key = BASE32_NOPAD.decode(secret.as_bytes()).expect("base32");
    assert_eq!(key.len(), 20);
    let tag = sign(
        &Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key),
        &step.to_be_bytes(),
    );
    let at = usize::from(tag.as_ref()[19] & 0xF);
    let four: [u8; 4] = tag.as_ref()[at..at + 4].try_into().expect("four bytes");
    format!(
        "{:06}",
        (u32::from_be_bytes(four) & 0x7FFF_FFFF) % 1_000_000
    )
}

/// User who has a second factor.
struct Guarded {
    person: Person,
    secret: String,
    recovery_codes: Vec<String>,
}

fn codes(answer: &Answered) -> Vec<String> {
    answer.body["data"]["recoveryCodes"]
        .as_array()
        .expect("codes")
        .iter()
        .map(text)
        .collect()
}

impl Api {
    async fn second_factor(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answered {
        let body = (!body.is_null()).then_some(&body);
        self.as_(token, method, &format!("/auth/second-factor{path}"), body)
            .await
    }

    /// Adds a user who sets up a second factor. The setup uses the current code.
    async fn guarded(&self, user_name: &str, role: &str) -> Guarded {
        let person = self.person(user_name, role).await;
        self.guard(person).await
    }

    async fn guard(&self, person: Person) -> Guarded {
        let begin = json!({ "password": PASSWORD });
        let begun = self
            .second_factor(&person.token, Method::POST, "", begin)
            .await
            .expect(200);
        let secret = text(&begun.body["data"]["secret"]);
        let confirm = json!({ "code": code(self, &secret, 0) });
        let on = self
            .second_factor(&person.token, Method::POST, "/confirm", confirm)
            .await
            .expect(200);
        let recovery_codes = codes(&on);
        Guarded {
            person,
            secret,
            recovery_codes,
        }
    }

    async fn log_in_with(&self, user_name: &str, code: &str) -> Answered {
        let body = json!({ "userName": user_name, "password": PASSWORD, "code": code });
        self.open_post("/auth/login", &body).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn log_in_needs_a_code_that_works_once() {
    let api = Api::of(TestApp::with_roles(&ROLES, &PATIENT).await).await;
    let grace = api.guarded("grace", "viewer").await;
    assert_eq!(grace.recovery_codes.len(), 10);
    // The session in which the second factor was set up is still valid.
    assert_eq!(api.me(&grace.person.token).await, 200);
    let state = api
        .second_factor(&grace.person.token, Method::GET, "", Value::Null)
        .await
        .expect(200);
    assert_eq!(
        state.body["data"],
        json!({ "state": "on", "isRequired": false, "recoveryCodesLeft": 10 })
    );

    assert_eq!(
        api.try_log_in("grace", PASSWORD).await.expect(401).code(),
        "SECOND_FACTOR_REQUIRED"
    );
    // If the password is wrong, the response does not show that the user has a second factor.
    assert_eq!(
        api.try_log_in("grace", "Not-my-horse-1")
            .await
            .expect(401)
            .code(),
        "INVALID_CREDENTIALS"
    );
    let confirmed_by = code(&api, &grace.secret, 0);
    assert_eq!(
        api.log_in_with("grace", &confirmed_by)
            .await
            .expect(401)
            .code(),
        "WRONG_CODE"
    );
    api.app.pass(60);
    let present = code(&api, &grace.secret, 0);
    let wrong = format!(
        "{:06}",
        (present.parse::<u32>().expect("digits") + 1) % 1_000_000
    );
    for wrong in [wrong.as_str(), "", "12345", "none"] {
        assert_eq!(
            api.log_in_with("grace", wrong).await.expect(401).code(),
            "WRONG_CODE",
            "{wrong}"
        );
    }
    let tokens = api
        .log_in_with("grace", &format!(" {} {}", &present[..3], &present[3..]))
        .await
        .expect(200);
    assert_eq!(
        api.me(&text(&tokens.body["data"]["access_token"])).await,
        200
    );
    assert_eq!(
        api.log_in_with("grace", &present).await.expect(401).code(),
        "WRONG_CODE"
    );
    // The previous code has not been used, but it is older than the last code that was used.
    let before = code(&api, &grace.secret, -30);
    assert_eq!(
        api.log_in_with("grace", &before).await.expect(401).code(),
        "WRONG_CODE"
    );
    // A code of the next step (30 s) is accepted, but not a code of the step after that.
    api.app.pass(300);
    let ahead = code(&api, &grace.secret, 60);
    assert_eq!(
        api.log_in_with("grace", &ahead).await.expect(401).code(),
        "WRONG_CODE"
    );
    let ahead = code(&api, &grace.secret, 30);
    api.log_in_with("grace", &ahead).await.expect(200);
    // If a user without a second factor sends a code, it is ignored.
    api.person("alan", "viewer").await;
    api.log_in_with("alan", "123456").await.expect(200);
    assert_eq!(
        api.log_in_with("alan", &"1".repeat(129))
            .await
            .expect(200)
            .code(),
        "none"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_log_ins_with_the_same_code_succeed_once() {
    let api = Api::of(TestApp::with_roles(&ROLES, &PATIENT).await).await;
    let grace = api.guarded("grace", "viewer").await;
    for round in 0..3 {
        api.app.pass(60);
        let shown = match round {
            2 => grace.recovery_codes[0].clone(),
            _ => code(&api, &grace.secret, 0),
        };
        let tries = (0..8).map(|_| api.log_in_with("grace", &shown));
        let answers = futures_util::future::join_all(tries).await;
        let mut message: Vec<_> = answers
            .iter()
            .map(|answer| answer.code().to_owned())
            .collect();
        message.sort();
        assert_eq!(
            message.iter().filter(|code| *code == "none").count(),
            1,
            "{message:?}"
        );
        assert!(
            message
                .iter()
                .all(|code| ["none", "WRONG_CODE"].contains(&code.as_str())),
            "{message:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_code_works_once_and_is_voided_by_renewal() {
    let api = Api::start().await;
    let grace = api.guarded("grace", "viewer").await;
    let [first, second, ..] = &grace.recovery_codes[..] else {
        panic!("ten codes")
    };
    let tokens = api
        .log_in_with("grace", &first.to_lowercase())
        .await
        .expect(200);
    let token = text(&tokens.body["data"]["access_token"]);
    assert_eq!(
        api.log_in_with("grace", first).await.expect(401).code(),
        "WRONG_CODE"
    );
    let state = api
        .second_factor(&token, Method::GET, "", Value::Null)
        .await
        .expect(200);
    assert_eq!(state.body["data"]["recoveryCodesLeft"], 9);

    api.app.pass(60);
    let renew = async |code: &str| {
        api.second_factor(
            &token,
            Method::POST,
            "/recovery-codes",
            json!({ "code": code }),
        )
        .await
    };
    let refused = renew(first).await.expect(422);
    assert!(
        text(&refused.body["error"]["details"][0]).starts_with("code: "),
        "{}",
        refused.body
    );
    let renewed = renew(&code(&api, &grace.secret, 0)).await.expect(200);
    assert_eq!(codes(&renewed).len(), 10);
    assert_eq!(
        api.log_in_with("grace", second).await.expect(401).code(),
        "WRONG_CODE"
    );
    api.log_in_with("grace", &codes(&renewed)[0])
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn set_up_needs_the_password_and_a_code() {
    let api = Api::start().await;
    let grace = api.person("grace", "viewer").await;
    let call = async |method: Method, path: &str, body: Value| {
        api.second_factor(&grace.token, method, path, body).await
    };
    assert_eq!(
        call(Method::GET, "", Value::Null).await.expect(200).body["data"]["state"],
        "none"
    );
    let wrong = call(Method::POST, "", json!({ "password": "Not-my-horse-1" }))
        .await
        .expect(422);
    assert!(
        text(&wrong.body["error"]["details"][0]).starts_with("password: "),
        "{}",
        wrong.body
    );
    for path in ["/confirm", "/recovery-codes"] {
        for code in ["AAAA", "123456"] {
            let early = call(Method::POST, path, json!({ "code": code }))
                .await
                .expect(409);
            assert_eq!(early.code(), "WRONG_STATE");
        }
    }
    let begun = call(Method::POST, "", json!({ "password": PASSWORD }))
        .await
        .expect(200);
    let secret = text(&begun.body["data"]["secret"]);
    let uri = text(&begun.body["data"]["uri"]);
    assert!(
        uri.starts_with(&format!(
            "otpauth://totp/Laureate:grace?secret={secret}&issuer=Laureate"
        )),
        "{uri}"
    );
    assert!(text(&begun.body["data"]["qrCode"]).starts_with("data:image/svg+xml;base64,"));
    assert_eq!(begun.header("cache-control"), "no-store");
    // Before the confirmation, no code is required. A second setup makes the first secret invalid.
    api.try_log_in("grace", PASSWORD).await.expect(200);
    assert_eq!(
        call(Method::GET, "", Value::Null).await.body["data"]["state"],
        "begun"
    );
    let again = call(Method::POST, "", json!({ "password": PASSWORD }))
        .await
        .expect(200);
    let confirm = async |secret: &str| {
        call(
            Method::POST,
            "/confirm",
            json!({ "code": code(&api, secret, 0) }),
        )
        .await
    };
    assert_eq!(
        confirm(&secret).await.expect(422).code(),
        "VALIDATION_ERROR"
    );
    let secret = text(&again.body["data"]["secret"]);
    confirm(&secret).await.expect(200);
    assert_eq!(
        call(Method::POST, "", json!({ "password": PASSWORD }))
            .await
            .expect(409)
            .code(),
        "WRONG_STATE"
    );

    // The removal also requires the password and a code.
    api.app.pass(60);
    let present = code(&api, &secret, 0);
    for (password, code) in [("Not-my-horse-1", present.as_str()), (PASSWORD, "000")] {
        call(
            Method::DELETE,
            "",
            json!({ "password": password, "code": code }),
        )
        .await
        .expect(422);
    }
    call(
        Method::DELETE,
        "",
        json!({ "password": PASSWORD, "code": present }),
    )
    .await
    .expect(200);
    api.try_log_in("grace", PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn admin_or_operator_removes_a_lost_second_factor() {
    let api = Api::start().await;
    let grace = api.guarded("grace", "admin").await;
    let path = format!("/users/{}/second-factor", grace.person.id);
    let own = api
        .as_(&grace.person.token, Method::DELETE, &path, None)
        .await
        .expect(409);
    assert_eq!(own.code(), "WRONG_STATE");
    let user = format!("/users/{}", grace.person.id);
    let seen = api
        .until("the factor is listed", &user, |body| {
            body["data"]["secondFactor"] == true
        })
        .await;
    assert_eq!(seen["data"]["userName"], "grace");
    api.delete(&path).await.expect(200);
    api.until("the factor is removed", &user, |body| {
        body["data"]["secondFactor"] == false
    })
    .await;
    assert_eq!(api.me(&grace.person.token).await, 401, "sessions end");
    api.delete(&path).await.expect(404);
    let events = api
        .app
        .app
        .commands()
        .log()
        .load("secondfactor", &grace.person.id, 0)
        .await
        .expect("read");
    let removed = events.last().expect("events");
    assert_eq!(
        (removed.event_type.as_str(), removed.body.as_ref()),
        ("SecondFactorRemoved", &br#"{"reason":"lost"}"#[..])
    );
    let me = api.get("/auth/me").await;
    assert_eq!(
        removed.actor,
        text(&me.body["data"]["id"]),
        "the actor is recorded"
    );

    let again = api.log_in(grace.person.id.clone(), "grace").await;
    let again = api.guard(again).await;
    // The previous secret is no longer valid.
    api.app.pass(60);
    let before = code(&api, &grace.secret, 0);
    assert_eq!(
        api.log_in_with("grace", &before).await.expect(401).code(),
        "WRONG_CODE"
    );
    admin::remove_second_factor(&api.app.app, "Grace@Example.com")
        .await
        .expect("removed");
    crate::support::until("sessions are over", async || {
        api.me(&again.person.token).await == 401
    })
    .await;
    api.try_log_in("grace", PASSWORD).await.expect(200);
    assert!(
        admin::remove_second_factor(&api.app.app, "nobody@example.com")
            .await
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn log_contains_no_secret_and_processes_share_the_state() {
    let api = Api::start().await;
    let grace = api.guarded("grace", "viewer").await;
    let events = api
        .app
        .app
        .commands()
        .log()
        .load("secondfactor", &grace.person.id, 0)
        .await
        .expect("read");
    let types: Vec<_> = events
        .iter()
        .map(|event| event.event_type.as_str())
        .collect();
    assert_eq!(types, ["SecondFactorBegun", "SecondFactorConfirmed"]);
    let key = BASE32_NOPAD
        .decode(grace.secret.as_bytes())
        .expect("base32");
    for event in &events {
        let body = String::from_utf8(event.body.to_vec()).expect("JSON");
        assert!(!body.contains(&grace.secret), "{body}");
        let sealed: Value = serde_json::from_str(&body).expect("JSON");
        if let Some(sealed) = sealed["sealedSecret"].as_str() {
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
                .decode(sealed)
                .expect("base64");
            assert!(
                !bytes.windows(key.len()).any(|part| part == key),
                "not sealed"
            );
        }
        for code in &grace.recovery_codes {
            assert!(
                !body.contains(code.as_str()) && !body.contains(&code.replace('-', "")),
                "{body}"
            );
        }
    }
    api.app.pass(60);
    let other = api.app.second_api().await;
    let log_in = async |code: &str| {
        let body = json!({ "userName": "grace", "password": PASSWORD, "code": code });
        let url = format!("http://{other}/api/v1/auth/login");
        Answered::of(
            api.app
                .client
                .post(url)
                .json(&body)
                .send()
                .await
                .expect("answered"),
        )
        .await
    };
    let present = code(&api, &grace.secret, 0);
    log_in(&present).await.expect(200);
    assert_eq!(
        api.log_in_with("grace", &present).await.expect(401).code(),
        "WRONG_CODE"
    );
    log_in(&grace.recovery_codes[3]).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_wrong_codes_count_toward_the_hourly_limit() {
    let settings = [
        "http.limits.wrong_codes_per_hour=3",
        "http.limits.failed_logins_per_minute=100",
    ];
    let api = Api::of(TestApp::with_roles(&ROLES, &settings).await).await;
    let grace = api.guarded("grace", "viewer").await;
    for n in 0..5 {
        // A log-in without a code is not counted as a wrong code.
        assert_eq!(
            api.try_log_in("grace", PASSWORD).await.code(),
            "SECOND_FACTOR_REQUIRED"
        );
        api.log_in_with("grace", &grace.recovery_codes[n])
            .await
            .expect(200);
    }
    for _ in 0..3 {
        assert_eq!(
            api.log_in_with("grace", "000").await.expect(401).code(),
            "WRONG_CODE"
        );
    }
    let late = api
        .log_in_with("grace", &grace.recovery_codes[6])
        .await
        .expect(429);
    let wait: u64 = late.header("retry-after").parse().expect("seconds");
    assert!((1_000..=1_200).contains(&wait), "{wait}");
    // The limit also applies to log-in by e-mail address, and to a signed-in user.
    let body = json!({ "email": "grace@example.com", "password": PASSWORD, "code": "000" });
    assert_eq!(
        api.open_post("/auth/login", &body).await.expect(429).code(),
        "TOO_MANY_REQUESTS"
    );
    let body = json!({ "code": "000" });
    let renew = api
        .second_factor(&grace.person.token, Method::POST, "/recovery-codes", body)
        .await;
    assert_eq!(renew.expect(429).code(), "TOO_MANY_REQUESTS");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_code_counts_as_a_failed_log_in() {
    let settings = ["http.limits.failed_logins_per_minute=2"];
    let api = Api::of(TestApp::with_roles(&ROLES, &settings).await).await;
    let grace = api.guarded("grace", "viewer").await;
    for _ in 0..2 {
        assert_eq!(
            api.log_in_with("grace", "000").await.expect(401).code(),
            "WRONG_CODE"
        );
    }
    let late = api
        .log_in_with("grace", &grace.recovery_codes[0])
        .await
        .expect(429);
    assert_eq!(late.code(), "TOO_MANY_REQUESTS");
}

#[tokio::test(flavor = "multi_thread")]
async fn required_second_factor_must_be_set_up_first() {
    let app = TestApp::with_roles(&ROLES, &["auth.second_factor=admins"]).await;
    let mut api = Api::of(app).await;
    let admin = Person {
        id: text(&api.get("/auth/me").await.expect(200).body["data"]["id"]),
        user_name: format!("admin-{}", api.app.app.config().namespace),
        token: api.token.clone(),
        refresh_token: String::new(),
    };
    for endpoint in laureate::http::router::api() {
        let path = endpoint.path.replace("{id}", &admin.id);
        let answer = api
            .as_(&admin.token, endpoint.method.clone(), &path, None)
            .await;
        let is_public = endpoint.access == laureate::http::auth::access::Access::Public;
        let is_let_in = endpoint.even_without_factor || is_public;
        let message = format!("{} {path}: {}", endpoint.method, answer.body);
        assert_eq!(
            answer.code() == "SECOND_FACTOR_MISSING",
            !is_let_in,
            "{message}"
        );
    }
    let begin = json!({ "password": api.app.password });
    let begun = api
        .second_factor(&admin.token, Method::POST, "", begin)
        .await
        .expect(200);
    let secret = text(&begun.body["data"]["secret"]);
    let confirm = json!({ "code": code(&api, &secret, 0) });
    let on = api
        .second_factor(&admin.token, Method::POST, "/confirm", confirm)
        .await
        .expect(200);
    // The same token has access immediately.
    api.get("/users").await.expect(200);
    let body = json!({ "password": api.app.password, "code": codes(&on)[0] });
    let kept = api
        .second_factor(&admin.token, Method::DELETE, "", body)
        .await
        .expect(409);
    assert_eq!(kept.code(), "WRONG_STATE");
    let state = api
        .second_factor(&admin.token, Method::GET, "", Value::Null)
        .await
        .expect(200);
    assert_eq!(
        state.body["data"],
        json!({ "state": "on", "isRequired": true, "recoveryCodesLeft": 10 })
    );

    // Operators and API keys do not need a second factor.
    let grace = api.person("grace", "operator").await;
    api.as_(&grace.token, Method::GET, "/certificates", None)
        .await
        .expect(200);
    let refresh = json!({ "refresh_token": grace.refresh_token });
    let refreshed = api.open_post("/auth/refresh", &refresh).await.expect(200);
    assert_eq!(refreshed.body["data"]["secondFactorSetupRequired"], false);
    let made = json!({ "name": "sync", "scopes": ["certificates:read"] });
    let key = text(&api.post("/api-keys", &made).await.expect(201).body["data"]["key"]);
    admin::remove_second_factor(&api.app.app, &api.app.email)
        .await
        .expect("removed");
    crate::support::until("the session is over", async || {
        api.me(&admin.token).await == 401
    })
    .await;
    let login = json!({ "email": api.app.email, "password": api.app.password });
    let tokens = api.open_post("/auth/login", &login).await.expect(200).body["data"].take();
    assert_eq!(tokens["secondFactorSetupRequired"], true);
    api.token = text(&tokens["access_token"]);
    assert_eq!(
        api.get("/certificates").await.expect(403).code(),
        "SECOND_FACTOR_MISSING"
    );
    api.as_(&key, Method::GET, "/certificates", None)
        .await
        .expect(200);
}
