//! Logins per second over HTTP, over verifications per second by argon2id alone with the same
//! parameters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use laureate::app::{App, Role};
use laureate::cli::admin;
use laureate::domain::accounts::user::Profile;
use laureate::http::settings::PasswordSettings;
use serde_json::json;
use tokio::task::JoinSet;

use super::ground::{Ground, PATIENCE, Roles};
use super::report::{Goal, Report};

/// Duration of each side in each run.
const FOR: Duration = Duration::from_secs(10);
/// Clients for each password that may be checked at the same time, so that a client always waits.
const CLIENTS_PER_SLOT: usize = 2;
const EMAIL: &str = "ada@example.com";

/// Measures argon2id alone and logins over HTTP in turn in each run.
pub async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let ground = Ground::start(true).await?;
    let app = ground.app().await?;
    let password = admin::made_up_password();
    let profile = Profile {
        user_name: "ada".to_owned().into(),
        name: "Ada".to_owned().into(),
        last_name: "Admin".to_owned().into(),
        email: EMAIL.to_owned().into(),
    };
    let roles = Roles::start(&app, &[Role::Api, Role::Projector]).await?;
    let position = admin::create(&app, profile, &password, None).await?;
    app.readers().wait_for(position, PATIENCE).await?;
    let settings = app.config().http.passwords;
    let mut logins = Vec::new();
    let mut bare = Vec::new();
    let mut ratios = Vec::new();
    for run in 1..=report.runs {
        report.progress(&format!("login, run {run}"));
        let alone = tokio::task::spawn_blocking(move || verifications(settings)).await??;
        let through = over_http(&app, &roles, &password, settings.max_concurrent).await?;
        ratios.push(through / alone);
        logins.push(through);
        bare.push(alone);
    }
    report.figure("logins", "logins/s", logins);
    report.figure("argon2_alone", "verifications/s", bare);
    report.ratio("login_vs_argon2", Goal::AtLeast(0.8), ratios);
    roles.stop().await?;
    ground.stop().await;
    Ok(())
}

/// Returns verifications per second, with as many threads as the product uses.
fn verifications(settings: PasswordSettings) -> anyhow::Result<f64> {
    let params = Params::new(
        settings.memory_kib,
        settings.iterations,
        settings.lanes,
        None,
    );
    let params = params.map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2
        .hash_password(b"Correct-horse-1")
        .map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    let hash = hash.to_string();
    let done = AtomicU64::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..settings.max_concurrent {
            scope.spawn(|| {
                while begun.elapsed() < FOR
                    && PasswordHash::new(&hash)
                        .is_ok_and(|hash| argon2.verify_password(b"Correct-horse-1", &hash).is_ok())
                {
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let done = done.into_inner();
    ensure!(done > 0, "no password was verified");
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    Ok(done as f64 / begun.elapsed().as_secs_f64())
}

/// Returns logins per second. Each login creates a session in the log.
async fn over_http(app: &App, roles: &Roles, password: &str, slots: usize) -> anyhow::Result<f64> {
    let address = roles.address().context("the API listens nowhere")?;
    let url = format!("http://{address}{}/auth/login", app.config().http.prefix);
    // reqwest is built without a TLS provider. Plain HTTP needs none, but the client requires one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
    let body = Arc::new(json!({ "email": EMAIL, "password": password }));
    let mut clients = JoinSet::new();
    let begun = Instant::now();
    for _ in 0..slots * CLIENTS_PER_SLOT {
        let client = client.clone();
        let url = url.clone();
        let body = body.clone();
        clients.spawn(async move {
            let mut done = 0_u32;
            while begun.elapsed() < FOR {
                let answer = client.post(&url).json(&*body).send().await?;
                ensure!(
                    answer.status().is_success(),
                    "a login was answered with {}",
                    answer.status()
                );
                answer.bytes().await?;
                done += 1;
            }
            Ok(done)
        });
    }
    let mut done = 0;
    while let Some(client) = clients.join_next().await {
        done += client??;
    }
    Ok(f64::from(done) / begun.elapsed().as_secs_f64())
}
