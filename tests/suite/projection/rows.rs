//! Rows of every projection for given events.

use super::story::everything;
use super::world::World;

#[tokio::test]
async fn everything_that_happens_is_in_the_rows() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    for member in world.set.members() {
        let name = &member.projection.name;
        insta::assert_json_snapshot!(format!("rows_of_{name}"), world.rows(name).await);
    }
}

#[tokio::test]
async fn a_projector_that_starts_again_goes_on_where_it_was() {
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
