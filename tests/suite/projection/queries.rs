//! The read queries, as the API asks them.

use laureate::projection::queries::{
    Page, attendees, batches, certificates, imports, issuances, jobs, overview, users,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::story::*;
use super::world::World;

const ALL: Page = Page { after: None, limit: 50 };

fn value(item: impl serde::Serialize) -> Value {
    serde_json::to_value(item).expect("serialises")
}

#[tokio::test]
async fn single_things_are_found_by_id_and_answer_in_the_apis_words() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let client = world.reader().await;
    let id = Uuid::from_u128;
    let nobody = id(0xDEAD);
    assert!(attendees::get(&client, nobody).await.expect("answers").is_none());
    assert!(issuances::get(&client, nobody).await.expect("answers").is_none());
    let each = json!({
        "attendee": value(attendees::get(&client, id(0xA2)).await.expect("answers")),
        "certificate": value(certificates::get(&client, id(CERTIFICATE)).await.expect("answers")),
        "issuance": value(issuances::get(&client, id(0x11)).await.expect("answers")),
        "failedIssuance": value(issuances::get(&client, id(0x13)).await.expect("answers")),
        "job": value(jobs::get(&client, id(0x22)).await.expect("answers")),
        "import": value(imports::get(&client, id(IMPORT)).await.expect("answers")),
        "batch": value(batches::get(&client, id(BATCH)).await.expect("answers")),
        "user": value(users::get(&client, id(USER)).await.expect("answers")),
        "overview": value(overview::get(&client).await.expect("answers")),
        "jobsSummary": value(jobs::summary(&client).await.expect("answers")),
    });
    insta::assert_json_snapshot!("get_each", each);
}

#[tokio::test]
async fn an_empty_system_has_an_overview_and_a_summary() {
    let world = World::new().await;
    world.project().await;
    let client = world.reader().await;
    assert_eq!(overview::get(&client).await.expect("answers").attendees, 0);
    let summary = jobs::summary(&client).await.expect("answers");
    assert_eq!((summary.total, summary.pending, summary.error), (0, 0, 0));
}

#[tokio::test]
async fn pages_go_from_the_newest_to_the_oldest_and_end() {
    let world = World::new().await;
    world.log.append((0..5).map(|id| queued(id, 0x11)));
    world.project().await;
    let client = world.reader().await;
    let mut page = Page { after: None, limit: 2 };
    let mut pages = Vec::new();
    loop {
        let listed = jobs::list(&client, page, None, None).await.expect("answers");
        pages.push(listed.items.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>());
        // What is added meanwhile doesn't move the pages.
        world.log.append([queued(100 + pages.len() as u128, 0x11)]);
        world.project().await;
        let Some(cursor) = listed.next_cursor else { break };
        page.after = Some(cursor);
    }
    assert_eq!(pages, [vec![4, 3], vec![2, 1], vec![0]]);
}

#[tokio::test]
async fn lists_are_narrowed_by_what_is_asked_for() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let client = world.reader().await;
    let id = Uuid::from_u128;

    let ids = async |status: Option<&str>, issuance: Option<Uuid>| {
        let listed = jobs::list(&client, ALL, status, issuance).await.expect("answers");
        listed.items.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, None).await, [0x25, 0x24, 0x23, 0x22, 0x21]);
    assert_eq!(ids(Some("pending"), None).await, [0x25, 0x24]);
    assert_eq!(ids(Some("sent"), None).await, [0x21]);
    assert_eq!(ids(Some("error"), None).await, [0x23, 0x22]);
    assert_eq!(ids(None, Some(id(0x12))).await, [0x24, 0x23, 0x22]);

    assert_eq!(batches::list(&client, ALL).await.expect("answers").items.len(), 2);
    assert_eq!(imports::list(&client, ALL).await.expect("answers").items.len(), 2);
    assert_eq!(users::list(&client, ALL).await.expect("answers").items.len(), 1);

    let two = Page { after: None, limit: 2 };
    let rejections = imports::list_rejections(&client, id(IMPORT), two).await.expect("answers");
    assert_eq!(rejections.items.iter().map(|row| row.row_number).collect::<Vec<_>>(), [4, 5]);
    let rest = Page { after: rejections.next_cursor, limit: 2 };
    let rest = imports::list_rejections(&client, id(IMPORT), rest).await.expect("answers");
    assert_eq!((rest.items.len(), rest.items[0].row_number, rest.next_cursor), (1, 7, None));
}

#[tokio::test]
async fn the_public_id_and_the_login_find_their_own_only() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let client = world.reader().await;
    let public = issuances::get_by_public_id(&client, &format!("{:032x}", 0x11)).await.expect("answers");
    assert_eq!(public.map(|row| row.id), Some(Uuid::from_u128(0x11)));
    assert!(issuances::get_by_public_id(&client, "nothing").await.expect("answers").is_none());

    for login in ["Grace", "GRACE", "grace@example.com", "Grace@Example.COM"] {
        let user = users::get_by_login(&client, login).await.expect("answers").expect(login);
        assert_eq!(user.password_hash.reveal(), "$argon2id$second");
        assert!(!value(&user).to_string().contains("argon2"), "the hash is in an answer");
        assert!(!format!("{user:?}").contains("Hopper"), "a name is in the debug text");
    }
    assert!(users::get_by_login(&client, "grac").await.expect("answers").is_none());
}
