//! The read queries, as the API asks them.

use laureate::projection::queries::jobs::JobFilter;
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
    assert_eq!((summary.total, summary.pending(), summary.error()), (0, 0, 0));
    assert_eq!(summary.success_hundredths(), None);
    assert!(jobs::next_due(&client).await.expect("answers").is_none());
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
        let listed = jobs::list(&client, page, &JobFilter::default()).await.expect("answers");
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

    assert_eq!(batches::list(&client, ALL).await.expect("answers").items.len(), 2);
    assert_eq!(imports::list(&client, ALL).await.expect("answers").items.len(), 3);
    assert_eq!(users::list(&client, ALL, None, None).await.expect("answers").items.len(), 2);

    let two = Page { after: None, limit: 2 };
    let rejections = imports::list_rejections(&client, id(IMPORT), two).await.expect("answers");
    assert_eq!(rejections.items.iter().map(|row| row.row_number).collect::<Vec<_>>(), [4, 5]);
    let rest = Page { after: rejections.next_cursor, limit: 2 };
    let rest = imports::list_rejections(&client, id(IMPORT), rest).await.expect("answers");
    assert_eq!((rest.items.len(), rest.items[0].row_number, rest.next_cursor), (1, 7, None));
}

#[tokio::test]
async fn jobs_are_narrowed_by_what_is_asked_for() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let client = world.reader().await;
    let id = Uuid::from_u128;
    let ids = async |filter: JobFilter| {
        let listed = jobs::list(&client, ALL, &filter).await.expect("answers");
        let mut listed: Vec<_> = listed.items.iter().map(|row| row.id.as_u128()).collect();
        // What is found to act upon is the same, the oldest first.
        let found = jobs::find(&client, &filter, 50).await.expect("answers");
        let found: Vec<_> = found.iter().map(|id| id.as_u128()).collect();
        listed.reverse();
        assert_eq!(listed, found);
        listed
    };
    let any = JobFilter::default;
    let status = |status: &str| JobFilter { status: Some(status.to_owned()), ..any() };
    let stages = |stages: &[&str]| {
        let stages = stages.iter().map(|stage| (*stage).to_owned()).collect();
        JobFilter { stages: Some(stages), ..any() }
    };
    assert_eq!(ids(any()).await, (0x21..=0x2C).collect::<Vec<_>>());
    assert_eq!(ids(status("pending")).await, [0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A]);
    assert_eq!(ids(status("sent")).await, [0x21]);
    assert_eq!(ids(status("error")).await, [0x22, 0x23, 0x2B, 0x2C]);
    assert_eq!(ids(stages(&["held"])).await, [0x26, 0x2A]);
    assert_eq!(ids(stages(&["scheduled"])).await, [0x27, 0x29]);
    assert_eq!(ids(stages(&["failed", "unknown"])).await, [0x22, 0x23]);
    assert_eq!(ids(JobFilter { issuance_id: Some(id(0x12)), ..any() }).await, [0x22, 0x23, 0x24]);
    let of_certificate = |certificate| JobFilter { certificate_id: Some(id(certificate)), ..any() };
    assert_eq!(ids(of_certificate(CERTIFICATE)).await.len(), 12);
    assert!(ids(of_certificate(CERTIFICATE + 1)).await.is_empty());
    let of_batch = JobFilter { batch_id: Some(id(BATCH)), ..stages(&["held"]) };
    assert_eq!(ids(of_batch).await, [0x26, 0x2A]);
    assert!(ids(JobFilter { batch_id: Some(id(BATCH + 1)), ..any() }).await.is_empty());
    let all = jobs::list(&client, ALL, &any()).await.expect("answers").items;
    let (oldest, newest) = (all[11].created_at, all[0].created_at);
    assert_eq!(ids(JobFilter { from: Some(newest), ..any() }).await.len(), 1);
    assert_eq!(ids(JobFilter { from: Some(oldest), to: Some(newest), ..any() }).await.len(), 11);

    let due = jobs::next_due(&client).await.expect("answers");
    let scheduled = jobs::scheduled(&client, None, 1).await.expect("answers");
    assert_eq!((scheduled[0].id, Some(scheduled[0].due_at)), (id(0x27), due));
    let rest = jobs::scheduled(&client, scheduled.first(), 5).await.expect("answers");
    assert_eq!(rest.iter().map(|job| job.id).collect::<Vec<_>>(), [id(0x29)]);
    let mut counted = jobs::stages_of(&client, &[id(0x26), id(0x2A), id(0x21)]).await.expect("answers");
    counted.sort_by_key(|counted| counted.count);
    let counted: Vec<_> = counted.iter().map(|c| (c.stage.as_str(), c.count)).collect();
    assert_eq!(counted, [("sent", 1), ("held", 2)]);
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
