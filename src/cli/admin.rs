//! `laureate admin`: the people who administer.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::global::GlobalArgs;
use crate::app::App;
use crate::commands::CommandContext;
use crate::commands::register_user::register_user;
use crate::commands::second_factor::remove_lost;
use crate::domain::claim::{Claim, ClaimKind};
use crate::domain::password::check_password;
use crate::domain::person::normalised_email;
use crate::domain::user::{Profile, Role, UserRegistered};
use crate::domain::{CommandId, Personal, UserId};
use crate::event_log::Position;

const EXAMPLES: &str = "\
Examples:
  laureate admin create --email you@academy.test --config laureate.toml
  echo \"$password\" | laureate admin create --email you@academy.test --password-file -";

const LOST: &str = "\
Where another admin is left, DELETE /users/{id}/second-factor does the same.

Example:
  laureate admin remove-second-factor --email you@academy.test --config laureate.toml";

/// The subcommands of `admin`.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Let somebody administer; prints a made-up password unless one is given
    #[command(after_help = EXAMPLES)]
    Create(CreateArgs),
    /// Remove the second factor of somebody who has lost it, and end that user's sessions
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
    /// E-mail address, for logging in
    #[arg(long)]
    email: String,
    /// User name, for logging in; the e-mail address where absent
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

/// Creates the admin, or removes the second factor.
///
/// # Errors
/// A field is not acceptable or taken, there is no such user, or a server can't be reached.
pub async fn run(command: AdminCommand, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    match command {
        AdminCommand::Create(args) => run_create(args, global).await,
        AdminCommand::RemoveSecondFactor(args) => {
            remove_second_factor(&global.connect().await?, &args.email).await?;
            writeln!(std::io::stdout(), "removed the second factor of {}", args.email)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Removes the second factor of the user with this e-mail address, and ends that user's sessions.
///
/// # Errors
/// There is no such user or no second factor, or a server can't be reached.
pub async fn remove_second_factor(app: &App, email: &str) -> anyhow::Result<Position> {
    let key = app.config().secrets.claim_key.reveal().as_bytes();
    let claim = ClaimKind::UserEmail.subject_id(key, &normalised_email(email));
    let holder = app.commands().load::<Claim>(claim).await?.state.0;
    let id = UserId(holder.context("no user has this e-mail address")?);
    let context = CommandContext::of_person(CommandId(Uuid::new_v4()), "command line");
    Ok(remove_lost(app.commands(), &context, id).await?)
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
    create(&app, profile, &password).await?;
    let mut out = std::io::stdout();
    writeln!(out, "created {}", args.email)?;
    if made_up {
        writeln!(out, "password {password}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Registers an admin in the log.
///
/// # Errors
/// A field is not acceptable or taken, or a server can't be reached.
pub async fn create(app: &App, profile: Profile, password: &str) -> anyhow::Result<Position> {
    check_password("password", password, Some(&profile))?;
    let password_hash = app.passwords()?.hash(Personal::new(password.to_owned())).await?;
    let user = UserRegistered { profile, role: Role::Admin, password_hash };
    let context = CommandContext::of_person(CommandId(Uuid::new_v4()), "command line");
    let key = &app.config().secrets.claim_key;
    Ok(register_user(app.commands(), key.reveal().as_bytes(), &context, UserId(Uuid::new_v4()), user).await?)
}

/// 128 random bits with the classes of characters that the rule asks for.
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
