//! OpenAPI 3.1 document, generated from the route table and the annotations of the endpoints.

mod errors;
mod examples;
pub(in crate::http) mod filters;
mod finish;
mod headers;

use axum::http::Method;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Paths, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::api_error::{ErrorBody, ErrorEnvelope};
use super::endpoint::Endpoint;
use super::field_problem::FieldProblem;
use super::names;
use crate::http::auth::access::Access;
use crate::http::settings::HttpSettings;
use crate::http::{ErrorCode, router};

const BEARER: &str = "bearer";
const API_KEY: &str = "apiKey";
/// Conventions of the API in short. Paragraphs are separated by an empty line.
pub(in crate::http) const ABOUT: &str = "Certificates from a spreadsheet to a verified, mailed PDF.

A success is `{success, data, message?}`, a list also has `meta`, an error is `{success, error, requestId}`. \
Input may be camelCase or snake_case; unknown fields are an error. The response of a write has `X-Event-Position`. \
It is sent when reads show the write, or after 2 seconds with `X-Tables-Behind: true`; `Prefer: respond-async` skips \
the wait. A read with that position in `X-Min-Event-Position` shows the write. Every POST that creates accepts an \
`Idempotency-Key`. Single resources have an `ETag`; send it as `If-Match` with changes.";

/// Returns the document with the default prefix. It is the version in the repository.
#[must_use]
pub fn openapi_document() -> Value {
    document(&HttpSettings::default().prefix)
}

/// Returns the document with the default prefix as indented text. The same program always returns
/// the same text.
#[must_use]
pub fn openapi_json() -> String {
    format!("{:#}\n", openapi_document())
}

pub(in crate::http) fn document(prefix: &str) -> Value {
    let mut paths = Paths::new();
    let mut components = Components::new();
    let under_prefix = router::api().into_iter().map(|endpoint| (prefix, endpoint));
    for (prefix, endpoint) in
        under_prefix.chain(router::root().into_iter().map(|endpoint| ("", endpoint)))
    {
        components.schemas.extend(endpoint.schemas.iter().cloned());
        if let Some((method, operation)) = operation(&endpoint) {
            paths.add_path_operation(
                format!("{prefix}{}", endpoint.path),
                vec![method],
                operation,
            );
        }
    }
    components.schemas.extend([
        (ErrorEnvelope::name().into_owned(), ErrorEnvelope::schema()),
        (ErrorBody::name().into_owned(), ErrorBody::schema()),
        (FieldProblem::name().into_owned(), FieldProblem::schema()),
        (ErrorCode::name().into_owned(), ErrorCode::schema()),
    ]);
    components.schemas.extend(names::schemas());
    let jwt = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(jwt));
    let key =
        "An API key, `lk_…`, sent as `Authorization: Bearer`. It can do what its scopes allow";
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("lk")
        .description(Some(key));
    components.add_security_scheme(API_KEY, SecurityScheme::Http(key.build()));
    let license = LicenseBuilder::new()
        .name("Apache-2.0")
        .identifier(Some("Apache-2.0"))
        .build();
    let info = InfoBuilder::new()
        .title("Laureate")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license))
        .build();
    let annotated: OpenApi = OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components))
        .build();
    #[expect(
        clippy::expect_used,
        reason = "the document contains only values that can be serialized"
    )]
    let annotated = serde_json::to_value(&annotated).expect("an OpenAPI document is JSON");
    finish::finish(annotated)
}

/// Operations of one tag.
#[derive(Serialize)]
pub(in crate::http) struct Group {
    name: &'static str,
    about: &'static str,
    operations: Vec<Listed>,
}

/// One operation of a [`Group`].
#[derive(Serialize)]
struct Listed {
    id: String,
    method: String,
    path: String,
    summary: String,
}

/// Returns all operations in the order of tags and of the route table.
pub(in crate::http) fn groups(prefix: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = finish::TAGS
        .iter()
        .map(|(name, about)| Group {
            name,
            about,
            operations: Vec::new(),
        })
        .collect();
    let under_prefix = router::api().into_iter().map(|endpoint| (prefix, endpoint));
    let all = under_prefix.chain(router::root().into_iter().map(|endpoint| ("", endpoint)));
    for (prefix, endpoint) in all {
        let tag = tag(&endpoint.path);
        let documented = endpoint.documented;
        let id = documented.operation_id.unwrap_or_default();
        let listed = Listed {
            id: camel_case(&id),
            method: endpoint.method.as_str().to_ascii_lowercase(),
            path: format!("{prefix}{}", endpoint.path),
            summary: documented.summary.unwrap_or_default(),
        };
        let group = groups.iter_mut().find(|group| group.name == tag);
        // proof: a test checks that `TAGS` has every tag.
        if let Some(group) = group {
            group.operations.push(listed);
        }
    }
    groups
}

/// Completes an endpoint's annotation with the table's data: operation id, tag, security and
/// errors.
fn operation(endpoint: &Endpoint) -> Option<(HttpMethod, Operation)> {
    let method = match endpoint.method {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => return None,
    };
    let mut operation = endpoint.documented.clone();
    operation.operation_id = operation.operation_id.as_deref().map(camel_case);
    operation.tags = Some(vec![tag(&endpoint.path)]);
    let responses = &mut operation.responses.responses;
    if endpoint.access != Access::Public {
        operation.security = Some(vec![SecurityRequirement::new(BEARER, Vec::<String>::new())]);
        let mut text = "FORBIDDEN: the role, or the API key, may not do this".to_owned();
        if !endpoint.even_without_factor {
            text.push_str("; SECOND_FACTOR_MISSING: a second factor is required; set it up first");
        }
        responses
            .entry("403".to_owned())
            .or_insert_with(|| ResponseBuilder::new().description(text).build().into());
    }
    if let Access::May(_) = endpoint.access {
        let key = SecurityRequirement::new(API_KEY, Vec::<String>::new());
        operation.security.get_or_insert_default().push(key);
    }
    let permission = match endpoint.access {
        Access::Public | Access::SignedIn => None,
        Access::May(permission) => Some(format!("Needs the permission `{}`.", permission.scope())),
        Access::InPerson(permission) => Some(format!(
            "Needs a log-in with the permission `{}`. API keys are rejected.",
            permission.scope()
        )),
    };
    if let Some(asked) = permission {
        let described = operation.description.take().filter(|text| !text.is_empty());
        operation.description =
            Some(described.map_or(asked.clone(), |text| format!("{text}\n\n{asked}")));
    }
    Some((method, operation))
}

/// Returns the operation id for the name of a handler: `revoke_issued_certificate` becomes
/// `revokeIssuedCertificate`.
fn camel_case(handler: &str) -> String {
    let mut words = handler.split('_');
    let mut id = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(letters.as_str());
    }
    id
}

fn tag(path: &str) -> String {
    match path.split('/').nth(1) {
        Some("certificate" | "verify") => "public".to_owned(),
        Some("reset-password") => "auth".to_owned(),
        Some("" | "api") | None => "about".to_owned(),
        Some(noun) => noun.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn operation_ids_are_unique() {
        let mut seen = BTreeSet::new();
        for endpoint in router::api().into_iter().chain(router::root()) {
            let (_, operation) = operation(&endpoint).unwrap();
            let id = operation.operation_id.unwrap();
            assert!(
                seen.insert(id.clone()),
                "{id}: {} {}",
                endpoint.method,
                endpoint.path
            );
        }
        assert!(seen.contains("revokeIssuedCertificate"));
    }

    #[test]
    fn every_reference_has_a_target() {
        let document = openapi_document();
        let text = document.to_string();
        for reference in text.split("\"#/").skip(1) {
            let path = reference.split('"').next().unwrap();
            assert!(document.pointer(&format!("/{path}")).is_some(), "no {path}");
        }
        assert_eq!(document["openapi"], "3.1.0");
    }

    /// Returns true if a schema accepts only names of a fixed set.
    fn is_enum(document: &Value, schema: &Value) -> bool {
        let target = schema["$ref"]
            .as_str()
            .and_then(|path| document.pointer(&path[1..]));
        if let Some(target) = target {
            return is_enum(document, target);
        }
        let choices = ["oneOf", "anyOf", "allOf"].map(|word| schema[word].as_array());
        let choices: Vec<&Value> = choices.into_iter().flatten().flatten().collect();
        let is_null = |choice: &&&Value| choice["type"] == "null";
        schema["enum"].is_array()
            || (schema["items"].is_object() && is_enum(document, &schema["items"]))
            || (!choices.is_empty()
                && choices
                    .iter()
                    .filter(|choice| !is_null(choice))
                    .all(|choice| is_enum(document, choice)))
    }

    /// Returns all properties with one of these names, with the path of each.
    fn properties<'d>(value: &'d Value, path: &str, found: &mut Vec<(String, &'d Value)>) {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(fields) => fields
                .iter()
                .map(|(name, field)| (name.clone(), field))
                .collect(),
            Value::Array(items) => (0..)
                .zip(items)
                .map(|(n, item): (usize, _)| (n.to_string(), item))
                .collect(),
            _ => return,
        };
        for (name, child) in children {
            let path = format!("{path}/{name}");
            if name == "properties" {
                for (name, property) in child.as_object().into_iter().flatten() {
                    found.push((format!("{path}/{name}"), property));
                }
            }
            if name != "example" {
                properties(child, &path, found);
            }
        }
    }

    #[test]
    fn names_are_enums_and_limits_have_bounds() {
        const NAMES: [&str; 11] = [
            "state", "status", "role", "kind", "format", "sort", "order", "locale", "outcome",
            "trigger", "task",
        ];
        let document = openapi_document();
        let mut named = Vec::new();
        properties(&document, "", &mut named);
        let mut limits = 0;
        for (path, operations) in document["paths"].as_object().expect("paths") {
            for (method, operation) in operations.as_object().expect("operations") {
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    let name = parameter["name"].as_str().expect("a name");
                    let schema = &parameter["schema"];
                    named.push((format!("{method} {path}/{name}"), schema));
                    if name == "limit" {
                        limits += 1;
                        for bound in ["minimum", "maximum", "default"] {
                            assert!(
                                schema[bound].is_u64(),
                                "{method} {path}: no {bound} of limit"
                            );
                        }
                    }
                }
            }
        }
        assert!(limits >= 14, "{limits}");
        for (path, schema) in named {
            let name = path.rsplit('/').next().unwrap_or_default();
            if NAMES.contains(&name) {
                assert!(
                    is_enum(&document, schema),
                    "{path} is not an enum: {schema}"
                );
            }
        }
    }

    /// Operations below a resource that don't change it.
    const WITHOUT_CHANGE: [&str; 3] = ["/preview", "/what-if", "/ticket"];

    #[test]
    fn every_change_of_a_resource_with_an_entity_tag_accepts_if_match() {
        let document = openapi_document();
        let paths = document["paths"].as_object().unwrap();
        let has_tag = |path: &str| {
            let read = &paths[path]["get"]["responses"]["200"];
            !read["headers"]["ETag"].is_null()
        };
        let resources: Vec<_> = paths.keys().filter(|path| has_tag(path)).collect();
        assert!(resources.len() > 10, "{resources:?}");
        let mut changes = 0;
        for (path, operations) in paths {
            let is_of_one = resources.iter().any(|resource| {
                path.strip_prefix(*resource)
                    .is_some_and(|rest| !rest.contains('{'))
            });
            if !is_of_one || WITHOUT_CHANGE.iter().any(|end| path.ends_with(end)) {
                continue;
            }
            for method in ["post", "put", "patch", "delete"] {
                let Some(operation) = operations.get(method) else {
                    continue;
                };
                let parameters = operation["parameters"].as_array().unwrap();
                let accepts = parameters.iter().any(|one| one["name"] == "If-Match");
                assert!(accepts, "{method} {path}");
                assert!(!operation["responses"]["412"].is_null(), "{method} {path}");
                changes += 1;
            }
        }
        assert!(changes > 15, "{changes}");
    }

    #[test]
    fn every_created_or_accepted_answer_has_a_location() {
        let document = openapi_document();
        let operations = document["paths"].as_object().unwrap().values();
        let responses = operations
            .flat_map(|operations| operations.as_object().unwrap().values())
            .flat_map(|operation| operation["responses"].as_object().unwrap());
        let mut found = 0;
        for (status, response) in responses {
            if ["201", "202"].contains(&status.as_str()) {
                assert!(!response["headers"]["Location"].is_null(), "{response}");
                found += 1;
            }
        }
        assert!(found > 10, "{found}");
        assert_eq!(
            document["components"]["headers"]["Location"]["required"],
            true
        );
    }

    #[test]
    fn checked_in_document_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
        let checked_in = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            checked_in == openapi_json(),
            "openapi/openapi.json is out of date; run `make openapi`"
        );
    }
}
