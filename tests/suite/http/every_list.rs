//! Behaviour that all lists have in common: parameters, cursors that are valid for only one list,
//! and pages that show each item once while other items are added.

use std::collections::BTreeSet;

use laureate::http::openapi_document;
use serde_json::{Value, json};
use uuid::Uuid;

use super::people::{somebody, text};
use super::{Answered, Api, file, png};
use crate::sandbox::{manifest, template};
use crate::support::until;

/// Number of items of each kind before the first read.
const BEFORE: usize = 4;

/// Returns the path and the parameter names of every list in the document.
fn lists() -> Vec<(String, BTreeSet<String>)> {
    let document = openapi_document();
    let mut lists = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let parameters = operations["get"]["parameters"]
            .as_array()
            .into_iter()
            .flatten();
        let names: BTreeSet<String> = parameters
            .map(|parameter| text(&parameter["name"]))
            .collect();
        if names.contains("cursor") {
            lists.push((path.trim_start_matches("/api/v1").to_owned(), names));
        }
    }
    lists
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_has_the_same_parameters_and_rejects_invalid_values() {
    let api = Api::start().await;
    let lists = lists();
    assert!(lists.len() >= 13, "{lists:?}");
    check_filters(&api).await;
    for (path, names) in &lists {
        for name in ["page", "limit", "sort", "order", "createdFrom", "createdTo"] {
            assert!(names.contains(name), "{path} takes no {name}");
        }
        for wrong in [
            "colour=red",
            "limit=0",
            "limit=201",
            "limit=many",
            "page=0",
            "page=100000",
            "order=up",
            "sort=password",
            "cursor=12",
            "cursor=AAAA",
            "createdFrom=yesterday",
            "createdTo=2026-11-21T09:00",
            "createdTo=2026-11-20&createdFrom=2026-11-22",
            "createdAfter=2026-11-21T09:00:00Z",
            "createdBefore=2026-11-21T09:00:00Z",
            "from=2026-11-21T09:00:00Z",
            "to=2026-11-21T09:00:00Z",
        ] {
            let refused = api.get(&format!("{path}?{wrong}")).await.rejected();
            let name = wrong.split('=').next().expect("a name");
            assert!(
                refused.body.to_string().contains(name),
                "{path} {wrong}: {}",
                refused.body
            );
        }
        let first = api
            .get(&format!("{path}?page=1&limit=200&order=asc"))
            .await
            .expect(200)
            .body;
        let shown = first["data"].as_array().map(Vec::len);
        assert_eq!(
            (&first["meta"]["page"], &first["meta"]["limit"]),
            (&json!(1), &json!(200)),
            "{path}"
        );
        assert_eq!(
            first["meta"]["total"].as_u64().map(|total| total as usize),
            shown,
            "{path}"
        );
        assert!(
            first["meta"].get("nextCursor").is_some_and(Value::is_null),
            "{path}"
        );
    }
}

/// Checks that each list and export accepts several values of a filter and limits their number.
async fn check_filters(api: &Api) {
    let document = openapi_document();
    let mut several = 0;
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let parameters = operations["get"]["parameters"].as_array();
        for parameter in parameters.into_iter().flatten() {
            if parameter["schema"]["type"] != "array" {
                continue;
            }
            several += 1;
            let name = text(&parameter["name"]);
            assert_eq!(parameter["style"], "form", "{path} {name}");
            assert_eq!(parameter["explode"], true, "{path} {name}");
            let items = &parameter["schema"]["items"];
            let reference = items["$ref"].as_str().unwrap_or("#/none");
            let names = document.pointer(&reference[1..]);
            let values: Vec<String> = match names.and_then(|names| names["enum"].as_array()) {
                Some(names) => names.iter().map(text).collect(),
                None if items["format"] == "uuid" => vec![Uuid::new_v4().to_string(); 2],
                None if name == "number" => vec!["00112233445566778899aabbccddeeff".to_owned(); 2],
                None => vec!["one".to_owned(), "another".to_owned()],
            };
            let path = path.trim_start_matches("/api/v1");
            let query = |values: &[String]| {
                let pairs: Vec<String> = values
                    .iter()
                    .map(|value| format!("{name}={value}"))
                    .collect();
                format!("{path}?{}", pairs.join("&"))
            };
            api.get(&query(&values)).await.expect(200);
            let many = vec![values[0].clone(); 51];
            let refused = api.get(&query(&many)).await.expect(422);
            assert!(
                refused.body.to_string().contains("at most 50"),
                "{path} {name}"
            );
            if names.is_some() {
                let joined = values.join(",");
                if values.len() > 1 {
                    api.get(&query(&[joined])).await.expect(400);
                }
                api.get(&query(&["lost".to_owned()])).await.expect(400);
            }
        }
    }
    assert!(several >= 40, "{several}");
}

/// Adds one user, session, key, design, template, file and person, and two certificates with a mail
/// each.
async fn add(api: &Api, n: usize) -> Answered {
    let added = api
        .post("/users", &somebody(&format!("user{n}"), "viewer"))
        .await
        .expect(201);
    let login = json!({ "email": api.app.email, "password": api.app.password });
    api.open_post("/auth/login", &login).await.expect(200);
    let key = json!({ "name": format!("Nightly {n}"), "scopes": ["jobs:read"] });
    api.post("/api-keys", &key).await.expect(201);
    let design = file("Gold Frame.png", png())
        .text("name", format!("Gold {n}"))
        .text("client", "Acme");
    api.upload("/certificates/upload-design", design)
        .await
        .expect(201);
    let own =
        json!({ "name": format!("Diploma {n}"), "source": template(""), "manifest": manifest() });
    api.post("/templates/own", &own).await.expect(201);
    let certificate = api.certificate().await;
    let people = format!("Name,Email,Document number\nPerson {n},person{n}@example.com,D{n}\n");
    let form = file("people.csv", people)
        .text("certificateId", certificate)
        .text("delivery", "held");
    api.upload("/attendees/bulk-upload", form).await.expect(200);
    let search = format!("/attendees?search=person{n}@");
    let known = api
        .until("the person is known", &search, |body| {
            body["data"][0].is_object()
        })
        .await;
    let asked = json!({
        "certificateId": api.certificate().await, "attendeeIds": [known["data"][0]["id"]], "delivery": "held",
    });
    api.issue(&asked).await;
    added
}

fn ids(body: &Value) -> Vec<String> {
    let items = body["data"]
        .as_array()
        .unwrap_or_else(|| panic!("no list: {body}"));
    let id = |item: &Value| item["id"].as_str().map(str::to_owned);
    items
        .iter()
        .map(|item| id(item).unwrap_or_else(|| panic!("no id: {item}")))
        .collect()
}

/// Reads all pages of a list, one after the other.
struct Walk {
    path: String,
    /// Ids that were in the list at the start of the walk.
    before: BTreeSet<String>,
    found: Vec<String>,
    first_cursor: String,
    next: Option<String>,
}

impl Walk {
    async fn begun(api: &Api, path: String) -> Self {
        let join = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{join}limit=2");
        let before = ids(&api
            .get(&path.replace("limit=2", "limit=200"))
            .await
            .expect(200)
            .body);
        let before: BTreeSet<String> = before.into_iter().collect();
        assert!(before.len() >= BEFORE, "{path}: {before:?}");
        let mut walk = Self {
            path,
            before,
            found: Vec::new(),
            first_cursor: String::new(),
            next: None,
        };
        walk.turn(api, String::new()).await;
        walk.first_cursor = walk.next.clone().expect("there are more");
        walk
    }

    async fn turn(&mut self, api: &Api, cursor: String) {
        let page = api
            .get(&format!("{}{cursor}", self.path))
            .await
            .expect(200)
            .body;
        self.found.extend(ids(&page));
        self.next = page["meta"]["nextCursor"]
            .as_str()
            .map(|cursor| format!("&cursor={cursor}"));
    }

    /// Asserts that each item of `before` was shown exactly once. Items that were created during
    /// the walk may be missing.
    fn is_whole(&self) {
        let mut shown: Vec<&String> = self
            .found
            .iter()
            .filter(|id| self.before.contains(*id))
            .collect();
        shown.sort();
        let before: Vec<&String> = self.before.iter().collect();
        assert_eq!(shown, before, "{}: each item once", self.path);
    }
}

/// Starts an API with `BEFORE` items of each kind.
async fn filled() -> Api {
    let api = Api::start().await;
    for n in 0..BEFORE {
        add(&api, n).await;
    }
    for (path, _) in lists() {
        let (least, state) = match path.as_str() {
            "/jobs" | "/jobs/pending" => (2 * BEFORE, ""),
            "/generated-certificates" => (2 * BEFORE, "&state=generated"),
            _ => (BEFORE, ""),
        };
        let all = format!("{path}?limit=200{state}");
        until(&path, || async {
            ids(&api.get(&all).await.body).len() >= least
        })
        .await;
    }
    api
}

#[tokio::test(flavor = "multi_thread")]
async fn paging_while_items_are_added_shows_each_item_once() {
    let api = filled().await;
    let mut paths: Vec<String> = Vec::new();
    for (path, names) in lists() {
        paths.push(format!("{path}?order=asc"));
        paths.extend(
            names
                .contains("sort")
                .then(|| format!("{path}?sort=updatedAt&order=asc")),
        );
        paths.push(path);
    }
    paths.extend(
        [
            "/users?sort=email",
            "/users?sort=userName&order=desc",
            "/attendees?sort=fullName",
        ]
        .map(str::to_owned),
    );
    let mut walks = Vec::new();
    for path in paths {
        walks.push(Walk::begun(&api, path).await);
    }
    // A cursor is valid only for the list and order that it was issued for.
    for (one, other) in walks.iter().zip(walks.iter().skip(1)) {
        let refused = api
            .get(&format!("{}{}", one.path, other.first_cursor))
            .await
            .expect(422);
        assert_eq!(
            refused.code(),
            "VALIDATION_ERROR",
            "{} took a cursor of {}",
            one.path,
            other.path
        );
    }
    for round in 0.. {
        if round < 2 {
            add(&api, BEFORE + round).await;
        }
        for walk in &mut walks {
            if let Some(cursor) = walk.next.take() {
                walk.turn(&api, cursor).await;
            }
        }
        if walks.iter().all(|walk| walk.next.is_none()) {
            break;
        }
    }
    walks.iter().for_each(Walk::is_whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_support_filters_and_search() {
    let api = filled().await;
    let batch = api.get("/batches?limit=1").await.expect(200).body["data"][0].clone();
    let certificate = text(&batch["certificateId"]);
    let read = api
        .get(&format!("/batches/{}", text(&batch["id"])))
        .await
        .expect(200)
        .body["data"]
        .clone();
    for name in ["id", "certificateId", "total", "createdAt", "updatedAt"] {
        assert_eq!(batch[name], read[name], "{name}");
    }
    for (path, count) in [
        ("/users?search=user2".to_owned(), 1),
        (
            "/users?search=HOPPER%20gr%C3%A1ce&role=viewer&isActive=true".to_owned(),
            BEFORE,
        ),
        ("/users?role=operator".to_owned(), 0),
        ("/api-keys?search=nightly%202&state=active".to_owned(), 1),
        ("/api-keys?state=revoked".to_owned(), 0),
        (
            "/certificates/designs?search=FRAME&client=acme".to_owned(),
            BEFORE,
        ),
        ("/certificates/designs?search=gold%203".to_owned(), 1),
        ("/templates/own?search=dipl%C3%B3ma".to_owned(), BEFORE),
        ("/imports?state=completed&format=csv".to_owned(), BEFORE),
        ("/imports?state=failed".to_owned(), 0),
        ("/imports?createdTo=2020-01-01T00:00:00Z".to_owned(), 0),
        (
            "/imports?createdFrom=2020-01-01T00:00:00Z".to_owned(),
            BEFORE,
        ),
        (format!("/batches?certificateId={certificate}"), 1),
        ("/batches?state=undone".to_owned(), 0),
        (
            "/batches?state=undone&state=dispatched".to_owned(),
            2 * BEFORE,
        ),
        ("/api-keys?state=revoked&state=active".to_owned(), BEFORE),
        ("/users?role=viewer&role=operator".to_owned(), BEFORE),
        ("/jobs?search=person%203&sort=updatedAt".to_owned(), 2),
        ("/jobs?search=person3@&state=held".to_owned(), 2),
        ("/jobs?status=sent".to_owned(), 0),
    ] {
        let found = api.get(&path).await.expect(200).body;
        assert_eq!(ids(&found).len(), count, "{path}: {found}");
    }
    for wrong in [
        "/imports?state=lost",
        "/imports?format=pdf",
        "/batches?state=lost",
        "/api-keys?state=lost",
        "/jobs?search=a%00b",
    ] {
        api.get(wrong).await.rejected();
    }
    // A cancellation with a filter affects exactly the jobs that the filter lists.
    let cancelled = api
        .post(
            "/jobs/cancel",
            &json!({ "filter": { "search": "person 1" } }),
        )
        .await
        .expect(200);
    assert_eq!(cancelled.body["data"]["done"], 2, "{}", cancelled.body);
}
