//! Tickets for event streams.
//!
//! The `EventSource` of browsers sends no `Authorization` header. A signed-in person therefore gets
//! a ticket with an access token, and puts the ticket into the URL of the stream. A ticket opens one
//! stream, once, within 30 s. It carries the user, session, role and epoch of the access token,
//! which are checked against the authorization state when the ticket is used.
//!
//! PostgreSQL stores the SHA-256 of a ticket. All API processes share it, and deleting the row uses
//! up the ticket, so a ticket works once whichever process gets it. No log line contains a ticket,
//! because queries are never logged.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::Duration;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::principal::Principal;
use super::tokens::Bearer;
use crate::database::DatabaseError;
use crate::domain::Secret;
use crate::http::protocol::extract::Query;
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};

/// Time in which a ticket can be used.
const LIFETIME: Duration = Duration::from_secs(30);
/// Largest number of unused tickets of one user.
const MAX_OF_USER: i64 = 32;
/// Length of 32 bytes in base64url.
const TICKET_CHARS: usize = 43;

/// Query parameters of an event stream.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// Ticket instead of a token, for clients that can't send an `Authorization` header.
    #[param(value_type = Option<String>)]
    ticket: Option<Secret>,
    /// Like the header `Last-Event-ID`, for clients that can't send it.
    pub last_event_id: Option<String>,
}

/// Ticket that opens an event stream once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamTicket {
    /// The ticket.
    #[schema(example = "Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgcmVhbCBvbmU")]
    ticket: String,
    /// Path of the stream with the ticket, for `new EventSource(…)`.
    #[schema(
        example = "/api/v1/imports/3f6c1c1e-58a4-4c02-9d1b-0f3a55b7c5a1/events?ticket=Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgcmVhbCBvbmU"
    )]
    url: String,
    /// Time until which the ticket can be used (RFC 3339): 30 seconds ahead.
    expires_at: Timestamp,
}

/// Returns the answer with a new ticket for the stream at `path`, which begins with the API's
/// prefix. Deletes expired tickets.
///
/// # Errors
/// 429 if the user has too many unused tickets; 503 if the database is unavailable.
pub async fn issue(http: &HttpState, caller: &Caller, path: &str) -> Result<Answer, ApiError> {
    let bearer = caller
        .bearer()
        .ok_or_else(|| ApiError::internal("an API key asks for a ticket"))?;
    let bearer = serde_json::to_value(bearer).map_err(ApiError::internal)?;
    let mut bytes = [0; 32];
    (http.random)(&mut bytes);
    let ticket = URL_SAFE_NO_PAD.encode(bytes);
    let now = http.now();
    let expires_at = now + LIFETIME;
    let database = http.database().await?;
    let schema = &http.meta_schema;
    let forget = format!("DELETE FROM \"{schema}\".stream_tickets WHERE expires_at <= $1");
    let forgotten = database.execute(&forget, &[&now]).await;
    forgotten.map_err(DatabaseError::from)?;
    let insert = format!(
        "INSERT INTO \"{schema}\".stream_tickets (ticket_sha256, user_id, path, bearer, expires_at)
         SELECT $1, $2, $3, $4, $5
         WHERE (SELECT count(*) FROM \"{schema}\".stream_tickets WHERE user_id = $2) < {MAX_OF_USER}"
    );
    let sha256 = sha256(&ticket);
    let stored = database
        .execute(
            &insert,
            &[&sha256, &caller.user_id.0, &path, &bearer, &expires_at],
        )
        .await;
    if stored.map_err(DatabaseError::from)? == 0 {
        let message = "you have too many unused tickets; use them, or wait until they expire";
        return Err(ApiError::new(ErrorCode::TooManyRequests, message).retry_after(LIFETIME));
    }
    Answer::ok(&StreamTicket {
        url: format!("{path}?ticket={ticket}"),
        ticket,
        expires_at: Timestamp(expires_at),
    })
}

/// Returns the ticket in the query of a request without an `Authorization` header.
pub fn ticket_of(uri: &Uri, headers: &HeaderMap) -> Option<Secret> {
    if headers.contains_key(AUTHORIZATION) {
        return None;
    }
    Query::<StreamQuery>::of(uri).ok()?.ticket
}

/// Uses up a ticket for the stream at `path` and returns its sender.
///
/// # Errors
/// 401 if the ticket is unknown, was used, has expired or is for another stream, or if its session
/// has ended; 503 if the database is unavailable or the authorization state is not current.
pub async fn redeem(http: &HttpState, path: &str, ticket: &Secret) -> Result<Principal, ApiError> {
    let message = "the ticket is not for this stream, was used or has expired; get a new one";
    let not_valid = || ApiError::new(ErrorCode::Unauthenticated, message);
    if ticket.reveal().len() != TICKET_CHARS {
        return Err(not_valid());
    }
    http.authorizations.fresh().await?;
    let take = format!(
        "DELETE FROM \"{}\".stream_tickets WHERE ticket_sha256 = $1 RETURNING path, bearer, expires_at",
        http.meta_schema
    );
    let database = http.database().await?;
    let taken = database
        .query_opt(&take, &[&sha256(ticket.reveal())])
        .await
        .map_err(DatabaseError::from)?
        .ok_or_else(not_valid)?;
    let is_for_this = taken.get::<_, &str>("path") == path;
    let is_late = taken.get::<_, OffsetDateTime>("expires_at") <= http.now();
    if !is_for_this || is_late {
        return Err(not_valid());
    }
    let bearer: Bearer = serde_json::from_value(taken.get("bearer")).map_err(ApiError::internal)?;
    http.authorizations.of_token(&bearer).ok_or_else(not_valid)
}

fn sha256(ticket: &str) -> Vec<u8> {
    Sha256::digest(ticket.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn token_takes_precedence_over_a_ticket() {
        let uri: Uri = "/api/v1/imports/1/events?ticket=abc".parse().unwrap();
        let mut headers = HeaderMap::new();
        let ticket = ticket_of(&uri, &headers).unwrap();
        assert_eq!(ticket.reveal(), "abc");
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        assert!(ticket_of(&uri, &headers).is_none());
    }
}
