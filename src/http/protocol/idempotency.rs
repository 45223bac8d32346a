//! `Idempotency-Key`: a repeated request is executed once and gets the same response.
//!
//! Two mechanisms work together. The command id is derived from user, route, key and body, so a
//! repeated command finds its own events in the log. The response is stored in a row of the
//! database, so a repeated request gets the same response. The row is inserted before the request
//! is executed, so another request that uses the key with a different body is rejected even during
//! the execution. The row is deleted only if the first request is rejected. Once a request has
//! succeeded, its row is kept, even if a repeated request fails.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use axum::http::request::Parts;
use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::{IntoParams, PartialSchema};
use uuid::Uuid;

use crate::commands::CommandContext;
use crate::database::DatabaseError;
use crate::domain::CommandId;
use crate::http::protocol::extract::IdempotencyKey;
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};

/// Namespace of the command ids that are derived from keys (RFC 9562 §5.5). It is a constant random
/// value.
const KEYS: Uuid = Uuid::from_u128(0x2f0c_9d3e_71b4_4c58_a1e6_5d80_93f7_c2ab);

/// Digest that stands for a request without a body.
pub const NO_BODY: [u8; 32] = [0; 32];

/// Extractor for a write that a client may repeat: caller, key, route and path parameters.
pub struct Repeatable {
    /// Caller of the request.
    pub caller: Caller,
    key: Option<String>,
    /// Method, and path with parameter names.
    route: String,
    /// Values of the path parameters. With the same key but another resource, the request is a
    /// different one.
    target: Vec<String>,
}

impl FromRequestParts<HttpState> for Repeatable {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, http: &HttpState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, http).await?;
        let IdempotencyKey(key) = IdempotencyKey::from_request_parts(parts, http).await?;
        let path = MatchedPath::from_request_parts(parts, http)
            .await
            .map_err(ApiError::internal)?;
        let path = path.as_str();
        let path = path
            .strip_prefix(http.settings.prefix.as_str())
            .unwrap_or(path);
        let route = format!("{} {path}", parts.method);
        let not_text = |_| ApiError::wrong_type("path", "must be UTF-8; ids are UUIDs");
        let parameters = RawPathParams::from_request_parts(parts, http)
            .await
            .map_err(not_text)?;
        let target = parameters
            .iter()
            .map(|(_, value)| value.to_owned())
            .collect();
        Ok(Self {
            caller,
            key,
            route,
            target,
        })
    }
}

impl IntoParams for Repeatable {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("A repetition with the same key is not executed again"))
            .schema(Some(String::schema()));
        vec![key.build()]
    }
}

impl Repeatable {
    /// Executes `work` once per key, and returns the same response to each repeated request.
    /// Without a key, executes `work` for each request. `body` is the SHA-256 of the request body,
    /// or [`NO_BODY`].
    ///
    /// # Errors
    /// 422 if the key was used with another body; 503 if the database is unavailable; or the error
    /// of `work`.
    pub async fn once<F>(
        &self,
        http: &HttpState,
        body: [u8; 32],
        work: impl FnOnce(CommandContext) -> F,
    ) -> Result<Answer, ApiError>
    where
        F: Future<Output = Result<Answer, ApiError>>,
    {
        self.execute(http, body, true, work).await
    }

    /// Like [`Self::once`], for a response with personal data. The response is not stored. A
    /// repeated request executes `work` again, which finds the same result in the log.
    ///
    /// # Errors
    /// See [`Self::once`].
    pub async fn once_unstored<F>(
        &self,
        http: &HttpState,
        body: [u8; 32],
        work: impl FnOnce(CommandContext) -> F,
    ) -> Result<Answer, ApiError>
    where
        F: Future<Output = Result<Answer, ApiError>>,
    {
        self.execute(http, body, false, work).await
    }

    async fn execute<F>(
        &self,
        http: &HttpState,
        body: [u8; 32],
        is_stored: bool,
        work: impl FnOnce(CommandContext) -> F,
    ) -> Result<Answer, ApiError>
    where
        F: Future<Output = Result<Answer, ApiError>>,
    {
        let Some(key) = &self.key else {
            return work(self.caller.context(http.random_id().into())).await;
        };
        let body = self.digest(body);
        let row = Row {
            user: self.caller.user_id.to_string(),
            route: &self.route,
            key,
        };
        let is_first = match row.claim(http, &body).await? {
            Claimed::Kept(answer) => return Ok(answer),
            Claimed::First => true,
            Claimed::Again => false,
        };
        let outcome = work(self.caller.context(row.command_id(&body))).await;
        match &outcome {
            Ok(answer) => row.finish(http, &body, is_stored.then_some(answer)).await?,
            // Nothing was done, so the key is released: the client may correct the request and use
            // the key again. A repeated request does not release the key, because its failure does
            // not show that the first request has failed.
            Err(error) if is_first && error.code.status().is_client_error() => {
                row.release(http).await?
            }
            Err(_) => {}
        }
        outcome
    }

    /// Returns a digest of the path parameters and the body.
    fn digest(&self, body: [u8; 32]) -> [u8; 32] {
        if self.target.is_empty() {
            return body;
        }
        let mut digest = Sha256::new();
        for value in &self.target {
            // Ids are parsed, because the same id can be written in several ways.
            match value.parse::<Uuid>() {
                Ok(id) => digest.update(id.as_bytes()),
                Err(_) => digest.update(Sha256::digest(value.as_bytes())),
            }
        }
        digest.chain_update(body).finalize().into()
    }
}

/// State of a key at the start of a request.
enum Claimed {
    /// The key is new.
    First,
    /// The same request has used the key before, but no response is stored.
    Again,
    /// The same request has used the key before. This is the stored response.
    Kept(Answer),
}

/// Derives the id of a resource that a command creates. If the command is repeated, the id is the
/// same.
#[must_use]
pub fn created_by(command: CommandId, what: &str) -> Uuid {
    Uuid::new_v5(&command.0, what.as_bytes())
}

struct Row<'k> {
    user: String,
    route: &'k str,
    key: &'k str,
}

impl Row<'_> {
    fn command_id(&self, body: &[u8; 32]) -> CommandId {
        let name = [&self.user, self.route, self.key, &HEXLOWER.encode(body)].join("\u{1f}");
        CommandId(Uuid::new_v5(&KEYS, name.as_bytes()))
    }

    /// Reserves the key for this body, unless the key is already in use.
    async fn claim(&self, http: &HttpState, body: &[u8; 32]) -> Result<Claimed, ApiError> {
        let database = http.database().await?;
        let body = &body[..];
        let schema = &http.meta_schema;
        let take = format!(
            "INSERT INTO \"{schema}\".idempotent_answers AS kept (user_id, route, key, body_sha256, expires_at)
             VALUES ($1, $2, $3, $4, now() + interval '24 hours')
             ON CONFLICT (user_id, route, key) DO UPDATE
             SET body_sha256 = excluded.body_sha256, status = NULL, headers = NULL, answer = NULL, is_done = false,
                 created_at = now(), expires_at = excluded.expires_at
             WHERE kept.expires_at < now()"
        );
        let taken = database
            .execute(&take, &[&self.user, &self.route, &self.key, &body])
            .await;
        if taken.map_err(DatabaseError::from)? > 0 {
            return Ok(Claimed::First);
        }
        let look = format!(
            "SELECT body_sha256, status, headers, answer FROM \"{schema}\".idempotent_answers
             WHERE user_id = $1 AND route = $2 AND key = $3"
        );
        let found = database
            .query_opt(&look, &[&self.user, &self.route, &self.key])
            .await;
        // Another request has released the key after the INSERT statement.
        let Some(row) = found.map_err(DatabaseError::from)? else {
            return Ok(Claimed::Again);
        };
        if row.get::<_, &[u8]>("body_sha256") != body {
            let message =
                "this Idempotency-Key was used with another body; use a new key for a new request";
            return Err(ApiError::new(ErrorCode::IdempotencyKeyReused, message));
        }
        let Some(status) = row.get::<_, Option<i16>>("status") else {
            return Ok(Claimed::Again);
        };
        let headers =
            serde_json::from_value::<BTreeMap<String, String>>(row.get::<_, Value>("headers"));
        Ok(Claimed::Kept(Answer {
            status: u16::try_from(status).map_err(ApiError::internal)?,
            headers: headers.map_err(ApiError::internal)?,
            body: row.get("answer"),
        }))
    }

    /// Marks the request as done, and stores its response unless it is `None`. Inserts the row
    /// again if another request has deleted it.
    async fn finish(
        &self,
        http: &HttpState,
        body: &[u8; 32],
        answer: Option<&Answer>,
    ) -> Result<(), ApiError> {
        let status = answer
            .map(|answer| i16::try_from(answer.status))
            .transpose();
        let status = status.map_err(ApiError::internal)?;
        let headers = answer
            .map(|answer| serde_json::to_value(&answer.headers))
            .transpose();
        let headers = headers.map_err(ApiError::internal)?;
        let bytes = answer.map(|answer| &answer.body);
        let body = &body[..];
        let sql = format!(
            "INSERT INTO \"{}\".idempotent_answers AS kept
                 (user_id, route, key, body_sha256, status, headers, answer, is_done, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, true, now() + interval '24 hours')
             ON CONFLICT (user_id, route, key) DO UPDATE
             SET status = excluded.status, headers = excluded.headers, answer = excluded.answer, is_done = true
             WHERE kept.body_sha256 = excluded.body_sha256",
            http.meta_schema
        );
        let database = http.database().await?;
        let kept = database
            .execute(
                &sql,
                &[
                    &self.user,
                    &self.route,
                    &self.key,
                    &body,
                    &status,
                    &headers,
                    &bytes,
                ],
            )
            .await;
        kept.map_err(DatabaseError::from)?;
        Ok(())
    }

    async fn release(&self, http: &HttpState) -> Result<(), ApiError> {
        let sql = format!(
            "DELETE FROM \"{}\".idempotent_answers
             WHERE user_id = $1 AND route = $2 AND key = $3 AND NOT is_done",
            http.meta_schema
        );
        let database = http.database().await?;
        let gone = database
            .execute(&sql, &[&self.user, &self.route, &self.key])
            .await;
        gone.map_err(DatabaseError::from)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_id_depends_on_user_route_key_and_body() {
        let row = |user: &str, route, key| Row {
            user: user.to_owned(),
            route,
            key,
        };
        let id = row("u", "POST /a", "k").command_id(&[1; 32]);
        assert_eq!(id, row("u", "POST /a", "k").command_id(&[1; 32]));
        for other in [
            row("v", "POST /a", "k"),
            row("u", "POST /b", "k"),
            row("u", "POST /a", "l"),
        ] {
            assert_ne!(id, other.command_id(&[1; 32]));
        }
        assert_ne!(id, row("u", "POST /a", "k").command_id(&[2; 32]));
        assert_eq!(created_by(id, "import"), created_by(id, "import"));
        assert_ne!(created_by(id, "import"), created_by(id, "batch"));
    }
}
