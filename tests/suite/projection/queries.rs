//! Read queries, as the API uses them.

use laureate::projection::queries::{
    attendees, batches, certificates, imports, issuances, jobs, overview, users,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::story::*;
use super::world::World;

fn value(item: impl serde::Serialize) -> Value {
    serde_json::to_value(item).expect("serialises")
}

#[tokio::test]
async fn resources_are_found_by_id_and_serialized_for_the_api() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let client = world.reader().await;
    let id = Uuid::from_u128;
    let nobody = id(0xDEAD);
    assert!(
        attendees::get(&client, nobody)
            .await
            .expect("answers")
            .is_none()
    );
    assert!(
        issuances::get(&client, nobody)
            .await
            .expect("answers")
            .is_none()
    );
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
    assert_eq!(
        (summary.total, summary.pending(), summary.error()),
        (0, 0, 0)
    );
    assert_eq!(summary.success_hundredths(), None);
    assert!(jobs::next_due(&client).await.expect("answers").is_none());
}

#[tokio::test]
async fn issuance_is_found_by_public_id_and_user_by_login() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let client = world.reader().await;
    let public = issuances::get_by_public_id(&client, &format!("{:032x}", 0x11))
        .await
        .expect("answers");
    assert_eq!(public.map(|row| row.id), Some(Uuid::from_u128(0x11)));
    assert!(
        issuances::get_by_public_id(&client, "nothing")
            .await
            .expect("answers")
            .is_none()
    );

    for login in ["Grace", "GRACE", "grace@example.com", "Grace@Example.COM"] {
        let user = users::get_by_login(&client, login)
            .await
            .expect("answers")
            .expect(login);
        assert_eq!(user.password_hash.reveal(), "$argon2id$second");
        assert!(
            !value(&user).to_string().contains("argon2"),
            "the hash is in an answer"
        );
        assert!(
            !format!("{user:?}").contains("Hopper"),
            "a name is in the debug text"
        );
    }
    assert!(
        users::get_by_login(&client, "grac")
            .await
            .expect("answers")
            .is_none()
    );
}
