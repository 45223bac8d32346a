//! Headers of responses. They follow from the method, the status and the security of an operation.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

const REQUEST_ID: &str = "X-Request-Id";
const POSITION: &str = "X-Event-Position";
const BEHIND: &str = "X-Tables-Behind";
const ETAG: &str = "ETag";
const LOCATION: &str = "Location";
const RETRY_AFTER: &str = "Retry-After";

/// Headers with their types and descriptions.
const HEADERS: &[(&str, &str, &str)] = &[
    (
        REQUEST_ID,
        "string",
        "Id of the request, as in the server's log",
    ),
    (
        POSITION,
        "integer",
        "Position of the write in the log, for X-Min-Event-Position of a read; absent if nothing was written",
    ),
    (
        BEHIND,
        "boolean",
        "`true` if reads do not show the write yet",
    ),
    (
        ETAG,
        "string",
        "Version of the resource, for If-Match of a change and If-None-Match of a read",
    ),
    (
        LOCATION,
        "string",
        "URL of the resource that was created, or of the work's progress",
    ),
    (
        RETRY_AFTER,
        "integer",
        "Number of seconds after which the request can be sent again",
    ),
];

/// Headers that every response has for which they are described.
const ALWAYS: [&str; 3] = [REQUEST_ID, ETAG, LOCATION];

/// Returns the document's `components.headers`.
pub(super) fn shared() -> Value {
    let header = |(name, kind, description): &(&str, &str, &str)| {
        let mut schema = json!({ "type": kind });
        if *kind == "integer" {
            schema["minimum"] = 0.into();
        }
        let mut header = json!({ "description": description, "schema": schema });
        if ALWAYS.contains(name) {
            header["required"] = true.into();
        }
        ((*name).to_owned(), header)
    };
    Value::Object(HEADERS.iter().map(header).collect())
}

/// Adds the headers to the responses of all operations.
pub(super) fn describe_all(document: &mut Value) {
    let resources = resources(document);
    for (path, operations) in document["paths"].as_object_mut().into_iter().flatten() {
        let is_resource = path.ends_with('}');
        for (method, operation) in operations.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                describe(operation, method, is_resource, &resources);
            }
        }
    }
    for (name, response) in document["components"]["responses"]
        .as_object_mut()
        .into_iter()
        .flatten()
    {
        add(response, REQUEST_ID);
        if matches!(name.as_str(), "TooManyRequests" | "Unavailable") {
            add(response, RETRY_AFTER);
        }
    }
}

/// Returns the schemas of single resources: those that a read of a path with an id at its end
/// returns.
fn resources(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .filter(|(path, _)| path.ends_with('}'))
        .filter_map(|(_, operations)| {
            let read = operations.get("get")?;
            read.get("security")?;
            body_schema(&read["responses"]["200"])
        })
        .collect()
}

/// Returns the name of the schema of a JSON response.
fn body_schema(response: &Value) -> Option<String> {
    let schema = &response["content"]["application/json"]["schema"]["$ref"];
    schema.as_str().map(str::to_owned)
}

/// Adds the headers to the responses of an operation. Responses that are references have their own.
/// `is_resource` is true if the path names one resource, and `resources` are the schemas of single
/// resources.
fn describe(
    operation: &mut Map<String, Value>,
    method: &str,
    is_resource: bool,
    resources: &BTreeSet<String>,
) {
    let is_secured = operation.contains_key("security");
    let is_write = is_secured && method != "get";
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let changes_one = parameters
        .into_iter()
        .flatten()
        .any(|parameter| parameter["name"] == "If-Match");
    let responses = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut);
    for (status, response) in responses.into_iter().flatten() {
        if response.get("$ref").is_some() {
            continue;
        }
        add(response, REQUEST_ID);
        let schema = body_schema(response);
        let is_one = schema.is_some_and(|schema| resources.contains(&schema));
        match status.as_str() {
            "201" => {
                add(response, LOCATION);
                add(response, ETAG);
            }
            "202" => add(response, LOCATION),
            "429" | "503" => add(response, RETRY_AFTER),
            "200" if is_one && (changes_one || is_resource) => add(response, ETAG),
            _ => {}
        }
        if is_write && status.starts_with('2') {
            add(response, POSITION);
            add(response, BEHIND);
        }
    }
    if is_secured && is_resource && method == "get" {
        accept_known_version(operation);
    }
}

/// Adds the header `If-None-Match` and the response 304 to the read of a resource with an `ETag`.
fn accept_known_version(operation: &mut Map<String, Value>) {
    if operation["responses"]["200"]["headers"][ETAG].is_null() {
        return;
    }
    let header = json!({
        "name": "If-None-Match",
        "in": "header",
        "description": "ETag of the version that you have",
        "required": false,
        "schema": { "type": "string" },
    });
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut() {
        parameters.push(header);
    }
    operation["responses"]["304"] =
        json!({ "description": "`If-None-Match` matches the current version" });
}

/// Adds a header unless the response describes it itself.
fn add(response: &mut Value, name: &str) {
    let Some(response) = response.as_object_mut() else {
        return;
    };
    let headers = response.entry("headers").or_insert_with(|| json!({}));
    if let Some(headers) = headers.as_object_mut() {
        let reference = json!({ "$ref": format!("#/components/headers/{name}") });
        headers.entry(name.to_owned()).or_insert(reference);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn created_resource_has_a_location_and_a_position() {
        let mut operation = json!({
            "security": [{}],
            "responses": { "201": {}, "400": {}, "503": { "$ref": "#/components/responses/Unavailable" } },
        });
        let resources = BTreeSet::new();
        describe(
            operation.as_object_mut().unwrap(),
            "post",
            false,
            &resources,
        );
        let headers = |status: &str| {
            let headers = operation["responses"][status]["headers"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            headers.keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(
            headers("201"),
            [ETAG, LOCATION, POSITION, REQUEST_ID, BEHIND]
        );
        assert_eq!(headers("400"), [REQUEST_ID]);
        assert!(headers("503").is_empty());
    }
}
