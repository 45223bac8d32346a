//! Error responses that many operations have. They are added to the responses that each operation
//! describes itself.

use serde_json::{Map, Value, json};

/// Error response that many operations have: its name, status, description and codes.
struct Shared {
    name: &'static str,
    status: &'static str,
    about: &'static str,
    codes: &'static [&'static str],
}

const fn shared_answer(
    name: &'static str,
    status: &'static str,
    about: &'static str,
    codes: &'static [&'static str],
) -> Shared {
    Shared {
        name,
        status,
        about,
        codes,
    }
}

const NOT_READABLE: &str =
    "a parameter, header or field is unknown, missing or has the wrong type; `errors` names it";
const BAD_REQUEST: Shared = shared_answer("BadRequest", "400", NOT_READABLE, &["BAD_REQUEST"]);
const BAD_JSON: Shared = shared_answer(
    "BadJson",
    "400",
    NOT_READABLE,
    &["BAD_REQUEST", "MALFORMED_JSON"],
);
const BAD_UPLOAD: Shared = shared_answer(
    "BadUpload",
    "400",
    NOT_READABLE,
    &["BAD_REQUEST", "MALFORMED_UPLOAD"],
);
const UNAUTHENTICATED: Shared = shared_answer(
    "Unauthenticated",
    "401",
    "there is no valid access token",
    &["UNAUTHENTICATED"],
);
const PASSWORD_CHANGE: Shared = shared_answer(
    "PasswordChangeRequired",
    "403",
    "an administrator has set the password; change it first",
    &["PASSWORD_CHANGE_REQUIRED"],
);
const NOT_FOUND: Shared = shared_answer(
    "NotFound",
    "404",
    "there is nothing at this address",
    &["NOT_FOUND"],
);
const REQUEST_TIMEOUT: Shared = shared_answer(
    "RequestTimeout",
    "408",
    "the body stopped arriving",
    &["REQUEST_TIMEOUT"],
);
const PRECONDITION_FAILED: Shared = shared_answer(
    "PreconditionFailed",
    "412",
    "the resource has changed since you read it; read it again",
    &["PRECONDITION_FAILED"],
);
const PAYLOAD_TOO_LARGE: Shared = shared_answer(
    "PayloadTooLarge",
    "413",
    "the body is larger than allowed",
    &["PAYLOAD_TOO_LARGE"],
);
const URI_TOO_LONG: Shared = shared_answer(
    "UriTooLong",
    "414",
    "the address is longer than allowed",
    &["URI_TOO_LONG"],
);
const UNSUPPORTED: Shared = shared_answer(
    "UnsupportedMediaType",
    "415",
    "this operation does not accept the content type",
    &["UNSUPPORTED_MEDIA_TYPE"],
);
const TOO_MANY: Shared = shared_answer(
    "TooManyRequests",
    "429",
    "this client sends too many requests, or too many at once; see `Retry-After`",
    &["TOO_MANY_REQUESTS"],
);
const INTERNAL: Shared = shared_answer(
    "InternalError",
    "500",
    "internal error; report the request id",
    &["INTERNAL_ERROR"],
);
const UNAVAILABLE: Shared = shared_answer(
    "Unavailable",
    "503",
    "try again; see `Retry-After`",
    &["BUSY", "UNAVAILABLE", "NOT_CAUGHT_UP", "TIMED_OUT"],
);
const NOT_ACCEPTED: &str =
    "the value of a parameter, header or field is refused; `errors` names each";
const REFUSED: Shared = shared_answer("Refused", "422", NOT_ACCEPTED, &["VALIDATION_ERROR"]);
const REFUSED_READ: Shared = shared_answer(
    "RefusedRead",
    "422",
    NOT_ACCEPTED,
    &["VALIDATION_ERROR", "POSITION_BEYOND_END"],
);
const POSITION_BEYOND_END: Shared = shared_answer(
    "PositionBeyondEnd",
    "422",
    "the log does not have the position in `X-Min-Event-Position`",
    &["POSITION_BEYOND_END"],
);
const REFUSED_WRITE: Shared = shared_answer(
    "RefusedWrite",
    "422",
    "the value of a parameter, header or field is refused, and `errors` names each; or the \
     Idempotency-Key was used with another request",
    &["VALIDATION_ERROR", "IDEMPOTENCY_KEY_REUSED"],
);
const KEY_REUSED: Shared = shared_answer(
    "IdempotencyKeyReused",
    "422",
    "the Idempotency-Key was used with another request; use a new key",
    &["IDEMPOTENCY_KEY_REUSED"],
);
const ALL: &[&Shared] = &[
    &KEY_REUSED,
    &REFUSED,
    &REFUSED_READ,
    &REFUSED_WRITE,
    &POSITION_BEYOND_END,
    &BAD_REQUEST,
    &BAD_JSON,
    &BAD_UPLOAD,
    &UNAUTHENTICATED,
    &PASSWORD_CHANGE,
    &NOT_FOUND,
    &REQUEST_TIMEOUT,
    &PRECONDITION_FAILED,
    &PAYLOAD_TOO_LARGE,
    &URI_TOO_LONG,
    &UNSUPPORTED,
    &TOO_MANY,
    &INTERNAL,
    &UNAVAILABLE,
];

/// Returns the part `components.responses` of the document.
pub(super) fn shared() -> Value {
    let answer = |shared: &&Shared| {
        let description = format!("{}: {}", shared.codes.join(", "), shared.about);
        let schema = json!({ "$ref": "#/components/schemas/ErrorEnvelope" });
        let content = json!({ "application/json": { "schema": schema } });
        (
            shared.name.to_owned(),
            json!({ "description": description, "content": content }),
        )
    };
    Value::Object(ALL.iter().map(answer).collect())
}

/// Adds the error responses that an operation can give because of its parameters, body and
/// security.
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
    for (shared, _) in wanted.into_iter().filter(|(_, wanted)| *wanted) {
        let reference = json!({ "$ref": format!("#/components/responses/{}", shared.name) });
        mention(
            responses.entry(shared.status).or_insert(reference),
            shared.codes,
        );
    }
}

/// Adds the codes that the operation's own description of the response does not mention.
fn mention(response: &mut Value, codes: &[&str]) {
    let Some(own) = response["description"].as_str().map(str::to_owned) else {
        return;
    };
    let missing: Vec<&str> = codes
        .iter()
        .copied()
        .filter(|code| !own.contains(code))
        .collect();
    if !missing.is_empty() {
        response["description"] =
            format!("{}. {}", own.trim_end_matches('.'), missing.join(", ")).into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ErrorCode;

    #[test]
    fn codes_of_shared_responses_match_their_status() {
        for shared in ALL {
            for code in shared.codes {
                let known = ErrorCode::of(code).unwrap_or_else(|| panic!("no code {code}"));
                assert_eq!(known.status().as_str(), shared.status, "{code}");
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
