//! Lists: order, search, cursors that are valid for only one list, and pages by number.

use serde_json::{Value, json};

use super::{Api, file, scrubbed};

const PEOPLE: &str = "Name,Email,Document number,Country\n\
    Zoë Ärm,zoe@example.com,1,España\nada lovelace,ADA@example.com,2,UK\nÁda Byron,byron@example.com,3,UK\n\
    Łukasz,lukasz@example.com,4,Polska\nAda Lovelace,second@example.com,5,España\n";

async fn with_people() -> Api {
    let api = Api::start().await;
    api.upload("/attendees/bulk-upload", file("people.csv", PEOPLE))
        .await
        .expect(200);
    api
}

fn names(body: &Value) -> Vec<&str> {
    let people = body["data"].as_array().expect("a list");
    people
        .iter()
        .map(|person| person["email"].as_str().expect("an address"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn list_is_sorted_and_paged_by_encrypted_cursors() {
    let api = with_people().await;
    let mut found = Vec::new();
    let mut cursors = Vec::new();
    let mut path = "/attendees?sort=fullName&limit=2".to_owned();
    loop {
        let page = api.get(&path).await.expect(200).body;
        found.extend(names(&page).iter().map(|&name| name.to_owned()));
        let Some(cursor) = page["meta"]["nextCursor"].as_str() else {
            break;
        };
        path = format!("/attendees?sort=fullName&limit=2&cursor={cursor}");
        cursors.push(cursor.to_owned());
    }
    let sorted = [
        "byron@example.com",
        "ADA@example.com",
        "second@example.com",
        "lukasz@example.com",
        "zoe@example.com",
    ];
    assert_eq!(found, sorted);
    let cursor = &cursors[0];
    assert!(
        cursor
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
        "{cursor}"
    );
    // A cursor is valid with another `limit`, but not with another list, order or filter.
    let rest = api
        .get(&format!(
            "/attendees?sort=fullName&limit=50&cursor={cursor}"
        ))
        .await
        .expect(200);
    assert_eq!(names(&rest.body), sorted[2..]);
    for other in [
        format!("/attendees?sort=email&cursor={cursor}"),
        format!("/attendees?sort=fullName&order=desc&cursor={cursor}"),
        format!("/attendees?sort=fullName&country=UK&cursor={cursor}"),
        format!("/attendees?cursor={cursor}"),
        format!("/generated-certificates?sort=fullName&cursor={cursor}"),
        format!("/attendees?sort=fullName&page=2&cursor={cursor}"),
        format!("/attendees?sort=fullName&cursor={cursor}A"),
        "/attendees?cursor=12".to_owned(),
    ] {
        assert_eq!(
            api.get(&other).await.expect(422).code(),
            "VALIDATION_ERROR",
            "{other}"
        );
    }
    let newest = api
        .get("/attendees?sort=email&order=desc&limit=1")
        .await
        .expect(200);
    assert_eq!(names(&newest.body), ["zoe@example.com"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn search_ignores_accents_and_numbered_page_has_the_total() {
    let api = with_people().await;
    let found = async |query: &str| {
        let mut found: Vec<String> = names(
            &api.get(&format!("/attendees?{query}"))
                .await
                .expect(200)
                .body,
        )
        .iter()
        .map(ToString::to_string)
        .collect();
        found.sort();
        found
    };
    assert_eq!(
        found("search=ADA").await,
        ["ADA@example.com", "byron@example.com", "second@example.com"]
    );
    assert_eq!(
        found("search=lovelace%20ada&country=espana").await,
        ["second@example.com"]
    );
    assert_eq!(found("search=%25").await, [] as [&str; 0]);
    assert_eq!(
        found("createdTo=2020-01-01T00:00:00Z").await,
        [] as [&str; 0]
    );
    assert_eq!(found("createdFrom=2020-01-01").await.len(), 5);
    let page = api
        .get("/attendees?page=2&limit=2&sort=email")
        .await
        .expect(200);
    insta::assert_json_snapshot!("a_page_by_number", scrubbed(&page.body));
    for wrong in [
        "page=0",
        "page=10000",
        "sort=password",
        "order=up",
        "search=a%00b",
        "createdFrom=yesterday",
    ] {
        api.get(&format!("/attendees?{wrong}")).await.rejected();
    }
    for wrong in ["state=lost", "issuedFrom=soon", "isSent=maybe", "limit=0"] {
        api.get(&format!("/generated-certificates?{wrong}"))
            .await
            .rejected();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_found_by_their_texts() {
    let api = Api::start().await;
    for (client, name, event) in [
        ("Zeta", "Ponente", "Cumbre"),
        ("acme", "Speaker", "Summit"),
        ("Ácme", "Guest", "Summit"),
    ] {
        let body = json!({ "client": client, "name": name, "eventName": event, "isActive": name != "Guest" });
        api.post("/certificates", &body).await.expect(201);
    }
    let found = async |query: &str| {
        let body = api.get(&format!("/certificates?{query}")).await.body;
        let names = body["data"]
            .as_array()
            .unwrap_or_else(|| panic!("{body}"))
            .iter();
        names
            .map(|certificate| certificate["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("").await, ["Guest", "Speaker", "Ponente"]);
    assert_eq!(found("sort=client").await, ["Speaker", "Guest", "Ponente"]);
    assert_eq!(
        found("sort=name&order=desc").await,
        ["Speaker", "Ponente", "Guest"]
    );
    assert_eq!(found("client=ACME&isActive=true").await, ["Speaker"]);
    assert_eq!(found("search=summit%20gue").await, ["Guest"]);
    assert_eq!(
        found("sort=updatedAt&order=asc").await,
        ["Ponente", "Speaker", "Guest"]
    );
}
