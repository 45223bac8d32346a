//! Endpoints that create and delete users, and remove their second factors.

use axum::extract::State;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{RoleName, UserDetails, answer, check_program, cleaned, first_until, new_hash};
use crate::commands::change_user;
use crate::commands::register_user::register_user;
use crate::commands::second_factor::remove_lost;
use crate::domain::accounts::user::{Account, Profile, Role, UserRegistered};
use crate::domain::{Personal, UserId};
use crate::http::api::accounts::auth::second_factor::SecondFactorRemovedAnswer;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::deleting::Deleted;
use crate::http::protocol::extract::{IfMatch, Json, Path};
use crate::http::protocol::idempotency::{Repeatable, created_by};
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};

/// A new user.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateUser {
    /// User name for logging in, 1–100 characters. It must be unique, even if case is ignored.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "grace")]
    user_name: Personal<String>,
    /// First name, 1–100 characters.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "Grace")]
    name: Personal<String>,
    /// Last name, 1–100 characters.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "Hopper")]
    last_name: Personal<String>,
    /// E-mail address. It must be unique.
    #[schema(value_type = String, max_length = 254, example = "grace@example.com")]
    email: Personal<String>,
    /// Password: 8 to 128 characters with an upper-case letter, a lower-case letter and a digit.
    /// Passwords that are easy to guess are rejected.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, example = "Correct-horse-1")]
    password: Personal<String>,
    /// Role of the user. The default is `viewer`.
    role: Option<RoleName>,
}

/// Creates a user.
///
/// The user must change the password after the first log-in. The password expires after one week,
/// or after the time that the operator has configured. An API key can create only viewers and
/// operators.
#[utoipa::path(
    post, path = "/users",
    params(Repeatable),
    responses(
        (status = 201, description = "Created", body = Envelope<UserDetails>),
        (status = 409, description = "DUPLICATE: details name the field whose value is in use"),
        (status = 503, description = "BUSY: too many passwords are being hashed; see `Retry-After`"),
    )
)]
pub async fn create_user(
    State(http): State<HttpState>,
    write: Repeatable,
    Json { value, sha256 }: Json<CreateUser>,
) -> Result<Answer, ApiError> {
    let role = Role::from(value.role.unwrap_or(RoleName::Viewer));
    check_program(&write.caller, &[role])?;
    let claim_key = http.claim_key.reveal().as_bytes();
    // The body contains a password. The digest that is stored includes the claim key, so that it
    // can't be used to guess the password.
    let body_sha256 = Sha256::new()
        .chain_update(claim_key)
        .chain_update(sha256)
        .finalize()
        .into();
    write
        .once_unstored(&http, body_sha256, async |context| {
            let id = UserId(created_by(context.command_id, "user"));
            let profile = Profile {
                user_name: cleaned(&value.user_name),
                name: cleaned(&value.name),
                last_name: cleaned(&value.last_name),
                email: cleaned(&value.email),
            };
            let password_hash = new_hash(&http, "password", value.password, &profile).await?;
            let user = UserRegistered {
                profile,
                role,
                password_hash,
                first_password_until: first_until(&http),
            };
            let position = register_user(&http.commands, claim_key, &context, id, user).await?;
            http.authorizations.wait_until_user_applied(position).await;
            tracing::info!(user = %id, role = role.name(), "user created");
            let location = http.api_path(&format!("/users/{id}"));
            let answer = answer(&http, id, position).await?;
            Ok(answer.created(location).at(position))
        })
        .await
}

/// Removes a user.
///
/// The tokens and API keys of the user stop working immediately. You can't remove the last admin or
/// yourself. An API key can remove only viewers and operators.
#[utoipa::path(
    delete, path = "/users/{id}",
    params(IfMatch),
    responses(
        (status = 200, description = "Removed", body = Envelope<Deleted>),
        (status = 409, description = "WRONG_STATE: this is the last admin, or yourself"),
    )
)]
pub async fn delete_user(
    State(http): State<HttpState>,
    caller: Caller,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let id = UserId(id);
    if id == caller.user_id {
        let message = "you can't remove yourself; ask another admin to do it";
        return Err(ApiError::new(ErrorCode::WrongState, message));
    }
    let context = caller.context(http.random_id().into());
    let key = http.claim_key.reveal().as_bytes();
    let may = |now: &Account| check_program(&caller, &[now.role]);
    let position =
        change_user::delete_user(&http.commands, key, &context, id, &if_match.versions(), may)
            .await?;
    http.authorizations.wait_until_user_applied(position).await;
    tracing::info!(user = %id, "user removed");
    Ok(Answer::ok(&Deleted { id: id.0 })?
        .message("the user was removed")
        .at(position))
}

/// Removes the second factor of a user who has lost it.
///
/// All sessions of the user end. After that, log-ins need only the password. Verify the identity of
/// the user before you remove the second factor. An API key can't do this. To remove your own
/// second factor, use `/auth/second-factor`.
#[utoipa::path(
    delete, path = "/users/{id}/second-factor",
    params(IfMatch),
    responses(
        (status = 200, description = "Removed", body = Envelope<SecondFactorRemovedAnswer>),
        (status = 404, description = "NOT_FOUND: no such user, or no second factor"),
        (status = 409, description = "WRONG_STATE: it is your own second factor"),
    )
)]
pub async fn remove_second_factor_of_user(
    State(http): State<HttpState>,
    caller: Caller,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let id = UserId(id);
    if id == caller.user_id {
        let message =
            "remove your own second factor at /auth/second-factor, or ask another admin to do it";
        return Err(ApiError::new(ErrorCode::WrongState, message));
    }
    let context = caller.context(http.random_id().into());
    let position = remove_lost(&http.commands, &context, id, &if_match.versions()).await?;
    http.authorizations.wait_until_user_applied(position).await;
    tracing::info!(user = %id, "lost second factor removed");
    Ok(Answer::ok(&SecondFactorRemovedAnswer { removed: true })?.at(position))
}
