//! `laureate admin`: creates administrators and removes lost second factors.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use time::OffsetDateTime;
use uuid::Uuid;

use super::global::GlobalArgs;
use crate::app::App;
use crate::commands::register_user::register_user;
use crate::commands::second_factor::remove_lost;
use crate::commands::{CommandContext, IfVersion};
use crate::domain::accounts::password::check_password;
use crate::domain::accounts::user::{Profile, Role, UserRegistered};
use crate::domain::certification::person::normalised_email;
use crate::domain::kernel::claim::{Claim, ClaimKind};
use crate::domain::{CommandId, Personal, UserId};
use crate::event_log::Position;

const EXAMPLES: &str = "\
Examples:
  laureate admin create --email you@academy.test --config laureate.toml
  echo \"$password\" | laureate admin create --email you@academy.test --password-file -";

const LOST: &str = "\
If another administrator can log in, DELETE /users/{id}/second-factor does the same.

Example:
  laureate admin remove-second-factor --email you@academy.test --config laureate.toml";

/// The subcommands of `admin`.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Create an administrator; without --password-file, print a temporary password that must be
    /// changed
    #[command(after_help = EXAMPLES)]
    Create(CreateArgs),
    /// Remove the second factor of a user who has lost it, and end that user's sessions
    #[command(after_help = LOST)]
    RemoveSecondFactor(RemoveSecondFactorArgs),
}

/// Options of `admin remove-second-factor`.
#[derive(Debug, Args)]
pub struct RemoveSecondFactorArgs {
    /// The user's e-mail address
    #[arg(long)]
    email: String,
}

/// Options of `admin create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// E-mail address for logging in
    #[arg(long)]
    email: String,
    /// User name for logging in; defaults to the e-mail address
    #[arg(long)]
    user_name: Option<String>,
    /// First name
    #[arg(long, default_value = "Admin")]
    name: String,
    /// Last name
    #[arg(long, default_value = "Laureate")]
    last_name: String,
    /// Read the password from this file; - for stdin
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// Runs a subcommand of `admin`.
///
/// # Errors
/// Fails if a field is invalid or already taken, if no user has the e-mail address, or if a server
/// can't be reached.
pub async fn run(command: AdminCommand, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    match command {
        AdminCommand::Create(args) => run_create(args, global).await,
        AdminCommand::RemoveSecondFactor(args) => {
            remove_second_factor(&global.connect().await?, &args.email).await?;
            writeln!(
                crate::cli::stdout::stdout(),
                "removed the second factor of {}",
                args.email
            )?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Removes the second factor of the user with this e-mail address, and ends that user's sessions.
///
/// # Errors
/// Fails if no user has this e-mail address, if the user has no second factor, or if a server can't
/// be reached.
pub async fn remove_second_factor(app: &App, email: &str) -> anyhow::Result<Position> {
    let key = app.config().secrets.claim_key.reveal().as_bytes();
    let claim = ClaimKind::UserEmail.subject_id(key, &normalised_email(email));
    let holder = app.commands().load::<Claim>(claim).await?.state.0;
    let id = UserId(holder.context("no user has this e-mail address")?);
    let context = CommandContext::of_person(CommandId(Uuid::new_v4()), "command line");
    Ok(remove_lost(app.commands(), &context, id, &IfVersion::ANY).await?)
}

async fn run_create(args: CreateArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let (password, made_up) = match &args.password_file {
        Some(file) => (read_password(file)?, false),
        None => (made_up_password(), true),
    };
    let app = global.connect().await?;
    let profile = Profile {
        user_name: args.user_name.unwrap_or_else(|| args.email.clone()).into(),
        name: args.name.into(),
        last_name: args.last_name.into(),
        email: args.email.clone().into(),
    };
    // The operator sees a generated password, so the new administrator has to change it.
    let hours = made_up.then_some(app.config().auth.first_password_hours);
    let first_until = hours.map(|hours| app.commands().now() + time::Duration::hours(hours.into()));
    create(&app, profile, &password, first_until).await?;
    let mut out = crate::cli::stdout::stdout();
    writeln!(out, "created {}", args.email)?;
    if made_up {
        writeln!(out, "password {password}")?;
        writeln!(
            out,
            "change it at the first log-in, within {} hours",
            hours.unwrap_or_default()
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Registers an administrator in the log. The password expires at `first_password_until` unless it
/// is changed before. With `None`, it does not expire.
///
/// # Errors
/// Fails if a field is invalid or already taken, or if a server can't be reached.
pub async fn create(
    app: &App,
    profile: Profile,
    password: &str,
    first_password_until: Option<OffsetDateTime>,
) -> anyhow::Result<Position> {
    check_password("password", password, Some(&profile))?;
    let password_hash = app
        .passwords()?
        .hash_new(Personal::new(password.to_owned()))
        .await?;
    let user = UserRegistered {
        profile,
        role: Role::Admin,
        password_hash,
        first_password_until,
    };
    let context = CommandContext::of_person(CommandId(Uuid::new_v4()), "command line");
    let key = &app.config().secrets.claim_key;
    Ok(register_user(
        app.commands(),
        key.reveal().as_bytes(),
        &context,
        UserId(Uuid::new_v4()),
        user,
    )
    .await?)
}

/// Returns a password with 128 random bits and all the character classes that the password rule
/// requires.
#[must_use]
pub fn made_up_password() -> String {
    format!("La1-{:032x}", rand::random::<u128>())
}

fn read_password(file: &Path) -> anyhow::Result<String> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().take(4_096).read_to_string(&mut text)?;
        text
    } else {
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
    };
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
