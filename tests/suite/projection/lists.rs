//! Lists of all resources, with each filter. The tests for users, sessions and API keys are in
//! `users.rs`.

use deadpool_postgres::Client;
use laureate::projection::queries::attendees;
use laureate::projection::queries::batches::BatchRow;
use laureate::projection::queries::certificates::CertificateRow;
use laureate::projection::queries::designs::{self, DesignRow};
use laureate::projection::queries::imports::{self, ImportRow, RejectionRow};
use laureate::projection::queries::issuances::{self, DrawnRow};
use laureate::projection::queries::jobs::{self, JobRow};
use laureate::projection::queries::listing::{self, Conditions, Start, Table};
use laureate::projection::queries::templates::{self, TemplateRow};
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::listing::{all, conditions, found};
use super::story::*;
use super::world::World;

async fn with_everything() -> (World, Client) {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let client = world.reader().await;
    (world, client)
}

#[tokio::test]
async fn jobs_are_filtered() {
    let (_world, client) = with_everything().await;
    let id = Uuid::from_u128;
    let ids = async |query: &str| {
        let mut listed = found(&client, query, |row: &JobRow| row.id).await;
        // A search for jobs to act upon finds the same ones, oldest first.
        let found = jobs::find(&client, &conditions(&jobs::LIST, query), 50).await;
        let found: Vec<_> = found.expect("answers").iter().map(Uuid::as_u128).collect();
        listed.reverse();
        assert_eq!(listed, found);
        listed
    };
    assert_eq!(ids("").await, (0x21..=0x2C).collect::<Vec<_>>());
    assert_eq!(
        ids("status=pending").await,
        [0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A]
    );
    assert_eq!(ids("status=sent").await, [0x21]);
    assert_eq!(ids("status=error").await, [0x22, 0x23]);
    assert_eq!(ids("status=cancelled").await, [0x2B, 0x2C]);
    assert_eq!(ids("status=sent&status=error").await, [0x21, 0x22, 0x23]);
    assert_eq!(ids("state=held").await, [0x26, 0x2A]);
    assert_eq!(ids("state=scheduled").await, [0x27, 0x29]);
    assert_eq!(ids("state=failed&state=unknown").await, [0x22, 0x23]);
    let issuance = format!("generatedCertificateId={}", id(0x12));
    assert_eq!(ids(&issuance).await, [0x22, 0x23, 0x24]);
    let certificate = format!("certificateId={}", id(CERTIFICATE));
    let other = format!("certificateId={}", id(CERTIFICATE + 1));
    assert_eq!(ids(&certificate).await.len(), 12);
    assert_eq!(ids(&other).await, [0; 0]);
    assert_eq!(ids(&format!("{certificate}&{other}")).await.len(), 12);
    let held = format!("state=held&batchId={}", id(BATCH));
    assert_eq!(ids(&held).await, [0x26, 0x2A]);
    let batch = format!("batchId={}", id(BATCH + 1));
    assert_eq!(ids(&batch).await, [0; 0]);
    let rows: Vec<JobRow> = all(&client, &jobs::LIST.table, &Conditions::default()).await;
    let time = |row: &JobRow| row.created_at.format(&Rfc3339).expect("a time");
    let newest = time(&rows[0]);
    assert_eq!(ids(&format!("createdFrom={newest}")).await.len(), 1);
    let to = format!(
        "createdFrom={}&createdTo={}",
        time(&rows[11]),
        time(&rows[1])
    );
    assert_eq!(ids(&to).await.len(), 11);

    let name = rows[0].to_name.reveal_str().to_uppercase();
    let search = format!("search={name}");
    assert!(ids(&search).await.contains(&rows[0].id.as_u128()), "{name}");
    let search = format!("search={}", rows[0].to_address.reveal_str());
    assert!(!ids(&search).await.is_empty());
    assert_eq!(ids("search=nobody of this name").await, [0; 0]);
    let oldest = jobs::find(&client, &Conditions::default(), 2).await;
    assert_eq!(oldest.expect("answers"), [id(0x21), id(0x22)], "the oldest");

    let due = jobs::next_due(&client).await.expect("answers");
    let scheduled = jobs::scheduled(&client, None, 1).await.expect("answers");
    assert_eq!(
        (scheduled[0].id, Some(scheduled[0].due_at)),
        (id(0x27), due)
    );
    let rest = jobs::scheduled(&client, scheduled.first(), 5)
        .await
        .expect("answers");
    assert_eq!(
        rest.iter().map(|job| job.id).collect::<Vec<_>>(),
        [id(0x29)]
    );
    let mut counted = jobs::stages_of(&client, &[id(0x26), id(0x2A), id(0x21)])
        .await
        .expect("answers");
    counted.sort_by_key(|counted| counted.count);
    let counted: Vec<_> = counted
        .iter()
        .map(|c| (c.stage.as_str(), c.count))
        .collect();
    assert_eq!(counted, [("sent", 1), ("held", 2)]);
}

#[tokio::test]
async fn imports_are_filtered_and_rejected_rows_are_sorted() {
    let (_world, client) = with_everything().await;
    let imports = async |query: &str| found(&client, query, |row: &ImportRow| row.id).await;
    assert_eq!(imports("").await.len(), 3);
    assert_eq!(imports("state=completed").await, [IMPORT]);
    assert_eq!(imports("state=cancelled").await, [IMPORT + 2]);
    assert_eq!(
        imports("state=cancelled&state=completed").await,
        [IMPORT + 2, IMPORT]
    );
    assert_eq!(imports("format=csv").await.len(), 3);
    assert_eq!(imports("format=xls").await, [0; 0]);
    let certificate = |id| format!("certificateId={}", Uuid::from_u128(id));
    assert_eq!(imports(&certificate(CERTIFICATE)).await.len(), 3);
    assert_eq!(imports(&certificate(CERTIFICATE + 1)).await, [0; 0]);

    let of_import = imports::rejected_of(Uuid::from_u128(IMPORT));
    let rejections = async |start: &Start| {
        let table = &imports::REJECTIONS;
        let order = imports::BY_ROW;
        let part = listing::list::<RejectionRow>(&client, table, &of_import, order, start, 2);
        let part = part.await.expect("answers");
        (
            part.items
                .iter()
                .map(|row| row.row_number)
                .collect::<Vec<_>>(),
            part.last,
        )
    };
    let (rows, last) = rejections(&Start::First).await;
    assert_eq!(rows, [4, 5]);
    assert_eq!(
        rejections(&Start::After(last.expect("more"))).await,
        (vec![7], None)
    );
}

#[tokio::test]
async fn batches_designs_templates_and_generated_issuances_are_filtered() {
    let (_world, client) = with_everything().await;
    let batches = async |query: &str| found(&client, query, |row: &BatchRow| row.id).await;
    let id = |id| Some(Uuid::from_u128(id));
    assert_eq!(batches("").await, [BATCH + 1, BATCH]);
    assert_eq!(batches("state=undone").await, [BATCH]);
    let certificate = |id| format!("certificateId={}", Uuid::from_u128(id));
    assert_eq!(batches(&certificate(CERTIFICATE)).await.len(), 2);
    assert_eq!(batches(&certificate(CERTIFICATE + 1)).await, [0; 0]);

    let designs = async |query: &str| {
        let conditions = designs::present(conditions(&designs::LIST, query));
        let rows: Vec<DesignRow> = all(&client, &designs::LIST.table, &conditions).await;
        rows.iter()
            .map(|row| (row.id.as_u128(), row.name.clone()))
            .collect::<Vec<_>>()
    };
    let there = designs("").await;
    assert_eq!(
        there.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        [0xD1],
        "the other one was deleted"
    );
    let search = format!("search={}", there[0].1.to_uppercase());
    assert_eq!(designs(&search).await, there);
    assert_eq!(designs("search=nothing like it").await, []);
    assert_eq!(designs("client=nobody").await, []);

    let templates = async |query: &str| {
        let conditions = templates::present(conditions(&templates::LIST, query));
        let rows: Vec<TemplateRow> = all(&client, &templates::LIST.table, &conditions).await;
        rows.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(templates("").await, [0xF1], "the other one was retired");
    assert_eq!(templates("search=DIPLÓMA 1").await, [0xF1]);
    assert_eq!(templates("search=diploma 2").await, [0; 0]);

    let drawn = async |certificate: Option<u128>, theme: Option<&str>| {
        let conditions = issuances::drawn(certificate.and_then(id), theme.map(str::to_owned));
        let rows: Vec<DrawnRow> = all(&client, &issuances::DRAWN, &conditions).await;
        rows.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(drawn(Some(CERTIFICATE), None).await, [0x11]);
    assert_eq!(drawn(Some(CERTIFICATE + 1), None).await, [0; 0]);
    let certificate = listing::get::<CertificateRow>(&client, Uuid::from_u128(CERTIFICATE))
        .await
        .expect("answers");
    assert_eq!(
        drawn(
            None,
            Some(&certificate.expect("is there").definition.pdf_template.theme)
        )
        .await,
        [0x11]
    );
    assert_eq!(drawn(None, Some("baroque")).await, [0; 0]);
}

/// Returns the query plan for the first page of a list that shows the oldest row first. If the list
/// shows the newest row first, the same index is read backwards.
async fn plan(client: &Client, table: &Table, conditions: &Conditions) -> String {
    let (sql, values) = listing::all(table, conditions);
    let rows = client
        .query(&format!("EXPLAIN {sql} LIMIT 51"), &values)
        .await
        .expect("planned");
    rows.iter()
        .map(|row| row.get::<_, String>(0))
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn frequent_queries_use_an_index() {
    let world = World::new().await;
    world.project().await;
    let jobs = world.schema("jobs");
    let issuances = world.schema("issuances");
    let imports = world.schema("imports");
    let attendees = world.schema("attendees");
    // Every hundredth mail is held. Each certificate and each batch has ten of these.
    let fill = format!(
        "INSERT INTO \"{issuances}\".issuances (id, certificate_id, attendee_id, batch_id, public_id, state, client,
             certificate_name, event_name, full_name, locale, issue_date, created_at, updated_at, created_position, position)
         SELECT md5('i' || n)::uuid, md5('c' || n % 1000)::uuid, md5('a' || n)::uuid, md5('b' || n % 1000)::uuid, n,
             'generated', 'Acme', 'Speaker', 'Summit', 'Ada', 'en', '2026-11-21', now(), now(), n, n
         FROM generate_series(1, 10000) AS n;
         INSERT INTO \"{jobs}\".jobs (id, issuance_id, certificate_id, batch_id, is_replaced, to_name, to_address, stage,
             created_at, updated_at, created_position, position)
         SELECT md5('j' || n)::uuid, md5('i' || n)::uuid, md5('c' || n % 1000)::uuid, md5('b' || n % 1000)::uuid,
             false, 'Ada', 'ada@example.com',
             CASE WHEN n % 100 = 0 THEN 'held' ELSE 'sent' END, now(), now(), n, n
         FROM generate_series(1, 10000) AS n;
         INSERT INTO \"{imports}\".imports (id, state, object_key, format, sha256, size, update_existing, created_at,
             updated_at, created_position, position)
         SELECT md5('f' || n)::uuid, 'completed', '', 'csv', '', 1, false, now(), now(), n, n
         FROM generate_series(1, 10000) AS n;
         INSERT INTO \"{attendees}\".attendees (id, full_name, email, created_at, updated_at, created_position, position)
         SELECT md5('a' || n)::uuid, 'Ada', n || '@example.com', now(), now(), n, n
         FROM generate_series(1, 10000) AS n;
         ANALYZE \"{attendees}\".attendees;
         ANALYZE \"{issuances}\".issuances; ANALYZE \"{jobs}\".jobs; ANALYZE \"{imports}\".imports;"
    );
    world
        .pool
        .get()
        .await
        .expect("a connection")
        .batch_execute(&fill)
        .await
        .expect("filled");
    let client = world.reader().await;
    let row = client
        .query_one(
            "SELECT certificate_id, batch_id FROM issuances LIMIT 1",
            &[],
        )
        .await;
    let row = row.expect("a row");
    let (certificate_id, batch_id): (Option<Uuid>, Option<Uuid>) = (row.get(0), row.get(1));
    let certificate = format!("certificateId={}", certificate_id.expect("has one"));
    let batch = format!("batchId={}", batch_id.expect("has one"));
    let issuance = Uuid::from_u128(1);
    for query in [
        String::new(),
        "status=pending".to_owned(),
        "state=held".to_owned(),
        "state=held&state=failed".to_owned(),
        format!("generatedCertificateId={issuance}"),
        certificate.clone(),
        format!("{certificate}&certificateId={issuance}"),
        format!("{certificate}&state=held"),
        batch,
    ] {
        let plan = plan(&client, &jobs::LIST.table, &conditions(&jobs::LIST, &query)).await;
        assert!(!plan.contains("Seq Scan"), "{query}:\n{plan}");
    }
    for list in [&attendees::LIST, &issuances::LIST] {
        for query in [
            "email=7@example.com",
            "email=7@EXAMPLE.com&email=8@example.com",
        ] {
            let plan = plan(&client, &list.table, &conditions(list, query)).await;
            assert!(!plan.contains("Seq Scan"), "{query}:\n{plan}");
        }
    }
    for query in [
        "country=peru",
        "documentType=dni",
        "documentNumber=D-7",
        "search=zzzz",
    ] {
        let listed = conditions(&attendees::LIST, query);
        let plan = plan(&client, &attendees::LIST.table, &listed).await;
        assert!(!plan.contains("Seq Scan"), "{query}:\n{plan}");
        assert!(plan.contains("attendees_by_"), "{query}:\n{plan}");
    }
    let by_change = Table {
        tie: "jobs.position",
        ..jobs::LIST.table
    };
    for (table, conditions) in [
        (by_change, Conditions::default()),
        (imports::LIST.table, Conditions::default()),
    ] {
        let plan = plan(&client, &table, &conditions).await;
        assert!(!plan.contains("Seq Scan"), "{conditions:?}:\n{plan}");
    }
}
