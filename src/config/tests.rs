use std::io::Write;
use std::path::Path;

use super::*;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("laureate.example.toml")
}

fn load(environment: &[(&str, &str)], flags: &[&str]) -> Result<Config, ConfigError> {
    Config::load(Sources {
        file: Some(example()),
        environment: environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        stack: Vec::new(),
    })
}

fn problem(result: Result<Config, ConfigError>) -> String {
    result
        .expect_err("this configuration is not usable")
        .to_string()
}

#[test]
fn example_file_is_valid() {
    let config = load(&[], &[]).expect("the example is usable");
    assert_eq!(config.namespace, "laureate");
}

#[test]
fn environment_overrides_the_file_and_flags_override_both() {
    let environment = [
        ("LAUREATE_NAMESPACE", "from_env"),
        ("LAUREATE_HTTP__LISTEN", "127.0.0.1:1"),
    ];
    let config = load(&environment, &["http.listen=127.0.0.1:2"]).expect("usable");
    assert_eq!(config.namespace, "from_env");
    assert_eq!(config.http.listen.port(), 2);
}

#[test]
fn stack_overrides_the_file() {
    let stack = vec![("nats.url", "nats://127.0.0.1:7".to_owned())];
    let config = Config::load(Sources {
        file: Some(example()),
        stack,
        ..Sources::default()
    })
    .expect("usable");
    assert_eq!(config.nats.url.reveal(), "nats://127.0.0.1:7");
}

#[test]
fn unknown_keys_are_named_for_every_source() {
    assert!(problem(load(&[("LAUREATE_NAMESPAC", "x")], &[])).contains("namespac"));
    assert!(problem(load(&[], &["http.lisen=127.0.0.1:2"])).contains("lisen"));
}

#[test]
fn secret_can_be_read_from_a_file() {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    writeln!(file, "{}", "k".repeat(40)).expect("writable");
    let path = file.path().to_string_lossy().into_owned();
    let config = load(&[("LAUREATE_SECRETS__TOKEN_KEY_FILE", &path)], &[]).expect("usable");
    assert_eq!(config.secrets.token_key.reveal(), "k".repeat(40));
    let both = [
        ("LAUREATE_SECRETS__TOKEN_KEY_FILE", path.as_str()),
        ("LAUREATE_SECRETS__TOKEN_KEY", "x"),
    ];
    assert!(problem(load(&both, &[])).contains("both"));
    let missing = [("LAUREATE_SECRETS__TOKEN_KEY_FILE", "/nonexistent/key")];
    assert!(problem(load(&missing, &[])).contains("LAUREATE_SECRETS__TOKEN_KEY_FILE"));
}

#[test]
fn path_of_a_ca_file_can_be_read_from_a_file() {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    writeln!(file, "/etc/ca.pem").expect("writable");
    let path = file.path().to_string_lossy().into_owned();
    for (variable, value, expected) in [
        ("LAUREATE_MAIL__CA_FILE", "/etc/mail.pem", "/etc/mail.pem"),
        ("LAUREATE_MAIL__CA_FILE_FILE", path.as_str(), "/etc/ca.pem"),
    ] {
        let config = load(&[(variable, value)], &[]).expect("usable");
        assert_eq!(
            config.mail.ca_file.as_deref(),
            Some(Path::new(expected)),
            "{variable}"
        );
    }
    let config = load(&[("LAUREATE_NATS__CA_FILE_FILE", &path)], &[]).expect("usable");
    assert_eq!(
        config.nats.ca_file.as_deref(),
        Some(Path::new("/etc/ca.pem"))
    );
    let both = [
        ("LAUREATE_MAIL__CA_FILE_FILE", path.as_str()),
        ("LAUREATE_MAIL__CA_FILE", "/etc/mail.pem"),
    ];
    assert!(problem(load(&both, &[])).contains("both LAUREATE_MAIL__CA_FILE and"));
}

#[test]
fn prefix_and_suffix_of_a_variable_are_removed_once() {
    assert!(
        problem(load(&[("LAUREATE_LAUREATE_NAMESPACE", "x")], &[])).contains("laureate_namespace")
    );
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let path = file.path().to_string_lossy().into_owned();
    assert!(
        problem(load(&[("LAUREATE_NAMESPACE_FILE_FILE", &path)], &[])).contains("namespace_file")
    );
}

#[test]
fn invalid_values_are_refused_by_key() {
    for (flag, key) in [
        ("namespace=A.B", "namespace"),
        ("secrets.claim_key=short", "secrets.claim_key"),
        ("secrets.token_key=short", "secrets.token_key"),
        ("secrets.token_keys=a:short", "secrets.token_keys"),
        ("http.trusted_proxies=10.0.0.0/64", "http.trusted_proxies"),
        ("workers.mailer=0", "workers.mailer"),
        ("http.prefix=api", "http.prefix:"),
        ("auth.reset_minutes=0", "auth.reset_minutes:"),
    ] {
        assert!(problem(load(&[], &[flag])).starts_with(key), "{flag}");
    }
    assert!(problem(load(&[], &["nonsense"])).contains("KEY=VALUE"));
}

#[test]
fn debug_output_shows_no_secret() {
    let config = load(
        &[("LAUREATE_SECRETS__TOKEN_KEY", &"very-secret".repeat(4))],
        &[],
    )
    .expect("usable");
    assert!(!format!("{config:?}").contains("very-secret"));
}
