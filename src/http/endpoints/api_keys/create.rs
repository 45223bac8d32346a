//! `POST /api-keys`

use std::collections::BTreeSet;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use super::ApiKeyAnswer;
use crate::domain::CommandId;
use crate::domain::api_key::{ApiKey, ApiKeyCommand, ApiKeyCreated, ApiKeyState};
use crate::http::access::Permission;
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::api_key_token::ApiKeyToken;
use crate::http::extract::{IdempotencyKey, Json};
use crate::http::idempotency::{Request, created_by, once};
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};

/// How long a key counts where nothing is said.
const DEFAULT_DAYS: i64 = 90;
/// The most keys of one user that count at the same time.
const MAX_KEYS: usize = 100;

/// What a program may do, and until when.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateApiKey {
    /// What the key is for, 1–100 characters. Don't name people.
    #[schema(min_length = 1, max_length = 100, example = "Nightly import")]
    name: String,
    /// What it may; you must be allowed that yourself.
    #[schema(min_items = 1, max_items = 64, example = json!(["attendees:read", "attendees:import"]))]
    scopes: Vec<String>,
    /// Until when it counts (RFC 3339), at most 366 days ahead; 90 days if absent.
    #[serde(default, with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
}

/// A new API key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewApiKeyAnswer {
    /// What it is.
    #[serde(flatten)]
    pub api_key: ApiKeyAnswer,
    /// The key itself, to be sent as `Authorization: Bearer …`. It is shown this once.
    #[schema(example = "lk_7f6c2f0a0f5e4b579a536f8f6a2f8f11_Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgcmVhbCBvbmU")]
    pub key: String,
}

/// Make an API key for a program.
///
/// It calls in your name, with the scopes given here and never more than you may yourself. An API key can't
/// make keys. A new password of yours ends the key, unless you keep your keys then. The answer is
/// the only one that shows it, and is kept nowhere: sent again with the same `Idempotency-Key`, this makes
/// no other key, but can't show the first one again.
#[utoipa::path(
    post, path = "/api-keys", request_body = CreateApiKey,
    params(("Idempotency-Key" = Option<String>, Header, description = "Sent again, it makes no other key")),
    responses(
        (status = 201, description = "Made", body = Envelope<NewApiKeyAnswer>,
            headers(("ETag" = String, description = "The version"), ("Location" = String, description = "Where it is"))),
        (status = 400, description = "VALIDATION_ERROR: details name the fields", body = ErrorEnvelope),
        (status = 403, description = "FORBIDDEN: you may not make keys, or not with these scopes; or you are an API key", body = ErrorEnvelope),
        (status = 409, description = "ALREADY_EXISTS: it was made and shown before; WRONG_STATE: you have as many keys as one can have", body = ErrorEnvelope),
        (status = 422, description = "IDEMPOTENCY_KEY_REUSED", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    Json { value, sha256 }: Json<CreateApiKey>,
) -> Result<Answer, ApiError> {
    let route = "POST /api-keys";
    let request = Request { caller: &caller, route, key, body_sha256: sha256, keep_answer: false };
    once(&http, request, async |command_id| make(&http, &caller, command_id, value).await).await
}

async fn make(
    http: &HttpState,
    caller: &Caller,
    command_id: CommandId,
    request: CreateApiKey,
) -> Result<Answer, ApiError> {
    let now = http.now();
    let scopes = scopes(caller, &request.scopes)?;
    if http.standing.keys_of(caller.user_id, now) >= MAX_KEYS {
        let message = format!("you have {MAX_KEYS} keys that count; revoke one first");
        return Err(ApiError::new(ErrorCode::WrongState, message));
    }
    let token = ApiKeyToken::new(created_by(command_id, "api key").into(), http.random);
    let key = ApiKeyCreated {
        name: request.name.trim().to_owned(),
        owner: caller.user_id,
        scopes: scopes.into_iter().map(|permission| permission.scope().to_owned()).collect(),
        secret_sha256: token.sha256(),
        expires_at: request.expires_at.unwrap_or(now + Duration::days(DEFAULT_DAYS)),
        owner_epoch: caller.epoch(),
    };
    let create = ApiKeyCommand::Create { key: key.clone(), now };
    let done = http.commands.execute::<ApiKey>(&caller.context(command_id), token.id, create).await?;
    // Found in the log: an earlier try made it, with another secret than the one just drawn.
    let is_ours = matches!(&done.state, ApiKeyState::Valid(made) if made.secret_sha256 == key.secret_sha256);
    if !is_ours {
        let message = format!("the key {} was made and shown before; revoke it if that got lost", token.id);
        return Err(ApiError::new(ErrorCode::AlreadyExists, message));
    }
    http.standing.heeds_user(done.position).await;
    tracing::info!(api_key = %token.id, "an API key was made");
    let api_key = ApiKeyAnswer::of_new(token.id, key);
    let answer = Answer::ok(&NewApiKeyAnswer { api_key, key: token.reveal() })?;
    let location = http.api_path(&format!("/api-keys/{}", token.id));
    Ok(answer.created(location).at(done.position).version(done.position))
}

/// The permissions that are asked for, each once; a caller can't give what it doesn't have.
fn scopes(caller: &Caller, asked: &[String]) -> Result<BTreeSet<Permission>, ApiError> {
    let mut permissions = BTreeSet::new();
    for (n, scope) in asked.iter().enumerate() {
        let unknown = || {
            let known: Vec<&str> = Permission::ALL.iter().map(|permission| permission.scope()).collect();
            ApiError::field(&format!("scopes[{n}]"), format!("is none of {}", known.join(", ")))
        };
        let permission = Permission::of_scope(scope).ok_or_else(unknown)?;
        if !caller.holds(permission) {
            let message = format!("you can't give {scope}, which you don't have");
            return Err(ApiError::new(ErrorCode::Forbidden, message));
        }
        permissions.insert(permission);
    }
    Ok(permissions)
}
