//! Examples of all JSON bodies. They are composed of the examples of the fields.

use serde_json::{Map, Value, json};

use super::finish::operations;
use crate::http::ErrorCode;

/// Depth limit, for schemas that refer to each other in a cycle.
const MAX_DEPTH: usize = 12;
const JSON: &str = "application/json";

/// Adds an example to the JSON body of each request and response, unless it already has one.
pub(super) fn add(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    for (_, operation) in operations(document) {
        if let Some(body) = operation.get_mut("requestBody") {
            add_to(body, &schemas, None);
        }
        let responses = operation
            .get_mut("responses")
            .and_then(Value::as_object_mut);
        for (status, response) in responses.into_iter().flatten() {
            let error = error_of(status, response);
            add_to(response, &schemas, error);
        }
    }
    let shared = document["components"]["responses"].as_object_mut();
    for response in shared.into_iter().flat_map(|shared| shared.values_mut()) {
        let error = first_code(response).map(error_example);
        add_to(response, &schemas, error);
    }
}

fn add_to(body: &mut Value, schemas: &Value, known: Option<Value>) {
    // Indexing would insert the key if it is missing.
    let media = body
        .get_mut("content")
        .and_then(|content| content.get_mut(JSON));
    let Some(media) = media.and_then(Value::as_object_mut) else {
        return;
    };
    if !media.contains_key("example") && !media.contains_key("examples") {
        let composed = known.unwrap_or_else(|| compose(&media["schema"], schemas, 0));
        media.insert("example".to_owned(), composed);
    }
}

fn error_of(status: &str, response: &Value) -> Option<Value> {
    let is_error = status.starts_with(['4', '5']);
    first_code(response).filter(|_| is_error).map(error_example)
}

/// Returns the error code at the start of the description of a response.
fn first_code(response: &Value) -> Option<ErrorCode> {
    let description = response["description"].as_str()?;
    ErrorCode::of(
        description
            .split(|c: char| !(c.is_ascii_uppercase() || c == '_'))
            .next()?,
    )
}

fn error_example(code: ErrorCode) -> Value {
    json!({
        "success": false,
        "error": { "code": code.as_str(), "message": "the problem, and how to correct it" },
        "requestId": "3f6c2f0a-0f5e-4b57-9a53-6f8f6a2f8f11",
    })
}

/// Returns an example value of a schema: the schema's own example, or a value composed of the
/// examples of its parts.
fn compose(schema: &Value, schemas: &Value, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    let given = schema
        .get("example")
        .or_else(|| schema.get("const"))
        .or_else(|| schema["examples"].get(0));
    if let Some(given) = given.or_else(|| schema["enum"].get(0)) {
        return given.clone();
    }
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next())
    {
        return compose(&schemas[name], schemas, depth + 1);
    }
    for choice in ["oneOf", "anyOf"] {
        let is_null = |choice: &&Value| choice["type"] == "null";
        let choices = schema[choice].as_array().into_iter().flatten();
        if let Some(first) = choices.clone().find(|choice| !is_null(choice)) {
            return compose(first, schemas, depth + 1);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts = parts.iter().map(|part| compose(part, schemas, depth + 1));
        return Value::Object(
            parts
                .filter_map(|part| part.as_object().cloned())
                .flatten()
                .collect(),
        );
    }
    of_type(schema, schemas, depth)
}

fn of_type(schema: &Value, schemas: &Value, depth: usize) -> Value {
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .find(|kind| *kind != "null")
            .cloned()
            .unwrap_or_default(),
        kind => kind.clone(),
    };
    match kinds.as_str() {
        Some("object") => {
            let fields = schema["properties"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            let fields = fields
                .into_iter()
                .map(|(name, field)| (name, compose(&field, schemas, depth + 1)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Some("array") => json!([compose(&schema["items"], schemas, depth + 1)]),
        Some("string") => text(schema),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("boolean") => json!(true),
        _ => Value::Null,
    }
}

fn text(schema: &Value) -> Value {
    let plain = || {
        let least = schema["minLength"]
            .as_u64()
            .and_then(|least| usize::try_from(least).ok())
            .unwrap_or(0);
        format!("{:x<least$}", "text")
    };
    Value::String(
        match schema["format"].as_str() {
            Some("uuid") => "5f0c3a52-8a0e-4c1e-9d53-27e10c8bf4a6",
            Some("date-time") => "2026-11-21T12:00:00Z",
            Some("date") => "2026-11-21",
            Some("email") => "ada@example.com",
            Some("uri") => "https://example.com/summit",
            Some("password") => "Correct-horse-7",
            _ => return plain().into(),
        }
        .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_json_body_has_an_example() {
        let mut document = crate::http::openapi_document();
        for (_, operation) in operations(&mut document) {
            let id = operation["operationId"].clone();
            let bodies = operation["responses"]
                .as_object()
                .into_iter()
                .flat_map(|all| all.values());
            for body in bodies.chain(operation.get("requestBody")) {
                let Some(media) = body["content"].get(JSON) else {
                    continue;
                };
                assert!(
                    media
                        .get("example")
                        .is_some_and(|example| !example.is_null()),
                    "{id}"
                );
            }
        }
    }

    #[test]
    fn error_descriptions_contain_only_codes_of_their_status() {
        let mut document = crate::http::openapi_document();
        for (_, operation) in operations(&mut document) {
            let id = operation["operationId"].clone();
            for (status, response) in operation["responses"].as_object().into_iter().flatten() {
                let Some(description) = response["description"].as_str() else {
                    continue;
                };
                let is_code = |word: &&str| ErrorCode::of(word).is_some();
                let words = description.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
                let codes: Vec<&str> = words.filter(is_code).collect();
                if status.starts_with(['4', '5']) {
                    assert!(
                        !codes.is_empty(),
                        "{id} {status}: name its codes; it says {description}"
                    );
                }
                for code in codes {
                    let of = ErrorCode::of(code).expect("a code").status();
                    assert_eq!(of.as_str(), status, "{id}: {code} under {status}");
                }
            }
        }
    }
}
