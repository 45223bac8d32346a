//! Error responses that many operations have. They are added to the responses that each operation
//! describes itself.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::http::ErrorCode;

/// Error response that many operations have.
struct Shared {
    name: &'static str,
    about: &'static str,
    /// Codes, which all have the same status.
    codes: &'static [ErrorCode],
}

macro_rules! shared {
    ($($constant:ident = $name:literal, $about:expr, [$($code:ident),+];)+) => {
        $(const $constant: Shared = Shared {
            name: $name,
            about: $about,
            codes: &[$(ErrorCode::$code),+],
        };)+
        const ALL: &[Shared] = &[$($constant),+];
    };
}

const NOT_READABLE: &str =
    "a parameter, header or field is unknown, missing or has the wrong type; `errors` names it";
const NOT_ACCEPTED: &str =
    "the value of a parameter, header or field is refused; `errors` names each";

shared! {
    BAD_REQUEST = "BadRequest", NOT_READABLE, [BadRequest];
    BAD_JSON = "BadJson", NOT_READABLE, [BadRequest, MalformedJson];
    BAD_UPLOAD = "BadUpload", NOT_READABLE, [BadRequest, MalformedUpload];
    UNAUTHENTICATED = "Unauthenticated", "there is no valid access token", [Unauthenticated];
    PASSWORD_CHANGE = "PasswordChangeRequired",
        "an administrator has set the password; change it first",
        [PasswordChangeRequired];
    NOT_FOUND = "NotFound", "there is no such resource", [NotFound];
    REQUEST_TIMEOUT = "RequestTimeout", "the body stopped arriving", [RequestTimeout];
    PRECONDITION_FAILED = "PreconditionFailed",
        "the resource has changed since you read it; read it again",
        [PreconditionFailed];
    PAYLOAD_TOO_LARGE = "PayloadTooLarge", "the body is larger than allowed", [PayloadTooLarge];
    URI_TOO_LONG = "UriTooLong", "the address is longer than allowed", [UriTooLong];
    UNSUPPORTED = "UnsupportedMediaType",
        "this operation does not accept the content type",
        [UnsupportedMediaType];
    TOO_MANY = "TooManyRequests",
        "this client sends too many requests, or too many at once; see `Retry-After`",
        [TooManyRequests];
    INTERNAL = "InternalError", "internal error; report the request id", [InternalError];
    UNAVAILABLE = "Unavailable",
        "try again; see `Retry-After`",
        [Busy, Unavailable, NotCaughtUp, TimedOut];
    REFUSED = "Refused", NOT_ACCEPTED, [ValidationError];
    REFUSED_READ = "RefusedRead", NOT_ACCEPTED, [ValidationError, PositionBeyondEnd];
    POSITION_BEYOND_END = "PositionBeyondEnd",
        "the log does not have the position in `X-Min-Event-Position`",
        [PositionBeyondEnd];
    REFUSED_WRITE = "RefusedWrite",
        "the value of a parameter, header or field is refused, and `errors` names each; or the \
         Idempotency-Key was used with another request",
        [ValidationError, IdempotencyKeyReused];
    KEY_REUSED = "IdempotencyKeyReused",
        "the Idempotency-Key was used with another request; use a new key",
        [IdempotencyKeyReused];
}

impl Shared {
    fn codes(&self) -> impl Iterator<Item = &'static str> {
        self.codes.iter().map(|code| code.as_str())
    }

    /// Returns the status of the codes.
    fn status(&self) -> StatusCode {
        let first = self.codes.first();
        first.map_or(StatusCode::INTERNAL_SERVER_ERROR, |code| code.status())
    }
}

/// Returns the part `components.responses` of the document.
pub(super) fn shared() -> Value {
    let answer = |shared: &Shared| {
        let codes: Vec<_> = shared.codes().collect();
        let description = format!("{}: {}", codes.join(", "), shared.about);
        let answer = json!({ "description": description, "content": content() });
        (shared.name.to_owned(), answer)
    };
    Value::Object(ALL.iter().map(answer).collect())
}

/// Returns the content of an error response.
fn content() -> Value {
    json!({ "application/json": { "schema": { "$ref": "#/components/schemas/ErrorEnvelope" } } })
}

/// Adds the content of an operation's own error responses, and the error responses that it can give
/// because of its parameters, body and security.
pub(super) fn complete(operation: &mut Map<String, Value>, method: &str) {
    let is_secured = operation.contains_key("security");
    let parameters = operation
        .get("parameters")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let takes_path = parameters.iter().any(|parameter| parameter["in"] == "path");
    let takes = |name: &str| parameters.iter().any(|parameter| parameter["name"] == name);
    let takes_key = takes("Idempotency-Key");
    let body = operation
        .get("requestBody")
        .map(|body| body["content"].to_string());
    let takes_body = body.is_some();
    let bad = match body {
        Some(kinds) if kinds.contains("application/json") => &BAD_JSON,
        Some(_) => &BAD_UPLOAD,
        None => &BAD_REQUEST,
    };
    let takes_query = parameters
        .iter()
        .any(|parameter| parameter["in"] == "query");
    let takes_value = takes_body || takes_query;
    let is_read = is_secured && method == "get";
    let refused = match (takes_value, takes_key, is_read) {
        (true, true, _) => Some(&REFUSED_WRITE),
        (true, false, true) => Some(&REFUSED_READ),
        (true, false, false) => Some(&REFUSED),
        (false, true, _) => Some(&KEY_REUSED),
        (false, false, true) => Some(&POSITION_BEYOND_END),
        (false, false, false) => None,
    };
    let wanted = [
        (bad, true),
        (&UNAUTHENTICATED, is_secured),
        (&PASSWORD_CHANGE, is_secured),
        (&NOT_FOUND, takes_path),
        (&REQUEST_TIMEOUT, method != "get"),
        (&PRECONDITION_FAILED, takes("If-Match")),
        (&PAYLOAD_TOO_LARGE, method != "get"),
        (&URI_TOO_LONG, true),
        (&UNSUPPORTED, takes_body),
        (refused.unwrap_or(&REFUSED), refused.is_some()),
        (&TOO_MANY, true),
        (&INTERNAL, true),
        (&UNAVAILABLE, true),
    ];
    let Some(responses) = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    for (status, response) in responses.iter_mut() {
        if status.starts_with(['4', '5']) && response.get("content").is_none() {
            response["content"] = content();
        }
    }
    for (shared, _) in wanted.into_iter().filter(|(_, wanted)| *wanted) {
        let reference = json!({ "$ref": format!("#/components/responses/{}", shared.name) });
        let response = responses
            .entry(shared.status().as_str())
            .or_insert(reference);
        mention(response, shared);
    }
}

/// Adds the codes that the operation's own description of the response does not mention.
fn mention(response: &mut Value, shared: &Shared) {
    let Some(own) = response["description"].as_str() else {
        return;
    };
    let missing: Vec<_> = shared.codes().filter(|code| !own.contains(code)).collect();
    if !missing.is_empty() {
        response["description"] =
            format!("{}. {}", own.trim_end_matches('.'), missing.join(", ")).into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_a_shared_response_have_the_same_status() {
        for shared in ALL {
            for code in shared.codes {
                assert_eq!(code.status(), shared.status(), "{}", shared.name);
            }
        }
    }

    #[test]
    fn own_descriptions_are_kept_and_missing_error_responses_are_added() {
        let mut operation = json!({
            "security": [{}],
            "requestBody": { "content": { "application/json": {} } },
            "responses": { "422": { "description": "NOT_DRAWABLE: the name" } },
        });
        complete(operation.as_object_mut().unwrap(), "post");
        let of = |status: &str| operation["responses"][status].clone();
        assert_eq!(
            of("422")["description"],
            "NOT_DRAWABLE: the name. VALIDATION_ERROR"
        );
        assert_eq!(of("401")["$ref"], "#/components/responses/Unauthenticated");
        assert_eq!(of("400")["$ref"], "#/components/responses/BadJson");
        assert!(of("404").is_null());
    }
}
