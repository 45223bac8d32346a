//! Property tests of lists. Their pages must be equal to those of a simple model, which sorts and
//! filters all rows.

use std::collections::BTreeMap;

use laureate::domain::Person;
use laureate::domain::certification::attendee::{Attendee, AttendeeImported, AttendeeUpdated};
use laureate::http::protocol::extract::Given;
use laureate::projection::queries::attendees::{self, AttendeeRow};
use laureate::projection::queries::certificates::CertificateRow;
use laureate::projection::queries::issuances::IssuanceRow;
use laureate::projection::queries::listing::{
    Conditions, List, Listed, Order, SortKey, Start, Table, count, list,
};
use proptest::prelude::*;
use proptest::test_runner::Config;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;
use uuid::Uuid;

use super::given_log::{Happened, happened};
use super::story::*;
use super::world::World;

/// Names that are different, names that differ only in accents or case, and names with an unusual
/// sort order.
const NAMES: [&str; 8] = [
    "Ána",
    "ANA",
    "ana",
    "Zoë",
    "Łukasz",
    "李雷",
    "O'Neill % _ \\",
    "Weiß",
];
/// The same names, in the form in which they are searched and sorted.
const FOLDED: [&str; 8] = [
    "ana",
    "ana",
    "ana",
    "zoe",
    "lukasz",
    "李雷",
    "oneill % _ \\",
    "weiss",
];

#[derive(Clone, Debug)]
struct Known {
    id: u128,
    name: usize,
    country: Option<&'static str>,
    created: i64,
    changed: i64,
}

fn named(name: usize, id: u128, country: Option<&str>) -> Person {
    Person {
        full_name: NAMES[name].to_owned().into(),
        country: country.map(|country| country.to_owned().into()),
        document_number: Some(format!("12.345-{id}").into()),
        email: format!("P{id}@example.com").into(),
        ..person("x")
    }
}

/// Returns the events, and the people who exist after them.
fn message(steps: &[(u8, u8, usize)]) -> (Vec<Happened>, Vec<Known>) {
    let (mut events, mut known) = (Vec::new(), BTreeMap::<u128, Known>::new());
    for (position, (what, who, name)) in (1_i64..).zip(steps) {
        let id = u128::from(*who);
        let country = (*name % 2 == 0).then_some("Perú");
        let person = named(*name, id, country);
        events.push(match (known.get_mut(&id), what % 4) {
            (Some(_), 0) => {
                known.remove(&id);
                attendee_deleted(id)
            }
            (Some(before), _) => {
                *before = Known {
                    name: *name,
                    country,
                    changed: position,
                    ..before.clone()
                };
                happened::<Attendee>(
                    id,
                    AttendeeUpdated {
                        person,
                        source: None,
                    },
                )
            }
            (None, _) => {
                known.insert(
                    id,
                    Known {
                        id,
                        name: *name,
                        country,
                        created: position,
                        changed: position,
                    },
                );
                happened::<Attendee>(
                    id,
                    AttendeeImported {
                        person,
                        source: None,
                    },
                )
            }
        });
    }
    (events, known.into_values().collect())
}

/// Returns the ids on all pages of a list, in their order.
async fn pages(
    client: &deadpool_postgres::Client,
    query: &str,
    order: Order,
    limit: u32,
) -> Vec<u128> {
    let mut start = Start::First;
    let mut found = Vec::new();
    loop {
        let conditions = conditions(&attendees::LIST, query);
        let table = &attendees::LIST.table;
        let part = list::<AttendeeRow>(client, table, &conditions, order, &start, limit);
        let part = part.await.expect("answers");
        assert!(part.items.len() <= limit as usize);
        found.extend(part.items.iter().map(|row| row.id.as_u128()));
        let Some(last) = part.last else { return found };
        start = Start::After(last);
    }
}

fn sort_key(name: &str) -> SortKey {
    attendees::LIST.sort_key(name).expect("a sort key")
}

/// Current time of filters.
pub const NOW: OffsetDateTime = datetime!(2026-12-01 00:00 UTC);

/// Returns the conditions that a list derives from a query string.
pub fn conditions(list: &List, query: &str) -> Conditions {
    let mut given = Given::of_query(query);
    let conditions = given.conditions(list, NOW).expect(query);
    given.end().expect(query);
    conditions
}

/// Returns the ids of the newest 100 rows that meet the filters of a query string, newest first.
pub async fn found<T: Listed>(
    client: &deadpool_postgres::Client,
    query: &str,
    id: impl Fn(&T) -> Uuid,
) -> Vec<u128> {
    let rows: Vec<T> = all(client, &T::LIST.table, &conditions(T::LIST, query)).await;
    rows.iter().map(|row| id(row).as_u128()).collect()
}

fn expected(known: &[Known], key: SortKey, descending: bool) -> Vec<u128> {
    let mut sorted: Vec<&Known> = known.iter().collect();
    sorted.sort_by_key(|one| match key {
        key if key == sort_key("createdAt") => (String::new(), one.created),
        key if key == sort_key("updatedAt") => (String::new(), one.changed),
        key if key == sort_key("fullName") => (FOLDED[one.name].to_owned(), one.created),
        _ => (format!("p{}@example.com", one.id), one.created),
    });
    if descending {
        sorted.reverse();
    }
    sorted.iter().map(|one| one.id).collect()
}

proptest! {
    #![proptest_config(Config { cases: 8, failure_persistence: None, ..Config::default() })]
    #[test]
    fn pages_together_are_the_sorted_list(
        steps in proptest::collection::vec((any::<u8>(), 0..24_u8, 0..NAMES.len()), 1..60),
        limit in 1..7_u32,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let world = World::new().await;
            let (events, known) = message(&steps);
            world.log.append(events);
            world.project().await;
            let client = world.reader().await;
            for key in attendees::LIST.sort_names().map(sort_key) {
                for descending in [false, true] {
                    let order = Order { key, descending };
                    let all = pages(&client, "", order, limit).await;
                    prop_assert_eq!(all, expected(&known, key, descending), "{:?}", order);
                }
            }
            let query = "country=PERU&country=Chile";
            let peruvians: Vec<Known> = known.iter().filter(|one| one.country.is_some()).cloned().collect();
            let order = Order { key: sort_key("fullName"), descending: true };
            let found = pages(&client, query, order, limit).await;
            prop_assert_eq!(found, expected(&peruvians, order.key, true));
            let counted = count(&client, &attendees::LIST.table, &conditions(&attendees::LIST, query)).await.expect("answers");
            prop_assert_eq!(counted, Some(peruvians.len() as i64));
            Ok(())
        })?;
    }
}

/// Returns the 100 newest rows.
pub async fn all<T: laureate::projection::queries::FromRow>(
    client: &deadpool_postgres::Client,
    table: &Table,
    conditions: &Conditions,
) -> Vec<T> {
    let order = Order {
        key: SortKey::Position(table.tie),
        descending: true,
    };
    list(client, table, conditions, order, &Start::First, 100)
        .await
        .expect("answers")
        .items
}

#[tokio::test]
async fn search_ignores_case_and_accents_and_has_no_wildcards() {
    let world = World::new().await;
    let people = (0..NAMES.len()).map(|n| {
        let person = named(n, n as u128, None);
        happened::<Attendee>(
            n as u128,
            AttendeeImported {
                person,
                source: None,
            },
        )
    });
    world.log.append(people);
    world.project().await;
    let client = world.reader().await;
    let searched = async |search: &str| {
        let search = search.replace('%', "%25");
        let query = format!("search={search}");
        let mut ids = found(&client, &query, |row: &AttendeeRow| row.id).await;
        ids.sort_unstable();
        ids
    };
    for (search, ids) in [
        ("ána", vec![0, 1, 2]),
        ("ANA example.com", vec![0, 1, 2]),
        ("ANA p1@", vec![1]),
        ("zoe", vec![3]),
        ("ZOË", vec![3]),
        ("lukasz", vec![4]),
        ("ŁUKASZ", vec![4]),
        ("雷", vec![5]),
        ("%", vec![6]),
        ("_", vec![6]),
        ("\\", vec![6]),
        ("o'neill", vec![6]),
        ("weiss", vec![7]),
        ("WEISS", vec![7]),
        ("weiß", vec![7]),
        ("12.345-3", vec![3]),
        ("123453", vec![3]),
        ("12-345/3", vec![3]),
        ("nobody", vec![]),
        ("' OR true --", vec![]),
    ] {
        assert_eq!(searched(search).await, ids, "{search}");
    }
    assert_eq!(searched("example").await.len(), NAMES.len());
}

#[tokio::test]
async fn lists_are_filtered_by_each_criterion() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let client = world.reader().await;
    let id = Uuid::from_u128;

    let issued = async |query: &str| found(&client, query, |row: &IssuanceRow| row.id).await;
    let certificate = format!("certificateId={}", id(CERTIFICATE));
    let other = format!("certificateId={}", id(CERTIFICATE + 1));
    assert_eq!(issued("").await, [0x13, 0x12, 0x11]);
    let ada = format!("attendeeId={}", id(0xA1));
    assert_eq!(issued(&ada).await, [0x11]);
    let two = format!("{ada}&attendeeId={}", id(0xA3));
    assert_eq!(issued(&two).await, [0x13, 0x11]);
    assert_eq!(issued(&certificate).await.len(), 3);
    assert_eq!(issued(&format!("{certificate}&{other}")).await.len(), 3);
    assert_eq!(issued(&other).await, [0; 0]);
    assert_eq!(issued("state=revoked").await.len(), 2);
    assert_eq!(issued("state=revoked&state=generated").await.len(), 3);
    assert_eq!(issued("state=failed").await, [0; 0]);
    let batch = format!("batchId={}", id(BATCH + 1));
    assert_eq!(issued(&batch).await, [0; 0]);
    let import = format!("importId={}", id(IMPORT));
    assert_eq!(issued(&import).await, [0; 0]);
    assert_eq!(issued("isSent=true").await, [0x11]);
    assert_eq!(issued("isSent=false").await, [0x13, 0x12]);
    assert_eq!(issued("search=LOVE ada").await.len(), 3);
    assert_eq!(issued("issuedFrom=2026-11-21").await.len(), 3);
    assert_eq!(issued("issuedTo=2026-11-20").await, [0; 0]);
    // Issuances are also found by the e-mail address and the document of the person.
    let people: Vec<AttendeeRow> =
        all(&client, &attendees::LIST.table, &Conditions::default()).await;
    let person = people
        .iter()
        .find(|row| row.id == id(0xA1))
        .expect("is there");
    let person = &person.person;
    let email = person.email.reveal_str().to_uppercase();
    let document = person
        .document_number
        .as_ref()
        .expect("has one")
        .reveal_str();
    let plain = document.replace('-', " ");
    for query in [
        format!("search={email}"),
        format!("search={document}"),
        format!("email={email}"),
        format!("email=nobody@example.com&email={email}"),
        format!("documentNumber={document}"),
        format!("documentNumber={plain}&documentNumber=1"),
    ] {
        assert_eq!(issued(&query).await, [0x11], "{query}");
        let people = found(&client, &query, |row: &AttendeeRow| row.id).await;
        assert_eq!(people, [0xA1], "{query}");
    }
    assert_eq!(issued("email=nobody@example.com").await, [0; 0]);
    assert_eq!(issued("documentNumber=1").await, [0; 0]);

    let people = async |query: &str| found(&client, query, |row: &AttendeeRow| row.id).await;
    assert_eq!(people(&certificate).await, [0xA3, 0xA2, 0xA1]);
    // The import created two people. The third was known.
    assert_eq!(people(&import).await, [0xA3, 0xA2, 0xA1]);
    let listed = attendees::of_import(id(IMPORT));
    let rows: Vec<AttendeeRow> = all(&client, &attendees::LIST.table, &listed).await;
    let ids: Vec<u128> = rows.iter().map(|row| row.id.as_u128()).collect();
    assert_eq!(ids, [0xA3, 0xA2, 0xA1]);

    let defined = async |query: &str| found(&client, query, |row: &CertificateRow| row.id).await;
    assert_eq!(defined("").await, [CERTIFICATE + 1, CERTIFICATE]);
    assert_eq!(defined("isActive=true").await, [CERTIFICATE]);
    assert_eq!(defined("client=ACME").await.len(), 2);
    assert_eq!(defined("client=Acm").await, [0; 0]);
    assert_eq!(defined("client=Acm&client=a.c.m.e.").await.len(), 2);
    assert_eq!(defined("locale=en&locale=es").await.len(), 2);
    assert_eq!(defined("search=keynote summit").await, [CERTIFICATE + 1]);
}

#[tokio::test]
async fn time_filters_include_both_ends() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let client = world.reader().await;
    let people: Vec<AttendeeRow> =
        all(&client, &attendees::LIST.table, &Conditions::default()).await;
    let newest = people[0].created_at;
    let time = newest.format(&Rfc3339).expect("a time").replace('+', "%2B");
    let count = async |query: String| {
        let found = found(&client, &query, |row: &AttendeeRow| row.id).await;
        found.len()
    };
    let at_newest = people.iter().filter(|row| row.created_at == newest).count();
    assert_eq!(count(format!("createdFrom={time}")).await, at_newest);
    assert_eq!(count(format!("createdTo={time}")).await, people.len());
    assert_eq!(
        count(format!("createdFrom={time}&createdTo={time}")).await,
        at_newest
    );
    let day = newest.date();
    let before = day.previous_day().expect("a day");
    assert_eq!(
        count(format!("createdFrom={day}&createdTo={day}")).await,
        people.len()
    );
    assert_eq!(count(format!("createdTo={before}")).await, 0);
}

#[tokio::test]
async fn time_filters_are_exact_although_clocks_differ() {
    let world = World::new().await;
    world.project().await;
    let fill = format!(
        "INSERT INTO \"{}\".attendees (id, full_name, email, created_at, updated_at, created_position, position)
         SELECT md5('a' || n)::uuid, 'Ada', n || '@example.com', made, made, 7 * n, 7 * n
         FROM generate_series(1, 3000) AS n, LATERAL (
             SELECT timestamptz '2026-11-01 00:00Z' + n * interval '5 minutes' + n * 7919 % 23 * interval '1 hour' AS made
         ) AS time",
        world.schema("attendees")
    );
    let client = world.pool.get().await.expect("a connection");
    client.batch_execute(&fill).await.expect("filled");
    let client = world.reader().await;
    for limit in [
        "2026-10-01",
        "2026-11-01",
        "2026-11-02",
        "2026-11-05T03:17:00Z",
        "2027-01-01",
    ] {
        for (name, comparison) in [("createdFrom", ">="), ("createdTo", "<=")] {
            let query = format!("{name}={limit}");
            let listed = conditions(&attendees::LIST, &query);
            let found = count(&client, &attendees::LIST.table, &listed).await;
            // The last day is included as a whole.
            let whole_day = name == "createdTo" && !limit.contains('T');
            let sql = format!(
                "SELECT count(*) FROM attendees WHERE created_at {comparison} \
                 timestamptz '{limit}' + interval '{} microseconds'",
                if whole_day { 86_400_000_000_i64 - 1 } else { 0 }
            );
            let expected: i64 = client.query_one(&sql, &[]).await.expect("counted").get(0);
            assert_eq!(found.expect("answers"), Some(expected), "{query}");
        }
    }
}

#[tokio::test]
async fn search_ignores_separators_in_names() {
    /// Spellings, each of which finds the others.
    const SPELLINGS: [&[&str]; 6] = [
        // Apostrophes.
        &[
            "Ann O'Neil",
            "Ann O’Neil",
            "Ann O‘Neil",
            "Ann Oʼneil",
            "Ann Oʻneil",
            "Ann O`Neil",
            "Ann O´Neil",
            "Ann O′Neil",
            "Ann O＇Neil",
            "Ann Oꞌneil",
            "ann oneil",
            "Ann O Neil",
            "Ann O' Neil",
        ],
        // Hyphens.
        &[
            "Ana García-Márquez",
            "Ana García‐Márquez",
            "Ana García‑Márquez",
            "Ana García–Márquez",
            "Ana García—Márquez",
            "Ana García−Márquez",
            "Ana García\u{ad}Márquez",
            "Ana García－Márquez",
            "Ana GarciaMarquez",
        ],
        // Periods.
        &[
            "J.R.R. Tolkien",
            "JRR Tolkien",
            "J．R．R． Tolkien",
            "J․R․R․ Tolkien",
        ],
        // Middle dots.
        &[
            "Marcel·la Pi",
            "Marcel•la Pi",
            "Marcel‧la Pi",
            "Marcel∙la Pi",
            "Marcel⋅la Pi",
            "Marceŀla Pi",
            "Marcella Pi",
            "Marcel・la Pi",
            "Marcel･la Pi",
        ],
        // Words that only a space separates.
        &["Ana García-Márquez", "Ana García Márquez"],
        &["St.John Smith", "St. John Smith", "St John Smith"],
    ];
    let world = World::new().await;
    let names: Vec<(u128, &str)> = (1..)
        .zip(SPELLINGS.into_iter().flatten().copied())
        .collect();
    let events = names.iter().map(|(id, name)| {
        let person = Person {
            full_name: (*name).to_owned().into(),
            ..named(0, *id, None)
        };
        let source = None;
        happened::<Attendee>(*id, AttendeeImported { person, source })
    });
    world.log.append(events.chain([happened::<Attendee>(
        999,
        AttendeeImported {
            person: named(0, 999, None),
            source: None,
        },
    )]));
    world.project().await;
    let client = world.reader().await;
    let mut first = 1;
    for spellings in SPELLINGS {
        let ids = first..first + spellings.len() as u128;
        first = ids.end;
        for spelling in spellings {
            let query = format!("search={spelling}");
            let found = found(&client, &query, |row: &AttendeeRow| row.id).await;
            let missing: Vec<_> = ids.clone().filter(|id| !found.contains(id)).collect();
            assert_eq!(missing, [0; 0], "{spelling}");
            assert!(!found.contains(&999), "{spelling}");
        }
    }
    let finds = async |search: &str| {
        let query = format!("search={search}");
        found(&client, &query, |row: &AttendeeRow| row.id)
            .await
            .len()
    };
    assert_eq!(finds("oneil").await, SPELLINGS[0].len());
    assert_eq!(finds("O’NEIL").await, SPELLINGS[0].len());
    assert_eq!(finds("o neil").await, SPELLINGS[0].len());
    assert_eq!(finds("neilo").await, 0);
    assert_eq!(finds("annoneil").await, 0, "words are not joined");
}
