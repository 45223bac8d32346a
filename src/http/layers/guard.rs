//! What has to hold before a handler runs: there is room, the caller may do this, and reads show what
//! the caller has written.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::event_log::Position;
use crate::http::access::Access;
use crate::http::caller::authenticate;
use crate::http::client_address::ClientAddress;
use crate::http::principal::{By, Principal};
use crate::http::rate_limit::Limit;
use crate::http::{ApiError, ErrorCode, HttpState};

/// The position that a read must show.
const MIN_POSITION: HeaderName = HeaderName::from_static("x-min-event-position");
/// How long a read waits for it.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Where requests are taken even when there is no room.
const ALWAYS: [&str; 4] = ["/health", "/health/live", "/health/ready", "/metrics"];

/// Refuses more requests at once than there is room for.
pub async fn room(State(http): State<HttpState>, request: Request, next: Next) -> Response {
    if ALWAYS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    match http.request_slots.clone().try_acquire_owned() {
        Ok(slot) => {
            let response = next.run(request).await;
            drop(slot);
            response
        }
        Err(_) => ApiError::new(ErrorCode::Busy, "too many requests at once; try again").into_response(),
    }
}

/// What a route asks.
#[derive(Clone)]
pub struct Guard {
    /// What we need to know.
    pub http: HttpState,
    /// Of whom.
    pub access: Access,
    /// Whether it lets in somebody who has to have a second factor and has none yet.
    pub even_without_factor: bool,
    /// What its callers are counted for.
    pub limit: Option<Limit>,
    /// How long its handler may take.
    pub timeout: Duration,
}

/// Lets the handler run if the caller may, and not for ever.
pub async fn guard(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let Guard { http, access, even_without_factor, limit, timeout } = guard;
    let answer = async {
        // Counted before anything is looked at: guesses at tokens count too.
        if let Some(limit) = limit {
            let settings = &http.settings;
            let client = ClientAddress::of(&request, &settings.trusted_proxies, settings.forwarding_header);
            http.rate_limits.count(limit, client)?;
        }
        admit(&http, access, &mut request).await?;
        if !even_without_factor {
            has_its_factors(&http, &request)?;
        }
        if [Method::GET, Method::HEAD].contains(request.method())
            && let Some(position) = min_position(request.headers())?
        {
            http.readers.wait_for(position, MAX_WAIT).await?;
        }
        Ok::<_, ApiError>(next.run(request).await)
    };
    match tokio::time::timeout(timeout, answer).await {
        Ok(answer) => answer.unwrap_or_else(IntoResponse::into_response),
        Err(_) => {
            let message = format!("it took longer than {} seconds; try again", timeout.as_secs());
            ApiError::new(ErrorCode::TimedOut, message).into_response()
        }
    }
}

async fn admit(http: &HttpState, access: Access, request: &mut Request) -> Result<(), ApiError> {
    if access == Access::Public {
        return Ok(());
    }
    let principal = authenticate(http, request.headers()).await?;
    let span = tracing::Span::current();
    span.record("user_id", tracing::field::display(principal.user_id));
    if let By::ApiKey(id, _) = &principal.by {
        span.record("api_key_id", tracing::field::display(id));
    }
    principal.check(access).inspect_err(|_| {
        tracing::warn!(asked = ?access, role = principal.role.name(), "not allowed");
    })?;
    request.extensions_mut().insert(principal);
    Ok(())
}

/// Refuses a person who has to have a second factor and has none yet. A program has none.
fn has_its_factors(http: &HttpState, request: &Request) -> Result<(), ApiError> {
    let Some(Principal { user_id, role, by: By::Session(_) }) = request.extensions().get::<Principal>()
    else {
        return Ok(());
    };
    if !http.lacks_second_factor(*user_id, *role) {
        return Ok(());
    }
    let message = "set up a second factor first: POST /auth/second-factor";
    Err(ApiError::new(ErrorCode::SecondFactorMissing, message))
}

fn min_position(headers: &HeaderMap) -> Result<Option<Position>, ApiError> {
    let Some(value) = headers.get(MIN_POSITION) else { return Ok(None) };
    let position = value.to_str().ok().and_then(|text| text.parse().ok());
    let wrong = || ApiError::field("X-Min-Event-Position", "give the X-Event-Position of a write");
    position.map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_a_number() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(MIN_POSITION, value.parse().unwrap());
            min_position(&headers)
        };
        assert_eq!(min_position(&HeaderMap::new()).unwrap(), None);
        assert_eq!(of("42").unwrap(), Some(42));
        for odd in ["", "-1", "x", "99999999999999999999"] {
            assert_eq!(of(odd).unwrap_err().code, ErrorCode::ValidationError, "{odd}");
        }
    }
}
