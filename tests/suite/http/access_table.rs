//! Calls every route of the API with every role, every scope, and every kind of invalid token. The
//! routes are those in the route table, so no new route can be forgotten. The body of a request
//! does not matter, because access is checked before the body is read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use laureate::domain::accounts::user::Role;
use laureate::http::auth::access::{Access, Permission};
use laureate::http::protocol::endpoint::Endpoint;
use laureate::http::router;
use serde_json::{Value, json};
use sha2::Sha256;
use time::OffsetDateTime;
use uuid::Uuid;

use super::people::text;
use super::{Answered, Api};

/// Signing key of tokens in the configuration of the suite.
const KEY: &[u8] = b"token-key-of-the-tests-0123456789abcdef";
const HEADER: &str = r#"{"alg": "HS256", "typ": "JWT", "kid": "default"}"#;

/// Returns the path of an endpoint, with ids that do not exist.
fn path(endpoint: &Endpoint) -> String {
    let of = |part: &str| match part {
        "{version}" => "1".to_owned(),
        part if part.starts_with('{') => Uuid::from_u128(0xFFFF).to_string(),
        part => part.to_owned(),
    };
    endpoint
        .path
        .split('/')
        .map(of)
        .collect::<Vec<_>>()
        .join("/")
}

async fn ask(api: &Api, endpoint: &Endpoint, token: Option<&str>) -> Answered {
    let url = api.app.url(&format!("/api/v1{}", path(endpoint)));
    let request = api.app.client.request(endpoint.method.clone(), url);
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    Answered::of(request.send().await.expect("answered")).await
}

fn signed(header: &str, claims: &Value, key: &[u8]) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let text = format!("{}.{}", part(header), part(&claims.to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(text.as_bytes());
    format!(
        "{text}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    )
}

/// Returns the claims in a token.
fn claims(token: &str) -> Value {
    let body = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).expect("base64")).expect("JSON")
}

/// Returns invalid tokens, each with a description of its defect.
fn bad_tokens(good: &str) -> Vec<(&'static str, String)> {
    let good = claims(good);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let past = OffsetDateTime::now_utc().unix_timestamp() - 1;
    let unsigned = signed(
        r#"{"alg": "none", "typ": "JWT", "kid": "default"}"#,
        &good,
        KEY,
    );
    let unsigned = unsigned.rsplit_once('.').expect("three parts").0.to_owned();
    vec![
        ("not a token", "x.y.z".to_owned()),
        ("expired", signed(HEADER, &with("exp", past.into()), KEY)),
        ("unsigned", format!("{unsigned}.")),
        (
            "unsigned with a signature",
            signed(r#"{"alg": "none", "kid": "default"}"#, &good, KEY),
        ),
        (
            "another algorithm",
            signed(r#"{"alg": "HS512", "kid": "default"}"#, &good, KEY),
        ),
        (
            "another purpose",
            signed(HEADER, &with("typ", "refresh".into()), KEY),
        ),
        (
            "another issuer",
            signed(HEADER, &with("iss", "somebody".into()), KEY),
        ),
        (
            "another audience",
            signed(HEADER, &with("aud", "something".into()), KEY),
        ),
        (
            "a foreign signature",
            signed(HEADER, &good, b"a key of another issuer, over 32 bytes"),
        ),
        (
            "an unknown key",
            signed(r#"{"alg": "HS256", "kid": "other"}"#, &good, KEY),
        ),
        ("no key id", signed(r#"{"alg": "HS256"}"#, &good, KEY)),
        (
            "an unknown API key",
            format!("lk_{}_{}", Uuid::from_u128(9).simple(), "a".repeat(43)),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn only_public_routes_accept_requests_without_a_valid_token() {
    let api = Api::start().await;
    let bad = bad_tokens(&api.token);
    // Control: a token that is signed here but has unchanged claims is accepted.
    assert_eq!(api.me(&signed(HEADER, &claims(&api.token), KEY)).await, 200);
    let revoked = key(&api, Permission::ALL).await;
    api.delete(&format!("/api-keys/{}", revoked.0))
        .await
        .expect(200);
    let mut logged_out = Vec::new();
    for endpoint in router::api() {
        let mut tokens = vec![
            ("none", None),
            ("a revoked API key", Some(revoked.1.as_str())),
        ];
        tokens.extend(
            bad.iter()
                .map(|(what, token)| (*what, Some(token.as_str()))),
        );
        for (what, token) in tokens {
            let answer = ask(&api, &endpoint, token).await;
            let message = format!(
                "{} {} with {what}: {}",
                endpoint.method, endpoint.path, answer.body
            );
            match endpoint.access {
                Access::Public => assert_ne!(answer.code(), "UNAUTHENTICATED", "{message}"),
                Access::SignedIn | Access::May(_) | Access::InPerson(_) => {
                    assert_eq!(
                        (answer.status.as_u16(), answer.code()),
                        (401, "UNAUTHENTICATED"),
                        "{message}"
                    );
                    assert_eq!(answer.header("www-authenticate"), "Bearer", "{message}");
                    logged_out.push(endpoint.path.clone());
                }
            }
        }
    }
    assert!(logged_out.len() > 100, "too few routes were called");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_has_exactly_the_access_in_the_route_table() {
    let api = Api::start().await;
    for role in [Role::Viewer, Role::Operator, Role::Admin] {
        let person = api.person(role.name(), role.name()).await;
        for endpoint in router::api() {
            let may = match endpoint.access {
                Access::Public | Access::SignedIn => true,
                Access::May(permission) | Access::InPerson(permission) => {
                    permission.is_held_by(role)
                }
            };
            let answer = ask(&api, &endpoint, Some(&person.token)).await;
            allowed(&endpoint, role.name(), may, &answer);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn api_key_has_exactly_the_access_of_its_scopes() {
    let api = Api::start().await;
    let (_, whole) = key(&api, Permission::ALL).await;
    for permission in Permission::ALL {
        let (_, only) = key(&api, &[*permission]).await;
        let others: Vec<_> = Permission::ALL
            .iter()
            .copied()
            .filter(|other| other != permission)
            .collect();
        let (_, without) = key(&api, &others).await;
        for endpoint in router::api() {
            match endpoint.access {
                Access::Public => {}
                Access::SignedIn | Access::InPerson(_) => {
                    allowed(
                        &endpoint,
                        "any key",
                        false,
                        &ask(&api, &endpoint, Some(&whole)).await,
                    );
                }
                Access::May(asked) => {
                    let answer = ask(&api, &endpoint, Some(&only)).await;
                    allowed(&endpoint, permission.scope(), asked == *permission, &answer);
                    let answer = ask(&api, &endpoint, Some(&without)).await;
                    allowed(&endpoint, "all other scopes", asked != *permission, &answer);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_id_and_foreign_session_return_404() {
    let api = Api::start().await;
    let mut asked = 0;
    for endpoint in router::api()
        .into_iter()
        .filter(|endpoint| endpoint.path.contains("{id}"))
    {
        if endpoint.access == Access::Public {
            continue;
        }
        let answer = ask(&api, &endpoint, Some(&api.token)).await;
        // An endpoint with a body may reject the missing body before it looks up the resource.
        let is_read = ["GET", "DELETE"].contains(&endpoint.method.as_str());
        let expected: &[u16] = if is_read {
            &[404]
        } else {
            &[400, 404, 415, 422]
        };
        assert!(
            expected.contains(&answer.status.as_u16()),
            "{} {}: {}",
            endpoint.method,
            endpoint.path,
            answer.body
        );
        asked += 1;
    }
    assert!(asked > 5, "too few routes were called");
    // Sessions are the only resource that belongs to one user.
    let grace = api.person("grace", "admin").await;
    let alan = api.person("alan", "admin").await;
    let session = text(&claims(&alan.token)["sid"]);
    let path = format!("/auth/sessions/{session}");
    let foreign = api
        .as_(&grace.token, reqwest::Method::DELETE, &path, None)
        .await
        .expect(404);
    assert_eq!(foreign.code(), "NOT_FOUND");
    assert_eq!(api.me(&alan.token).await, 200);
    api.as_(&alan.token, reqwest::Method::DELETE, &path, None)
        .await
        .expect(200);
    assert_eq!(api.me(&alan.token).await, 401);
}

/// Creates an API key with these scopes. Returns its id and secret.
async fn key(api: &Api, scopes: &[Permission]) -> (String, String) {
    let scopes: Vec<&str> = scopes.iter().map(|permission| permission.scope()).collect();
    let made = api
        .post("/api-keys", &json!({ "name": "table", "scopes": scopes }))
        .await
        .expect(201);
    (
        text(&made.body["data"]["id"]),
        text(&made.body["data"]["key"]),
    )
}

#[track_caller]
fn allowed(endpoint: &Endpoint, who: &str, may: bool, answer: &Answered) {
    let message = format!(
        "{} {} as {who}: {} {}",
        endpoint.method, endpoint.path, answer.status, answer.body
    );
    if may {
        assert!(
            !["FORBIDDEN", "UNAUTHENTICATED"].contains(&answer.code()),
            "{message}"
        );
        assert!(!answer.status.is_server_error(), "{message}");
    } else {
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (403, "FORBIDDEN"),
            "{message}"
        );
    }
}
