//! Admission of requests: limits of concurrent requests, permissions of the caller, and waits until
//! a client can read its own writes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::OwnedSemaphorePermit;

use super::unexpected_body::without_body;
use crate::domain::UserId;
use crate::event_log::Position;
use crate::http::auth::access::Access;
use crate::http::auth::caller::authenticate;
use crate::http::auth::principal::{By, Principal};
use crate::http::auth::rate_limit::Limit;
use crate::http::auth::stream_tickets;
use crate::http::protocol::answer::EVENT_POSITION;
use crate::http::server::client_address::ClientAddress;
use crate::http::{ApiError, ErrorCode, HttpState};
use crate::projection::Readers;

/// Request header with an event position. The response to the read must include all events up to
/// it.
const MIN_POSITION: HeaderName = HeaderName::from_static("x-min-event-position");
/// Header in the response to a write that the query tables do not contain yet.
pub const TABLES_BEHIND: HeaderName = HeaderName::from_static("x-tables-behind");
/// Request header with preferences (RFC 7240).
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Response header with the preferences that the server has applied (RFC 7240).
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// Preference to get the response to a write before the query tables contain the write (RFC 7240
/// §4.1).
const RESPOND_ASYNC: &str = "respond-async";
/// Value of `Retry-After` if all slots are taken.
const LATER: Duration = Duration::from_secs(1);
/// Value of `Retry-After` if a projection has stopped. An operator must act first.
const AFTER_REPAIR: Duration = Duration::from_secs(30);
/// Paths of requests that need no slot, because their responses are cheap.
const ALWAYS: [&str; 3] = ["/health", "/health/live", "/health/ready"];

/// Slot for one of the concurrent requests. A request releases its slot while it only waits.
#[derive(Clone, Default)]
pub struct Place(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Place {
    /// Acquires a slot, without waiting for one.
    ///
    /// # Errors
    /// 503 if no slot is free.
    pub fn enter(&self, http: &HttpState) -> Result<(), ApiError> {
        let place = http
            .request_slots
            .clone()
            .try_acquire_owned()
            .map_err(|_| {
                ApiError::new(ErrorCode::Busy, "too many requests at once; try again")
                    .retry_after(LATER)
            })?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
        Ok(())
    }

    /// Waits for a slot after the request has released its first one. Slots are given in the order
    /// of the calls.
    ///
    /// # Errors
    /// 503 if no slot becomes free within `patience`.
    pub async fn enter_again(&self, http: &HttpState, patience: Duration) -> Result<(), ApiError> {
        let place =
            tokio::time::timeout(patience, http.request_slots.clone().acquire_owned()).await;
        let Ok(Ok(place)) = place else {
            return Err(
                ApiError::new(ErrorCode::Busy, "too many requests at once; try again")
                    .retry_after(LATER),
            );
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
        Ok(())
    }

    /// Releases the slot, if the request has one.
    pub fn leave(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Limits the concurrent requests of all clients (503) and of one client (429).
pub async fn room(State(http): State<HttpState>, mut request: Request, next: Next) -> Response {
    if ALWAYS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let client = request
        .extensions()
        .get::<ClientAddress>()
        .copied()
        .unwrap_or(ClientAddress::Unknown);
    let Some(_of_client) = http.requests_of_clients.take(client, 1) else {
        let message = "you have too many requests in progress; wait for their responses";
        return ApiError::new(ErrorCode::TooManyRequests, message)
            .retry_after(LATER)
            .into_response();
    };
    let place = Place::default();
    if let Err(busy) = place.enter(&http) {
        return busy.into_response();
    }
    request.extensions_mut().insert(place.clone());
    let response = next.run(request).await;
    place.leave();
    response
}

/// Requirements of a route.
#[derive(Clone)]
pub struct Guard {
    /// State of the HTTP interface.
    pub http: HttpState,
    /// Access that the route requires.
    pub access: Access,
    /// True if the route also accepts users who must set up a second factor but have not done so.
    pub even_without_factor: bool,
    /// True if the route also accepts users who must replace a password that an administrator has
    /// set.
    pub with_first_password: bool,
    /// Rate limit by client address.
    pub limit: Option<Limit>,
    /// True if the operation accepts a request body.
    pub has_body: bool,
    /// True if the route also accepts a ticket instead of a token.
    pub accepts_ticket: bool,
    /// Longest duration of the handler.
    pub timeout: Duration,
    /// Query tables from which the resource of the route is read.
    pub readers: Readers,
}

/// Runs the handler within its timeout, if the caller has permission. After a write, delays the
/// response until the query tables contain the write.
pub async fn guard(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let Guard {
        http,
        access,
        even_without_factor,
        with_first_password,
        limit,
        has_body,
        accepts_ticket,
        timeout,
        readers,
    } = guard;
    let write = Write::of(&request);
    request.extensions_mut().insert(readers.clone());
    let answer = async {
        // The limit applies before authentication, so that guesses of tokens are counted too.
        if let Some(limit) = limit {
            let client = request.extensions().get::<ClientAddress>().copied();
            let client = client.unwrap_or(ClientAddress::Unknown);
            http.rate_limits.count(limit, client).inspect_err(|_| {
                if limit == Limit::Password {
                    tracing::warn!(client = %client, "password rate limit exceeded");
                }
            })?;
        }
        if let Some(principal) = sender(&http, access, accepts_ticket, &mut request).await? {
            admit(access, with_first_password, &mut request, principal)?;
        }
        if !even_without_factor {
            has_its_factors(&http, &request)?;
        }
        if is_read(&request) {
            check_not_stopped(&readers)?;
        }
        if let Some(wait) = wait(&request)? {
            http.waiting
                .wait(&http, &readers, wait.user, wait.position, &wait.place)
                .await?;
        }
        if !has_body {
            request = without_body(request).await?;
        }
        Ok::<_, ApiError>(next.run(request).await)
    };
    let mut response = match tokio::time::timeout(timeout, answer).await {
        Ok(answer) => answer.unwrap_or_else(IntoResponse::into_response),
        Err(_) => {
            let message = format!(
                "the request took longer than {} seconds; try again",
                timeout.as_secs()
            );
            ApiError::new(ErrorCode::TimedOut, message).into_response()
        }
    };
    if let Some(write) = write {
        write
            .until_readable(&http, &readers, response.headers_mut())
            .await;
    }
    response
}

/// Request whose method may write.
struct Write {
    place: Place,
    responds_async: bool,
}

impl Write {
    fn of(request: &Request) -> Option<Self> {
        if is_read(request) {
            return None;
        }
        let place = request.extensions().get::<Place>()?.clone();
        Some(Self {
            place,
            responds_async: prefers_async(request.headers()),
        })
    }

    /// Waits until the query tables contain the event whose position is in the response. If the
    /// wait takes too long, adds a header that says so.
    async fn until_readable(self, http: &HttpState, readers: &Readers, answer: &mut HeaderMap) {
        let Some(position) = answer.get(EVENT_POSITION) else {
            return;
        };
        let Some(position) = position.to_str().ok().and_then(|text| text.parse().ok()) else {
            return;
        };
        if self.responds_async {
            answer.insert(PREFERENCE_APPLIED, HeaderValue::from_static(RESPOND_ASYNC));
        } else if !http
            .waiting
            .wait_for_write(readers, position, &self.place)
            .await
        {
            answer.insert(TABLES_BEHIND, HeaderValue::from_static("true"));
        }
    }
}

/// Returns true if the client prefers `respond-async`.
pub(in crate::http) fn prefers_async(headers: &HeaderMap) -> bool {
    let values = headers
        .get_all(PREFER)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let preferences = values.flat_map(|value| value.split(','));
    let mut names =
        preferences.map(|preference| preference.split(';').next().unwrap_or_default().trim());
    names.any(|name| name.eq_ignore_ascii_case(RESPOND_ASYNC))
}

/// Authenticates the sender by access token, API key or ticket. Returns `None` for a public route.
async fn sender(
    http: &HttpState,
    access: Access,
    accepts_ticket: bool,
    request: &mut Request,
) -> Result<Option<Principal>, ApiError> {
    if access == Access::Public {
        return Ok(None);
    }
    if accepts_ticket
        && let Some(ticket) = stream_tickets::ticket_of(request.uri(), request.headers())
    {
        let client = request.extensions().get::<ClientAddress>().copied();
        let client = client.unwrap_or(ClientAddress::Unknown);
        http.rate_limits.count(Limit::Public, client)?;
        let path = request.uri().path();
        return stream_tickets::redeem(http, path, &ticket).await.map(Some);
    }
    authenticate(http, request.headers()).await.map(Some)
}

fn admit(
    access: Access,
    with_first_password: bool,
    request: &mut Request,
    principal: Principal,
) -> Result<(), ApiError> {
    let span = tracing::Span::current();
    span.record("user_id", tracing::field::display(principal.user_id));
    if let By::ApiKey(id, _) = &principal.by {
        span.record("api_key_id", tracing::field::display(id));
    }
    if !with_first_password {
        principal.check_password()?;
    }
    principal.check(access).inspect_err(|_| {
        tracing::warn!(asked = ?access, role = principal.role.name(), "not allowed");
    })?;
    request.extensions_mut().insert(principal);
    Ok(())
}

/// Rejects a signed-in person who must have a second factor and has none. The rule does not apply
/// to API keys.
fn has_its_factors(http: &HttpState, request: &Request) -> Result<(), ApiError> {
    let Some(Principal {
        user_id,
        role,
        by: By::Session(_),
        ..
    }) = request.extensions().get::<Principal>()
    else {
        return Ok(());
    };
    if !http.lacks_second_factor(*user_id, *role) {
        return Ok(());
    }
    let message = "set up a second factor first: POST /auth/second-factor";
    Err(ApiError::new(ErrorCode::SecondFactorMissing, message))
}

/// Position that a read must include. Only authenticated requests can ask for it.
struct Wait {
    user: UserId,
    position: Position,
    place: Place,
}

fn is_read(request: &Request) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method())
}

/// Rejects a read of tables that an event has stopped. Their rows may be outdated. For example, a
/// certificate may have been revoked since. Tables that are only behind the log, because no projector
/// runs, are still read. `/health/ready` reports this state.
fn check_not_stopped(readers: &Readers) -> Result<(), ApiError> {
    let Some(name) = readers.stopped() else {
        return Ok(());
    };
    let message = "these data are not kept up to date at the moment; try again later";
    Err(ApiError::new(ErrorCode::NotCaughtUp, message)
        .because(format!("the projection {name} has stopped"))
        .retry_after(AFTER_REPAIR))
}

fn wait(request: &Request) -> Result<Option<Wait>, ApiError> {
    let extensions = request.extensions();
    let (Some(caller), Some(place)) = (extensions.get::<Principal>(), extensions.get::<Place>())
    else {
        return Ok(None);
    };
    if !is_read(request) {
        return Ok(None);
    }
    let position = min_position(request.headers())?;
    Ok(position.map(|position| Wait {
        user: caller.user_id,
        position,
        place: place.clone(),
    }))
}

fn min_position(headers: &HeaderMap) -> Result<Option<Position>, ApiError> {
    let Some(value) = headers.get(MIN_POSITION) else {
        return Ok(None);
    };
    let position = value.to_str().ok().and_then(|text| text.parse().ok());
    let wrong = || {
        ApiError::wrong_type(
            "X-Min-Event-Position",
            "give the X-Event-Position of a write",
        )
    };
    position.map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn respond_async_is_found_among_other_preferences() {
        let of = |values: &[&'static str]| {
            let pairs = values
                .iter()
                .map(|value| (PREFER, HeaderValue::from_static(value)));
            prefers_async(&pairs.collect())
        };
        for yes in [
            "respond-async",
            "Respond-Async",
            "return=minimal, respond-async",
            "respond-async; a=b, wait=10",
        ] {
            assert!(of(&[yes]), "{yes}");
        }
        assert!(of(&["return=minimal", "respond-async"]));
        for no in [
            "",
            "respond-asynchronously",
            "return=respond-async",
            "foo; respond-async",
        ] {
            assert!(!of(&[no]), "{no}");
        }
        assert!(!of(&[]));
    }

    #[test]
    fn invalid_minimum_position_is_rejected() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(MIN_POSITION, value.parse().unwrap());
            min_position(&headers)
        };
        assert_eq!(min_position(&HeaderMap::new()).unwrap(), None);
        assert_eq!(of("42").unwrap(), Some(42));
        for odd in ["", "-1", "x", "99999999999999999999"] {
            assert_eq!(of(odd).unwrap_err().code, ErrorCode::BadRequest, "{odd}");
        }
    }
}
