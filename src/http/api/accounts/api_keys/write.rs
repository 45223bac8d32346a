//! Endpoints that create and revoke API keys.

use std::collections::BTreeSet;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ApiKeyAnswer;
use crate::commands::CommandContext;
use crate::domain::ApiKeyId;
use crate::domain::accounts::api_key::{ApiKey, ApiKeyCommand, ApiKeyCreated, ApiKeyState};
use crate::http::auth::access::Permission;
use crate::http::auth::api_key_token::ApiKeyToken;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::deleting::Deleted;
use crate::http::protocol::extract::{IfMatch, Json, Path};
use crate::http::protocol::idempotency::{Repeatable, created_by};
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};

/// Default lifetime of a key, in days.
const DEFAULT_DAYS: i64 = 90;
/// Largest number of valid keys of one user.
const MAX_KEYS: usize = 100;

/// Name, scopes and expiry of a new API key.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateApiKey {
    /// Purpose of the key, 1–100 characters. It must not contain names of people.
    #[schema(min_length = 1, max_length = 100, example = "Nightly import")]
    name: String,
    /// Scopes of the key. You can give only permissions that you have yourself.
    #[schema(min_items = 1, max_items = 64, example = json!(["attendees:read", "attendees:import"]))]
    scopes: Vec<String>,
    /// Expiry time (RFC 3339), at most 366 days from now. The default is 90 days from now.
    #[serde(default, with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
}

/// A new API key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewApiKeyAnswer {
    /// Data of the key.
    #[serde(flatten)]
    pub api_key: ApiKeyAnswer,
    /// The key itself. Send it as `Authorization: Bearer …`. Only this response contains it.
    #[schema(
        example = "lk_7f6c2f0a0f5e4b579a536f8f6a2f8f11_Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgcmVhbCBvbmU"
    )]
    pub key: String,
}

/// Creates an API key for a program.
///
/// The key acts in your name. It has the given scopes, but never more permissions than you have. An
/// API key cannot create keys. If you set a new password, the key ends, unless you choose to keep
/// your keys. Only this response contains the key, because the server does not store it. A repeated
/// request with the same `Idempotency-Key` creates no second key, but cannot show the first key
/// again.
#[utoipa::path(
    post, path = "/api-keys",
    params(Repeatable),
    responses(
        (status = 201, description = "Created", body = Envelope<NewApiKeyAnswer>),
        (status = 403, description = "FORBIDDEN: you may not create keys, a scope exceeds your permissions, or you use an API key"),
        (status = 409, description = "ALREADY_EXISTS: an earlier request created and showed the key; WRONG_STATE: you have 100 valid keys, the maximum"),
    )
)]
pub async fn create_api_key(
    State(http): State<HttpState>,
    write: Repeatable,
    Json { value, sha256 }: Json<CreateApiKey>,
) -> Result<Answer, ApiError> {
    write
        .once_unstored(&http, sha256, async |context| {
            make(&http, &write.caller, &context, value).await
        })
        .await
}

async fn make(
    http: &HttpState,
    caller: &Caller,
    context: &CommandContext,
    request: CreateApiKey,
) -> Result<Answer, ApiError> {
    let now = http.now();
    let scopes = scopes(caller, &request.scopes)?;
    if http.authorizations.keys_of(caller.user_id, now) >= MAX_KEYS {
        let message =
            format!("you have {MAX_KEYS} valid keys, which is the maximum; revoke one first");
        return Err(ApiError::new(ErrorCode::WrongState, message));
    }
    let token = ApiKeyToken::new(
        created_by(context.command_id, "api key").into(),
        http.random,
    );
    let key = ApiKeyCreated {
        name: request.name.trim().to_owned(),
        owner: caller.user_id,
        scopes: scopes
            .into_iter()
            .map(|permission| permission.scope().to_owned())
            .collect(),
        secret_sha256: token.sha256(),
        expires_at: request
            .expires_at
            .unwrap_or(now + Duration::days(DEFAULT_DAYS))
            .truncate_to_microsecond(),
        owner_epoch: caller.epoch(),
    };
    let create = ApiKeyCommand::Create {
        key: key.clone(),
        now,
    };
    let done = http
        .commands
        .execute::<ApiKey>(context, token.id, create)
        .await?;
    // If an earlier attempt has created the key, the log contains the hash of another secret than
    // the one that was just generated.
    let is_ours =
        matches!(&done.state, ApiKeyState::Valid(made) if made.secret_sha256 == key.secret_sha256);
    if !is_ours {
        let message = format!(
            "the key {} was created and shown by an earlier request; if you have lost it, revoke it",
            token.id
        );
        return Err(ApiError::new(ErrorCode::AlreadyExists, message));
    }
    http.authorizations
        .wait_until_user_applied(done.position)
        .await;
    tracing::info!(api_key = %token.id, "API key created");
    let history = http.commands.history::<ApiKey>(token.id, done.position);
    let history = history.await?;
    let api_key = ApiKeyAnswer::of_new(token.id, key, history.created_at);
    let answer = Answer::ok(&NewApiKeyAnswer {
        api_key,
        key: token.reveal(),
    })?;
    let location = http.api_path(&format!("/api-keys/{}", token.id));
    Ok(answer
        .created(location)
        .at(done.position)
        .version(done.position))
}

/// Returns the permissions for the requested scopes, without duplicates.
///
/// # Errors
/// 400 for an unknown scope; 403 for a scope whose permission the caller does not have.
fn scopes(caller: &Caller, asked: &[String]) -> Result<BTreeSet<Permission>, ApiError> {
    let mut permissions = BTreeSet::new();
    for (n, scope) in asked.iter().enumerate() {
        let unknown = || {
            let known: Vec<&str> = Permission::ALL
                .iter()
                .map(|permission| permission.scope())
                .collect();
            ApiError::wrong_type(
                &format!("scopes[{n}]"),
                format!("is none of {}", known.join(", ")),
            )
        };
        let permission = Permission::of_scope(scope).ok_or_else(unknown)?;
        if !caller.holds(permission) {
            let message =
                format!("you can't give the scope {scope}, because you lack its permission");
            return Err(ApiError::new(ErrorCode::Forbidden, message));
        }
        permissions.insert(permission);
    }
    Ok(permissions)
}

/// Revokes an API key.
///
/// The key stops working immediately, but stays in the list. If the key is already revoked, the
/// request has no effect.
#[utoipa::path(
    delete, path = "/api-keys/{id}",
    params(IfMatch),
    responses(
        (status = 200, description = "The key is revoked", body = Envelope<Deleted>),
    )
)]
pub async fn revoke_api_key(
    State(http): State<HttpState>,
    context: CommandContext,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let id = ApiKeyId(id);
    let done = http
        .change::<ApiKey>(&context, id, &if_match, ApiKeyCommand::Revoke)
        .await?;
    if !done.events.is_empty() {
        tracing::info!(api_key = %id, "API key revoked");
        http.authorizations
            .wait_until_user_applied(done.position)
            .await;
    }
    let answer = Answer::ok(&Deleted { id: id.0 })?.message("the key was revoked");
    Ok(answer.at(done.position))
}
