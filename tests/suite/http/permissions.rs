//! Checks that the route table, the OpenAPI document and `docs/permissions.md` agree on
//! permissions.

use std::fmt::Write as _;

use laureate::domain::accounts::user::Role;
use laureate::http::auth::access::{Access, Permission};
use laureate::http::auth::rate_limit::Limit;
use laureate::http::protocol::endpoint::Endpoint;
use laureate::http::{openapi_document, router};
use serde_json::{Value, json};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/permissions.md");
const ROLES: [Role; 3] = [Role::Viewer, Role::Operator, Role::Admin];

fn mark(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "" }
}

fn line(endpoint: &Endpoint) -> String {
    let needs = match endpoint.access {
        Access::Public => "nothing".to_owned(),
        Access::SignedIn => match (endpoint.with_first_password, endpoint.even_without_factor) {
            (true, true) => {
                "a log-in, also with a first password and without the second factor".to_owned()
            }
            (true, false) => "a log-in, also with a first password".to_owned(),
            (false, true) => "a log-in, also without the second factor".to_owned(),
            (false, false) => "a log-in".to_owned(),
        },
        Access::May(permission) => format!("`{}`", permission.scope()),
        Access::InPerson(permission) => format!("a log-in with `{}`", permission.scope()),
    };
    let limit = match endpoint.limit {
        None => "",
        Some(Limit::Password) => "password",
        Some(Limit::Public) => "public",
    };
    format!(
        "| {} | `{}` | {needs} | {limit} |\n",
        endpoint.method, endpoint.path
    )
}

fn page() -> String {
    let mut page = "# Permissions of roles, API keys and routes\n\n\
        Generated from the route table (`src/http/router.rs`) and the permissions (`src/http/auth/access.rs`). A \
        test fails if this page is out of date. With `INSTA_UPDATE=always`, the test rewrites the page.\n\n\
        A user has one role. An API key has scopes. It can call only routes that both its scopes and its owner's \
        role allow. Routes that need a log-in reject API keys. A key cannot create another key. It can create, \
        change and remove only users who are no admins and whose role has no scope that the key lacks. A key \
        becomes invalid when its owner gets a new password, unless that request sets `keepApiKeys`. A first \
        password is one that another person has set. Until the user has changed it, the user can call only routes \
        whose entry says \"also with a first password\". If the operator requires a second factor \
        (`auth.second_factor`), a user without one can call only routes whose entry says \"without the second \
        factor\".\n\n\
        ## Permissions\n\n\
        | scope | allows | viewer | operator | admin |\n|---|---|---|---|---|\n"
        .to_owned();
    for permission in Permission::ALL {
        let held = ROLES
            .map(|role| mark(permission.is_held_by(role)))
            .join(" | ");
        let about = permission.about().trim();
        writeln!(page, "| `{}` | {about} | {held} |", permission.scope())
            .expect("a string takes all");
    }
    page.push_str(
        "\n## Routes\n\n\
        The last column names the limit in `[http.limits]` that a request counts toward, by client address.\n\n\
        | method | path under the API's prefix | needs | limit |\n|---|---|---|---|\n",
    );
    page.extend(router::api().iter().map(line));
    page.push_str("\n| method | path at the root | needs | limit |\n|---|---|---|---|\n");
    page.extend(router::root().iter().map(line));
    page
}

#[test]
fn checked_in_page_is_current() {
    let page = page();
    if std::env::var("INSTA_UPDATE").is_ok_and(|value| value == "always") {
        std::fs::write(PAGE, &page).expect("writable");
    }
    let checked_in = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        checked_in == page,
        "docs/permissions.md is out of date; run the tests with INSTA_UPDATE=always"
    );
}

#[test]
fn openapi_document_requires_a_token_where_the_route_table_does() {
    let document = openapi_document();
    let under = router::api()
        .into_iter()
        .map(|endpoint| ("/api/v1", endpoint));
    for (prefix, endpoint) in under.chain(router::root().into_iter().map(|endpoint| ("", endpoint)))
    {
        let path = format!("{prefix}{}", endpoint.path);
        let operation = &document["paths"][&path][endpoint.method.as_str().to_lowercase()];
        assert!(
            operation.is_object(),
            "{} {path} is not in the document",
            endpoint.method
        );
        let asks = |status: &str| !operation["responses"][status].is_null();
        match endpoint.access {
            Access::Public => assert_eq!(operation["security"], Value::Null, "{path}"),
            Access::SignedIn => {
                assert_eq!(operation["security"], json!([{ "bearer": [] }]), "{path}");
                assert!(asks("401") && asks("403"), "{path}");
            }
            Access::InPerson(permission) => {
                assert_eq!(operation["security"], json!([{ "bearer": [] }]), "{path}");
                assert!(asks("401") && asks("403"), "{path}");
                let described = operation["description"].as_str().unwrap_or_default();
                assert!(
                    described.contains(permission.scope()),
                    "{path}: {described}"
                );
            }
            Access::May(permission) => {
                assert_eq!(
                    operation["security"],
                    json!([{ "bearer": [] }, { "apiKey": [] }]),
                    "{path}"
                );
                assert!(asks("401") && asks("403"), "{path}");
                let described = operation["description"].as_str().unwrap_or_default();
                assert!(
                    described.contains(permission.scope()),
                    "{path}: {described}"
                );
            }
        }
        assert!(
            endpoint.limit.is_none() || asks("429"),
            "{path} does not document its limit"
        );
    }
}

/// Operators have more permissions than viewers, and admins have all. Viewers have only permissions
/// to read.
#[test]
fn roles_are_ordered_and_viewers_only_read() {
    let held = |role| {
        Permission::ALL
            .iter()
            .filter(|permission| permission.is_held_by(role))
            .count()
    };
    assert!(held(Role::Viewer) < held(Role::Operator) && held(Role::Operator) < held(Role::Admin));
    assert_eq!(held(Role::Admin), Permission::ALL.len());
    for endpoint in router::api() {
        let Access::May(permission) = endpoint.access else {
            continue;
        };
        if permission.is_held_by(Role::Viewer) {
            assert!(
                ["GET", "HEAD"].contains(&endpoint.method.as_str()),
                "{} {}",
                endpoint.method,
                endpoint.path
            );
        }
    }
}
