//! `POST /users`

use axum::extract::State;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{RoleName, UserDetails, check_program, cleaned, first_until, new_hash};
use crate::commands::register_user::register_user;
use crate::domain::user::{Profile, User, UserRegistered};
use crate::domain::{Personal, UserId};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{IdempotencyKey, Json};
use crate::http::idempotency::{Request, created_by, once};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Who may log in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateUser {
    /// The name for logging in, unique whatever the case, 1–100 characters.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "grace")]
    user_name: Personal<String>,
    /// First name, 1–100 characters.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "Grace")]
    name: Personal<String>,
    /// Last name, 1–100 characters.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "Hopper")]
    last_name: Personal<String>,
    /// E-mail address, unique.
    #[schema(value_type = String, max_length = 254, example = "grace@example.com")]
    email: Personal<String>,
    /// 8 to 128 characters with an upper-case letter, a lower-case letter and a digit, and none that
    /// everybody tries first.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, example = "Correct-horse-1")]
    password: Personal<String>,
    /// What the user may do; `viewer` if absent.
    #[serde(default)]
    role: Option<RoleName>,
}

/// Let somebody log in.
///
/// The password has to be changed at the first log-in, and expires after a week or as the operator has set it.
/// An API key adds viewers and operators only.
#[utoipa::path(
    post, path = "/users", request_body = CreateUser,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending it again harmless")),
    responses(
        (status = 201, description = "Added", body = Envelope<UserDetails>,
            headers(("ETag" = String, description = "The version"), ("Location" = String, description = "Where it is"))),
        (status = 400, description = "VALIDATION_ERROR: details name the fields", body = ErrorEnvelope),
        (status = 409, description = "DUPLICATE: details name the field that somebody else has", body = ErrorEnvelope),
        (status = 422, description = "IDEMPOTENCY_KEY_REUSED", body = ErrorEnvelope),
        (status = 503, description = "BUSY: too many passwords at once; see `Retry-After`", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    Json { value, sha256 }: Json<CreateUser>,
) -> Result<Answer, ApiError> {
    let role = value.role.unwrap_or(RoleName::Viewer).into();
    check_program(&caller, &[role])?;
    let claim_key = http.claim_key.reveal().as_bytes();
    // The body has a password in it: what is kept of it must not help anybody to guess that.
    let body_sha256 = Sha256::new().chain_update(claim_key).chain_update(sha256).finalize().into();
    let request = Request { caller: &caller, route: "POST /users", key, body_sha256, keep_answer: false };
    once(&http, request, async |command_id| {
        let id = UserId(created_by(command_id, "user"));
        let profile = Profile {
            user_name: cleaned(&value.user_name),
            name: cleaned(&value.name),
            last_name: cleaned(&value.last_name),
            email: cleaned(&value.email),
        };
        let password_hash = new_hash(&http, "password", value.password, &profile).await?;
        let user = UserRegistered { profile, role, password_hash, first_password_until: first_until(&http) };
        let position =
            register_user(&http.commands, claim_key, &caller.context(command_id), id, user).await?;
        http.standing.heeds_user(position).await;
        let loaded = http.commands.load::<User>(id).await?;
        let account = loaded.state.account().ok_or_else(|| ApiError::not_found("user"))?;
        tracing::info!(user = %id, role = account.role.name(), "a user was added");
        let answer = Answer::ok(&UserDetails::of_account(id, &account))?;
        let location = http.api_path(&format!("/users/{id}"));
        Ok(answer.created(location).at(position).version(loaded.position.max(position)))
    })
    .await
}
