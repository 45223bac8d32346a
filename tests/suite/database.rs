//! Tables whose rows can't be restored from the log.

use laureate::database;

use crate::support::{Namespace, servers};

#[tokio::test]
async fn expired_idempotent_responses_are_deleted_and_others_kept() {
    let namespace = Namespace::new();
    let pool = database::connect(&servers().postgres_url, None, 2).unwrap();
    database::migrate(&pool, namespace.name()).await.unwrap();
    let client = pool.get().await.unwrap();
    let table = format!(
        "\"{}\".idempotent_answers",
        database::meta_schema(namespace.name())
    );
    let rows = format!(
        "INSERT INTO {table} (user_id, route, key, body_sha256, expires_at)
         SELECT 'ada', 'POST /x', key, sha256('x'), now() + age
         FROM (VALUES ('old', interval '-1 second'), ('new', interval '1 hour')) AS given(key, age)"
    );
    client.batch_execute(&rows).await.unwrap();
    assert_eq!(
        database::forget_expired_answers(&pool, namespace.name())
            .await
            .unwrap(),
        1
    );
    let kept: Vec<String> = client
        .query(&format!("SELECT key FROM {table}"), &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(kept, ["new"]);
}
