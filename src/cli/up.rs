//! `laureate up`: runs embedded servers and all roles, with all data in one folder.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::global::GlobalArgs;
use super::serve::stop_on_signals;
use super::{admin, logging};
use crate::app::{App, Extras, Role, Running};
use crate::dev_stack::{Stack, StackOptions};
use crate::domain::accounts::user::Profile;
use crate::mail::MailSettings;

pub(super) const EXAMPLES: &str = "\
Examples:
  laureate up                                      data in .laureate/, API at 127.0.0.1:3969
  laureate up --data-dir /srv/laureate --set workers.renderer=1

Mails are caught and shown at /mails, not delivered, unless mail.host is set by --set or the
environment. The first start prints a password, once.";

/// Options of `up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// Folder for all data
    #[arg(long, value_name = "DIR", default_value = ".laureate")]
    data_dir: PathBuf,
    /// Address that the API listens on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3969")]
    listen: SocketAddr,
}

/// Options of [`start`].
pub struct EmbeddedOptions {
    /// Servers to run, and the folder of their data.
    pub stack: StackOptions,
    /// Address that the API listens on. Port 0 picks a free port.
    pub listen: SocketAddr,
    /// Other sources of the configuration.
    pub global: GlobalArgs,
    /// True if [`start`] starts logging to stderr as configured. False if the caller has started
    /// logging already.
    pub starts_logging: bool,
}

/// Embedded servers and the product that runs on them.
pub struct Embedded {
    /// The servers.
    pub stack: Stack,
    /// The product.
    pub app: App,
    /// The running roles.
    pub running: Running,
    /// Address that the API listens on.
    pub address: SocketAddr,
    /// Address of the management listener, if there is one.
    pub management: Option<SocketAddr>,
}

/// Starts the servers and all roles. Returns when every query table has caught up.
///
/// # Errors
/// Fails if a server can't be started, if the address is taken, or if the configuration is invalid.
pub async fn start(
    options: EmbeddedOptions,
    shutdown: CancellationToken,
) -> anyhow::Result<Embedded> {
    // The configuration contains the address, so the socket is bound first.
    let listen = match options.global.given("http.listen") {
        Some(given) => given
            .parse()
            .with_context(|| format!("http.listen: \"{given}\" is not an address with a port"))?,
        None => options.listen,
    };
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    let stack = Stack::start(options.stack).await?;
    let mut provided = provided(&stack, address)?;
    let has_mail_server = ["mail.host", "mail.host_file"]
        .iter()
        .any(|key| options.global.given(key).is_some());
    if !has_mail_server {
        provided.extend(mail_catcher(stack.smtp_addr()));
    }
    provided.extend(secrets(stack.data_dir())?);
    let config = options.global.load(provided)?;
    if options.starts_logging {
        logging::start(&config.log, config.log_format, None)?;
    }
    let caught_mails = if are_caught(&config.mail, stack.smtp_addr()) {
        Some(stack.mail_dir().to_owned())
    } else {
        None
    };
    let app = App::connect(config).await?;
    app.prepare().await?;
    let extras = Extras {
        listener: Some(listener),
        caught_mails,
    };
    let running = app.start(&Role::ALL, extras, shutdown).await?;
    let management = running.management_address();
    Ok(Embedded {
        stack,
        app,
        running,
        address,
        management,
    })
}

/// Returns the configuration values that the embedded servers determine.
fn provided(stack: &Stack, address: SocketAddr) -> anyhow::Result<Vec<(&'static str, String)>> {
    let objects = stack.data_dir().join("objects");
    std::fs::create_dir_all(&objects)?;
    let objects = objects.canonicalize()?;
    Ok(vec![
        ("log_format", "text".to_owned()),
        ("nats.url", stack.nats_url().to_owned()),
        ("database.url", stack.postgres_url().to_owned()),
        ("storage.url", objects.to_string_lossy().into_owned()),
        ("mail.from_name", "Laureate".to_owned()),
        ("http.listen", address.to_string()),
        ("http.public_base_url", format!("http://{address}")),
        // Port 0, so that several instances can run on one machine.
        ("management.listen", "127.0.0.1:0".to_owned()),
    ])
}

/// Returns the mail settings for the mail catcher. They are used only if no mail server is
/// configured, because another server has a different port and encryption, and needs a real sender
/// address.
fn mail_catcher(smtp: SocketAddr) -> Vec<(&'static str, String)> {
    vec![
        ("mail.host", smtp.ip().to_string()),
        ("mail.port", smtp.port().to_string()),
        ("mail.security", "none".to_owned()),
        (
            "mail.from_address",
            "certificates@laureate.example".to_owned(),
        ),
    ]
}

/// Returns true if mails go to the mail catcher.
fn are_caught(mail: &MailSettings, catcher: SocketAddr) -> bool {
    mail.host == catcher.ip().to_string() && mail.port == catcher.port()
}

/// Returns the line about the destination of mails.
fn destination(mail: &MailSettings, catcher: SocketAddr, address: SocketAddr) -> String {
    if are_caught(mail, catcher) {
        return format!("mails are caught and shown at http://{address}/mails");
    }
    format!(
        "mails are delivered by {}:{} as {}",
        mail.host, mail.port, mail.from_address
    )
}

/// Reads the secret keys of the data folder. Creates them on first use.
fn secrets(data_dir: &Path) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut secrets = Vec::new();
    for (key, name) in [
        ("secrets.claim_key", "claim.key"),
        ("secrets.token_key", "token.key"),
    ] {
        let file = data_dir.join(name);
        let secret = match std::fs::read_to_string(&file) {
            Ok(secret) => secret,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_secret(&file)?,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
        };
        secrets.push((key, secret.trim().to_owned()));
    }
    Ok(secrets)
}

fn make_secret(file: &Path) -> anyhow::Result<String> {
    use std::os::unix::fs::OpenOptionsExt;
    let secret = format!(
        "{:032x}{:032x}",
        rand::random::<u128>(),
        rand::random::<u128>()
    );
    let mut made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("cannot write {}", file.display()))?;
    made.write_all(secret.as_bytes())?;
    made.sync_all()?;
    Ok(secret)
}

/// Runs until a signal arrives.
///
/// # Errors
/// Fails if a server or role can't be started, or if it fails later.
pub async fn run(args: UpArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let shutdown = stop_on_signals()?;
    let options = EmbeddedOptions {
        stack: StackOptions::persistent(&args.data_dir),
        listen: args.listen,
        global,
        starts_logging: true,
    };
    let Embedded {
        mut stack,
        app,
        running,
        address,
        management,
    } = start(options, shutdown.clone()).await?;
    let mails = destination(&app.config().mail, stack.smtp_addr(), address);
    announce(&app, address, management, &mails, &args.data_dir).await?;
    let mut running = Box::pin(running.wait());
    let result = tokio::select! {
        result = &mut running => result,
        error = stack.failed() => {
            shutdown.cancel();
            Err(error.into())
        }
    };
    // The connections of the product must end before their servers.
    drop((running, app));
    stack.stop().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn announce(
    app: &App,
    address: SocketAddr,
    management: Option<SocketAddr>,
    mails: &str,
    data_dir: &Path,
) -> anyhow::Result<()> {
    let mut out = crate::cli::stdout::stdout();
    writeln!(
        out,
        "Laureate is at http://{address} (API docs: http://{address}/api/docs)"
    )?;
    writeln!(out, "{mails}; data is in {}", data_dir.display())?;
    if let Some(management) = management {
        writeln!(
            out,
            "metrics are at http://{management}/metrics, health is at http://{management}/health/ready"
        )?;
    }
    if app.commands().log().info().await?.last_position == 0 {
        let password = admin::made_up_password();
        let email = "admin@laureate.example";
        let profile = Profile {
            user_name: "admin".to_owned().into(),
            name: "Admin".to_owned().into(),
            last_name: "Laureate".to_owned().into(),
            email: email.to_owned().into(),
        };
        admin::create(app, profile, &password, None).await?;
        writeln!(
            out,
            "log in as {email} with password {password} (shown only once)"
        )?;
    }
    writeln!(out, "stop with Ctrl-C")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mail(host: &str, port: u16) -> MailSettings {
        let settings = json!({
            "host": host, "port": port, "from_name": "Academy", "from_address": "no-reply@example.com",
        });
        serde_json::from_value(settings).expect("settings")
    }

    #[test]
    fn destination_of_mails_is_announced() {
        let catcher: SocketAddr = "127.0.0.1:2525".parse().unwrap();
        let address: SocketAddr = "127.0.0.1:3969".parse().unwrap();
        assert_eq!(
            destination(&mail("127.0.0.1", 2525), catcher, address),
            "mails are caught and shown at http://127.0.0.1:3969/mails"
        );
        for (host, port) in [("smtp.example.com", 587), ("127.0.0.1", 25)] {
            assert_eq!(
                destination(&mail(host, port), catcher, address),
                format!("mails are delivered by {host}:{port} as no-reply@example.com")
            );
        }
    }
}
