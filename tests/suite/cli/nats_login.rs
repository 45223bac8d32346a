//! Connections to nats-server with TLS and with a credentials file, by the settings under `nats`.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};

use super::own_nats::OwnNats;
use super::{Ran, environment, run_in};

/// Runs `laureate doctor` with these settings under `nats`.
fn doctor(settings: &[(&str, &str)]) -> Ran {
    let mut variables = environment("login", "/tmp/unused");
    let settings = settings
        .iter()
        .map(|(key, value)| (format!("LAUREATE_NATS__{key}"), (*value).to_owned()));
    variables.extend(settings);
    run_in(&variables, &["doctor", "--timeout", "5"])
}

fn server_line(ran: &Ran) -> String {
    let line = ran.out.lines().find(|line| line.contains("log.server"));
    line.unwrap_or_else(|| panic!("{}{}", ran.out, ran.err))
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_requires_a_known_certificate_authority() {
    let folder = tempfile::tempdir().expect("a folder");
    let made =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    };
    let certificate = write("server.pem", made.cert.pem());
    let key = write("server.key", made.signing_key.serialize_pem());
    let configuration = format!("tls {{ cert_file: \"{certificate}\", key_file: \"{key}\" }}");
    let server = OwnNats::start(&configuration).await;
    let port = server.url.rsplit(':').next().expect("a port");
    let url = format!("tls://localhost:{port}");

    let known = doctor(&[("URL", &url), ("CA_FILE", &certificate)]);
    assert!(server_line(&known).starts_with("ok "), "{}", known.out);
    let unknown = doctor(&[("URL", &url)]);
    assert!(
        server_line(&unknown).starts_with("failed "),
        "{}",
        unknown.out
    );
    let missing = doctor(&[("URL", &url), ("CA_FILE", "/nonexistent.pem")]);
    assert!(
        server_line(&missing).starts_with("failed "),
        "{}",
        missing.out
    );
}

/// Returns a JWT for nats-server that contains claims about `subject` and is signed by `issuer`.
fn jwt(issuer: &KeyPair, subject: &KeyPair, name: &str, nats: Value) -> String {
    let claims = json!({
        "jti": name, "iat": 1_700_000_000, "iss": issuer.public_key(), "name": name,
        "sub": subject.public_key(), "nats": nats,
    });
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!(
        "{}.{}",
        encode(&json!({ "typ": "JWT", "alg": "ed25519-nkey" })),
        encode(&claims)
    );
    let signature = issuer.sign(text.as_bytes()).expect("a key that signs");
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_file_logs_in_without_a_password() {
    let operator = KeyPair::new_operator();
    let account = KeyPair::new_account();
    let user = KeyPair::new_user();
    let limits = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1,
        "leaf": -1, "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
    });
    let operators = jwt(
        &operator,
        &operator,
        "operator",
        json!({ "type": "operator", "version": 2 }),
    );
    let accounts = json!({ "type": "account", "version": 2, "limits": limits });
    let accounts = jwt(&operator, &account, "account", accounts);
    let users = json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1 });
    let users = jwt(&account, &user, "user", users);
    let server = OwnNats::start(&format!(
        "operator: {operators}\nresolver: MEMORY\nresolver_preload: {{ {}: {accounts} }}",
        account.public_key()
    ))
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("laureate.creds");
    let text = format!(
        "-----BEGIN NATS USER JWT-----\n{users}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
        user.seed().expect("a seed")
    );
    std::fs::write(&file, text).expect("written");
    let file = file.to_string_lossy().into_owned();

    let with_file = doctor(&[("URL", &server.url), ("CREDENTIALS", &file)]);
    assert!(
        server_line(&with_file).starts_with("ok "),
        "{}",
        with_file.out
    );
    let without = doctor(&[("URL", &server.url)]);
    assert!(
        server_line(&without).starts_with("failed "),
        "{}",
        without.out
    );
    let missing = doctor(&[("URL", &server.url), ("CREDENTIALS", "/nonexistent.creds")]);
    assert!(
        server_line(&missing).contains("nats.credentials: "),
        "{}",
        missing.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn password_can_have_any_characters() {
    let server =
        OwnNats::start(r#"authorization { user: "a@b", password: "p:/@%,", timeout: 5 }"#).await;
    let host = server.url.rsplit('/').next().expect("an address");
    let right = doctor(&[("URL", &format!("nats://a%40b:p%3A%2F%40%25%2C@{host}"))]);
    assert!(server_line(&right).starts_with("ok "), "{}", right.out);
    let wrong = doctor(&[("URL", &format!("nats://a%40b:p%3A%2F%40%2525%2C@{host}"))]);
    assert!(server_line(&wrong).starts_with("failed "), "{}", wrong.out);
}
