//! Check for settings that are valid, but probably not intended.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_nats::ServerAddr;
use tokio_postgres::config::Host;
use url::Url;

use super::Context;
use super::finding::Finding;
use crate::config::{Config, Origin, Origins, variable};
use crate::domain::{Secret, web_url};
use crate::http::auth::tokens::SigningKey;
use crate::mail::Security;

/// Minimum number of different characters in a random secret.
const LEAST_DIFFERENT: usize = 10;

pub async fn check(context: Arc<Context>) -> Vec<Finding> {
    let mut findings = secrets(&context.config);
    findings.extend(addresses(&context.config));
    findings.extend(files(&context.origins));
    if findings.is_empty() {
        findings.push(Finding::ok("configuration", "no suspicious settings"));
    }
    findings
}

fn secrets(config: &Config) -> Vec<Finding> {
    let claim_key = config.secrets.claim_key.reveal();
    // Invalid lists are rejected when the configuration is loaded.
    let token_keys =
        SigningKey::list(&config.secrets.token_keys, &Secret::default()).unwrap_or_default();
    let token_key = Some(config.secrets.token_key.reveal()).filter(|key| !key.is_empty());
    let mut tokens: Vec<_> = token_key
        .map(|key| ("secrets.token_key", key))
        .into_iter()
        .collect();
    tokens.extend(
        token_keys
            .iter()
            .map(|key| ("secrets.token_keys", key.key.reveal())),
    );
    let mut findings = Vec::new();
    for (key, text) in
        std::iter::once(("secrets.claim_key", claim_key)).chain(tokens.iter().copied())
    {
        let different = text.chars().collect::<BTreeSet<_>>().len();
        let advice = format!(
            "generate one with `openssl rand -hex 32`, and set it with {}_FILE",
            variable(key)
        );
        if text.contains("replace-me") {
            findings.push(Finding::failed(
                key,
                "it is the value of the example, which is public",
                advice,
            ));
        } else if different < LEAST_DIFFERENT {
            findings.push(Finding::warning(
                key,
                format!("only {different} different characters"),
                advice,
            ));
        }
    }
    for &(key, _) in tokens.iter().filter(|(_, text)| *text == claim_key) {
        findings.push(Finding::warning(
            key,
            "it is the same as secrets.claim_key",
            "use another one: the token key may have to change, the claim key must never change",
        ));
    }
    findings
}

fn addresses(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let public = &config.http.public_base_url;
    let url = web_url(public);
    if is_here(url.as_ref().and_then(Url::host_str).unwrap_or_default()) {
        findings.push(Finding::warning(
            "http.public_base_url",
            format!(
                "{public} is reachable only from this machine; every issued certificate contains it"
            ),
            "set the address at which recipients reach this server",
        ));
    } else if public.starts_with("http://") {
        findings.push(Finding::warning(
            "http.public_base_url",
            format!("{public} is not encrypted; every issued certificate contains it"),
            "set an https address",
        ));
    }
    let mail = &config.mail;
    if mail.security == Security::None && !mail.is_on_this_machine() {
        findings.push(Finding::warning(
            "mail.security",
            format!("mails go to {} unencrypted", mail.host),
            "set starttls or tls",
        ));
    }
    let reserved = ["example.com", "example.org", "example.net"];
    let domain = mail.from_address.rsplit('@').next().unwrap_or_default();
    if reserved
        .iter()
        .any(|name| domain == *name || domain.ends_with(&format!(".{name}")))
    {
        findings.push(Finding::warning(
            "mail.from_address",
            format!("{domain} is reserved for examples; replies are lost"),
            "set an address of your own domain",
        ));
    }
    let servers = config.nats.url.reveal().split(',');
    let is_open =
        |server: ServerAddr| !matches!(server.scheme(), "tls" | "wss") && !is_here(server.host());
    if servers
        .filter_map(|server| server.trim().parse().ok())
        .any(is_open)
    {
        findings.push(unencrypted("nats.url", "use tls://"));
    }
    let database = config
        .database
        .url
        .reveal()
        .parse::<tokio_postgres::Config>();
    let is_remote = |host: &Host| matches!(host, Host::Tcp(name) if !is_here(name));
    if database.is_ok_and(|database| database.get_hosts().iter().any(is_remote)) {
        findings.push(unencrypted(
            "database.url",
            "use a separate network or a tunnel: TLS to PostgreSQL is not supported yet",
        ));
    }
    findings
}

fn unencrypted(key: &'static str, advice: &'static str) -> Finding {
    let problem = "the connection to another machine is not encrypted";
    Finding::warning(key, problem, advice)
}

/// Returns warnings for configuration files that contain secrets and that all users can read.
fn files(origins: &Origins) -> Vec<Finding> {
    let secret = |key: &str| {
        [
            "secrets.claim_key",
            "secrets.token_key",
            "secrets.token_keys",
            "mail.password",
            "storage.secret_access_key",
            "database.url",
            "nats.url",
        ]
        .contains(&key)
    };
    let files: BTreeSet<PathBuf> = origins
        .iter()
        .filter(|(key, _)| secret(key))
        .filter_map(|(_, origin)| match origin {
            Origin::File(path) => Some(path.clone()),
            _ => None,
        })
        .collect();
    let open = files.iter().filter(|path| others_may_read(path));
    let warn = |path: &PathBuf| {
        Finding::warning(
            "configuration.file",
            format!(
                "{} contains secrets, and every user of this machine can read it",
                path.display()
            ),
            format!("chmod o-rwx {}", path.display()),
        )
    };
    open.map(warn).collect()
}

fn others_may_read(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o004 != 0)
}

/// Returns true if a host is this machine, or if there is none, as for Unix sockets.
fn is_here(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host.is_empty()
        || host == "localhost"
        || host.ends_with(".localhost")
        || address.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn found(flags: &[&str]) -> Vec<(&'static str, String)> {
        let good = [
            "nats.url=nats://127.0.0.1:4222",
            "database.url=postgres://u:p@localhost/db",
            "storage.url=/tmp/x",
            "mail.host=mail.academy.test",
            "mail.from_name=Academy",
            "mail.from_address=a@academy.test",
            "http.public_base_url=https://certificates.academy.test",
            "secrets.claim_key=0123456789abcdef0123456789abcdef",
            "secrets.token_key=fedcba9876543210fedcba9876543210",
        ];
        let flags = good
            .iter()
            .chain(flags)
            .map(|flag| (*flag).to_owned())
            .collect();
        let config = Config::load(Sources {
            flags,
            ..Sources::default()
        })
        .expect("usable");
        secrets(&config)
            .into_iter()
            .chain(addresses(&config))
            .map(|f| (f.check, f.found))
            .collect()
    }

    #[test]
    fn valid_configuration_has_no_findings() {
        assert_eq!(found(&[]), []);
        assert_eq!(found(&["nats.url=tls://a.test:4222,tls://b.test:4222"]), []);
        let keys = "secrets.token_keys=b:89abcdef0123456789abcdef01234567, a:76543210fedcba9876543210fedcba98";
        assert_eq!(found(&[keys, "secrets.token_key="]), []);
    }

    #[test]
    fn suspicious_values_are_reported_by_key_and_without_secrets() {
        for (flag, key) in [
            (
                "secrets.claim_key=replace-me-with-32-or-more-random-characters",
                "secrets.claim_key",
            ),
            (
                "secrets.token_key=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "secrets.token_key",
            ),
            (
                "secrets.token_key=0123456789abcdef0123456789abcdef",
                "secrets.token_key",
            ),
            (
                "secrets.token_keys=a:replace-me-with-32-or-more-random-characters",
                "secrets.token_keys",
            ),
            (
                "secrets.token_keys=a:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "secrets.token_keys",
            ),
            (
                "secrets.token_keys=b:89abcdef0123456789abcdef01234567,a:0123456789abcdef0123456789abcdef",
                "secrets.token_keys",
            ),
            (
                "http.public_base_url=http://localhost:3969",
                "http.public_base_url",
            ),
            (
                "http.public_base_url=http://[::1]:3969",
                "http.public_base_url",
            ),
            (
                "http.public_base_url=http://certificates.academy.test",
                "http.public_base_url",
            ),
            ("mail.security=none", "mail.security"),
            ("mail.from_address=a@mail.example.org", "mail.from_address"),
            ("nats.url=nats://u:hunter2@nats.test:4222", "nats.url"),
            ("nats.url=tls://a.test:4222,nats://b.test:4222", "nats.url"),
            (
                "database.url=postgres://u:hunter2@db.test/x",
                "database.url",
            ),
        ] {
            let found = found(&[flag]);
            assert_eq!(
                found.iter().map(|(key, _)| *key).collect::<Vec<_>>(),
                [key],
                "{flag}: {found:?}"
            );
            assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
        }
    }

    #[test]
    fn world_readable_file_with_secrets_is_reported() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let origin = || Origin::File(file.path().to_owned());
        let set = |mode| {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode))
                .expect("ours")
        };
        set(0o644);
        let message = |key: &str| files(&Origins::from([(key.to_owned(), origin())])).len();
        assert_eq!((message("mail.password"), message("namespace")), (1, 0));
        set(0o640);
        assert_eq!(message("mail.password"), 0);
    }
}
