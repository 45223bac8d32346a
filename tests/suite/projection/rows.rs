//! Rows of every projection for a given history.

use super::story::everything;
use super::world::World;

#[tokio::test]
async fn rows_reflect_every_event() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    for member in world.set.members() {
        let name = &member.projection.name;
        insta::assert_json_snapshot!(format!("rows_of_{name}"), world.rows(name).await);
    }
}

#[tokio::test]
async fn restarted_projector_continues_at_its_checkpoint() {
    let whole = World::new().await;
    whole.log.append(everything());
    whole.project().await;

    let resumed = World::new().await;
    for event in everything().chunks(7) {
        resumed.log.append(event.to_vec());
        resumed.project().await;
    }
    assert_eq!(resumed.all_rows().await, whole.all_rows().await);
}
