//! Read queries, as the API uses them.

use laureate::projection::queries::attendees::AttendeeRow;
use laureate::projection::queries::certificates::CertificateRow;
use laureate::projection::queries::imports::ImportRow;
use laureate::projection::queries::jobs::JobRow;
use laureate::projection::queries::users::UserRow;
use laureate::projection::queries::{batches, issuances, jobs, listing};
use uuid::Uuid;

use super::story::*;
use super::world::World;

#[tokio::test]
async fn resources_are_found_by_id() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let client = world.reader().await;
    let id = Uuid::from_u128;
    let nobody = id(0xDEAD);
    assert!(
        listing::get::<AttendeeRow>(&client, nobody)
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
    let each = (
        listing::get::<AttendeeRow>(&client, id(0xA2)).await,
        listing::get::<CertificateRow>(&client, id(CERTIFICATE)).await,
        issuances::get(&client, id(0x11)).await,
        issuances::get(&client, id(0x13)).await,
        listing::get::<JobRow>(&client, id(0x22)).await,
        listing::get::<ImportRow>(&client, id(IMPORT)).await,
        batches::get(&client, id(BATCH)).await,
        listing::get::<UserRow>(&client, id(USER)).await,
        jobs::summary(&client).await,
    );
    insta::assert_debug_snapshot!("get_each", each);
}

#[tokio::test]
async fn an_empty_system_has_a_summary_of_jobs() {
    let world = World::new().await;
    world.project().await;
    let client = world.reader().await;
    let summary = jobs::summary(&client).await.expect("answers");
    assert_eq!(
        (summary.total, summary.pending(), summary.error()),
        (0, 0, 0)
    );
    assert_eq!(summary.success_hundredths(), None);
    assert!(jobs::next_due(&client).await.expect("answers").is_none());
}

#[tokio::test]
async fn issuance_is_found_by_public_id() {
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
}

#[tokio::test]
async fn failure_without_an_answer_keeps_the_last_answer() {
    let world = World::new().await;
    let mail = 0x20;
    world.log.append(vec![
        requested(0x10, 0xA1),
        queued(mail, 0x10),
        failed(mail, 1, true),
        unanswered(mail, 2),
    ]);
    world.project().await;
    let client = world.reader().await;
    let job = listing::get::<JobRow>(&client, Uuid::from_u128(mail)).await;
    let job = job.expect("answers").expect("a job");
    let answer = job.answer.expect("an answer");
    assert!(answer.reveal_str().starts_with("451 "), "{answer:?}");
    let error = job.error_message.expect("an error");
    assert_eq!(error.reveal_str(), "connection closed");
}
