//! Completion of the generated document: names for generated clients, shared errors, tags, servers,
//! and an example of every JSON body.

use serde_json::{Map, Value, json};

use super::{errors, examples, headers};

/// All tags with their descriptions, in the order of work: log in, define a certificate, import
/// people, issue, send mails. Administration follows.
pub(super) const TAGS: &[(&str, &str)] = &[
    ("auth", "Log-in, sessions and the user's own account"),
    (
        "certificates",
        "Definitions of certificates, and their designs",
    ),
    ("templates", "Templates that certificates are drawn with"),
    ("attendees", "People who receive certificates"),
    ("imports", "Uploaded lists of people and their progress"),
    (
        "generated-certificates",
        "Certificates that were issued to people",
    ),
    ("batches", "Requests to issue for many people"),
    (
        "jobs",
        "Mails about issued certificates, and scheduled tasks",
    ),
    ("public", "Public pages and files of certificates"),
    ("users", "People who can log in"),
    ("api-keys", "Credentials of programs"),
    ("health", "State of the server"),
    ("about", "The server itself"),
];

/// Schemas whose names are types or keywords in a common programming language, with the names that
/// they have in the document.
const OWN_NAMES: &[(&str, &str)] = &[
    ("Column", "FileColumn"),
    ("Delivery", "MailDelivery"),
    ("Encoding", "FileEncoding"),
    ("Hidden", "HiddenParts"),
    ("Import", "ImportStatus"),
    ("Option", "TemplateOption"),
    ("Page", "PageFormat"),
    ("Place", "RowPlace"),
    ("Reading", "FileReading"),
    ("Reason", "RevocationReason"),
    ("Row", "FileRow"),
    ("Run", "TaskRun"),
    ("Sheet", "FileSheet"),
    ("States", "JobStates"),
    ("Summary", "JobSummary"),
    ("Text", "TemplateText"),
];

/// Completes the document that is generated from the annotations.
pub(super) fn finish(mut document: Value) -> Value {
    rename_schemas(&mut document);
    inline_timestamps(&mut document);
    let mut tags = Vec::new();
    for (method, operation) in operations(&mut document) {
        settle_parameters(operation);
        settle_files(operation);
        errors::complete(operation, method);
        tags.extend(operation["tags"][0].as_str().map(str::to_owned));
    }
    document["components"]["responses"] = errors::shared();
    document["components"]["headers"] = headers::shared();
    headers::describe_all(&mut document);
    document["servers"] =
        json!([{ "url": "/", "description": "The server that serves this document" }]);
    let used = TAGS
        .iter()
        .filter(|(name, _)| tags.iter().any(|tag| tag == name));
    document["tags"] = used
        .map(|(name, about)| json!({ "name": name, "description": about }))
        .collect();
    examples::add(&mut document);
    document
}

/// Replaces references to the schema of times by the schema itself, so that generated clients use
/// the time type of their language.
fn inline_timestamps(document: &mut Value) {
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.remove("Timestamp");
    }
    inline(document);
}

fn inline(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let is_time = |schema: &Value| schema["$ref"] == "#/components/schemas/Timestamp";
            let choices = fields.get("oneOf").and_then(Value::as_array);
            let nullable = choices
                .and_then(|choices| choices.iter().find(|choice| is_time(choice)))
                .cloned();
            if let Some(Value::Object(time)) = nullable {
                fields.remove("oneOf");
                fields.extend(time);
                time_in(fields, json!(["string", "null"]));
            } else if fields
                .get("$ref")
                .is_some_and(|to| to == "#/components/schemas/Timestamp")
            {
                time_in(fields, json!("string"));
            }
            fields.values_mut().for_each(inline);
        }
        Value::Array(items) => items.iter_mut().for_each(inline),
        _ => {}
    }
}

fn time_in(schema: &mut Map<String, Value>, kind: Value) {
    schema.remove("$ref");
    schema.insert("type".to_owned(), kind);
    schema.insert("format".to_owned(), "date-time".into());
    schema
        .entry("example")
        .or_insert_with(|| "2026-11-21T12:00:00Z".into());
}

/// Returns all operations of a document, with their methods.
pub(super) fn operations(
    document: &mut Value,
) -> impl Iterator<Item = (&str, &mut Map<String, Value>)> {
    let paths = document["paths"]
        .as_object_mut()
        .into_iter()
        .flat_map(|paths| paths.values_mut());
    paths
        .filter_map(Value::as_object_mut)
        .flat_map(|path| path.iter_mut())
        .filter(|(method, _)| ["get", "put", "post", "delete", "patch"].contains(&method.as_str()))
        .filter_map(|(method, operation)| Some((method.as_str(), operation.as_object_mut()?)))
}

/// Removes `null` from the types of parameters, because a parameter can't be null. Also sets the
/// schema of `Idempotency-Key`.
fn settle_parameters(operation: &mut Map<String, Value>) {
    let parameters = operation
        .get_mut("parameters")
        .and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        // Indexing would insert the key if it is missing.
        let kind = parameter
            .get_mut("schema")
            .and_then(|schema| schema.get_mut("type"));
        if let Some(kind) = kind
            && let Some([first, second]) = kind.as_array().map(Vec::as_slice)
            && (first == "null" || second == "null")
        {
            *kind = if first == "null" {
                second.clone()
            } else {
                first.clone()
            };
        }
        if parameter["in"] == "path" && parameter.get("description").is_none() {
            parameter["description"] = "Id of the resource".into();
        }
        if parameter["name"] == "Idempotency-Key" {
            let schema = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" });
            parameter["schema"] = schema;
        }
    }
}

/// Describes files as binary data. Without this, their Rust type would make them lists of numbers.
fn settle_files(operation: &mut Map<String, Value>) {
    let responses = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut);
    for response in responses
        .into_iter()
        .flat_map(|responses| responses.values_mut())
    {
        let content = response.get_mut("content").and_then(Value::as_object_mut);
        for (_, media) in content
            .into_iter()
            .flatten()
            .filter(|(kind, _)| *kind != "application/json")
        {
            if media["schema"]["type"] == "array" {
                media["schema"] = json!({ "type": "string", "format": "binary" });
            }
        }
    }
}

/// Renames the schemas for generated clients: `Envelope_AttendeeAnswer` becomes `AttendeeResponse`.
fn rename_schemas(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    let renamed = std::mem::take(schemas)
        .into_iter()
        .map(|(name, schema)| (client_name(&name), schema));
    *schemas = renamed.collect();
    rename_references(document);
}

fn rename_references(value: &mut Value) {
    const SCHEMAS: &str = "#/components/schemas/";
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get_mut("$ref")
                && let Some(name) = reference.strip_prefix(SCHEMAS)
            {
                *reference = format!("{SCHEMAS}{}", client_name(name));
            }
            fields.values_mut().for_each(rename_references);
        }
        Value::Array(items) => items.iter_mut().for_each(rename_references),
        _ => {}
    }
}

fn client_name(name: &str) -> String {
    let thing = |name: &str| name.strip_suffix("Answer").unwrap_or(name).replace('_', "");
    if let Some(of) = name.strip_prefix("ListEnvelope_") {
        return format!("{}ListResponse", thing(of));
    }
    if let Some(of) = name.strip_prefix("Envelope_") {
        return format!("{}Response", thing(of));
    }
    let plain = thing(name);
    let own = OWN_NAMES.iter().find(|(clashing, _)| *clashing == plain);
    own.map_or(plain, |(_, own)| (*own).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_names_are_simplified_for_clients() {
        for (name, expected) in [
            ("Envelope_AttendeeAnswer", "AttendeeResponse"),
            ("ListEnvelope_AttendeeAnswer", "AttendeeListResponse"),
            ("Envelope_Alive", "AliveResponse"),
            ("AttendeeAnswer", "Attendee"),
            ("ErrorEnvelope", "ErrorEnvelope"),
            ("OptionAnswer", "TemplateOption"),
        ] {
            assert_eq!(client_name(name), expected);
        }
    }
}
