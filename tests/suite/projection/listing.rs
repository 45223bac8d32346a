//! Property tests of lists. Their pages must be equal to those of a simple model, which sorts and
//! filters all rows.

use std::collections::BTreeMap;

use laureate::domain::Person;
use laureate::domain::certification::attendee::{Attendee, AttendeeImported, AttendeeUpdated};
use laureate::projection::queries::attendees::{self, AttendeeFilter, AttendeeRow};
use laureate::projection::queries::certificates::{self, CertificateFilter, CertificateRow};
use laureate::projection::queries::issuances::{self, IssuanceFilter, IssuanceRow};
use laureate::projection::queries::listing::{
    Conditions, Order, SortKey, Start, Table, count, list,
};
use proptest::prelude::*;
use proptest::test_runner::Config;
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
    "o'neill % _ \\",
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
    filter: &AttendeeFilter,
    order: Order,
    limit: u32,
) -> Vec<u128> {
    let mut start = Start::First;
    let mut found = Vec::new();
    loop {
        let conditions = filter.clone().conditions();
        let part =
            list::<AttendeeRow>(client, &attendees::TABLE, &conditions, order, &start, limit);
        let part = part.await.expect("answers");
        assert!(part.items.len() <= limit as usize);
        found.extend(part.items.iter().map(|row| row.id.as_u128()));
        let Some(last) = part.last else { return found };
        start = Start::After(last);
    }
}

fn expected(known: &[Known], key: SortKey, descending: bool) -> Vec<u128> {
    let mut sorted: Vec<&Known> = known.iter().collect();
    sorted.sort_by_key(|one| match key {
        key if key == attendees::BY_CREATION => (String::new(), one.created),
        key if key == attendees::BY_CHANGE => (String::new(), one.changed),
        key if key == attendees::BY_NAME => (FOLDED[one.name].to_owned(), one.created),
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
            for key in [attendees::BY_CREATION, attendees::BY_CHANGE, attendees::BY_NAME, attendees::BY_EMAIL] {
                for descending in [false, true] {
                    let order = Order { key, descending };
                    let all = pages(&client, &AttendeeFilter::default(), order, limit).await;
                    prop_assert_eq!(all, expected(&known, key, descending), "{:?}", order);
                }
            }
            let filter = AttendeeFilter { country: Some("PERU".to_owned()), ..AttendeeFilter::default() };
            let peruvians: Vec<Known> = known.iter().filter(|one| one.country.is_some()).cloned().collect();
            let order = Order { key: attendees::BY_NAME, descending: true };
            let found = pages(&client, &filter, order, limit).await;
            prop_assert_eq!(found, expected(&peruvians, order.key, true));
            let counted = count(&client, &attendees::TABLE, &filter.conditions()).await.expect("answers");
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
    let found = async |search: &str| {
        let filter = AttendeeFilter {
            search: Some(search.to_owned()),
            ..AttendeeFilter::default()
        };
        let rows: Vec<AttendeeRow> = all(&client, &attendees::TABLE, &filter.conditions()).await;
        let mut ids: Vec<u128> = rows.iter().map(|row| row.id.as_u128()).collect();
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
        ("nobody", vec![]),
        ("' OR true --", vec![]),
    ] {
        assert_eq!(found(search).await, ids, "{search}");
    }
    assert_eq!(found("example").await.len(), NAMES.len());
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
async fn lists_are_filtered_by_each_criterion() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let client = world.reader().await;
    let id = Uuid::from_u128;

    let issued = async |filter: IssuanceFilter| {
        let rows: Vec<IssuanceRow> = all(&client, &issuances::TABLE, &filter.conditions()).await;
        rows.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>()
    };
    let none = IssuanceFilter::default;
    let date = |text: &str| {
        time::Date::parse(text, &time::format_description::well_known::Iso8601::DATE).ok()
    };
    assert_eq!(issued(none()).await, [0x13, 0x12, 0x11]);
    assert_eq!(
        issued(IssuanceFilter {
            attendee_id: Some(id(0xA1)),
            ..none()
        })
        .await,
        [0x11]
    );
    assert_eq!(
        issued(IssuanceFilter {
            certificate_id: Some(id(CERTIFICATE)),
            ..none()
        })
        .await
        .len(),
        3
    );
    assert_eq!(
        issued(IssuanceFilter {
            state: Some("revoked".to_owned()),
            ..none()
        })
        .await
        .len(),
        2
    );
    assert_eq!(
        issued(IssuanceFilter {
            state: Some("failed".to_owned()),
            ..none()
        })
        .await
        .len(),
        0
    );
    assert_eq!(
        issued(IssuanceFilter {
            batch_id: Some(id(BATCH + 1)),
            ..none()
        })
        .await,
        [] as [u128; 0]
    );
    assert_eq!(
        issued(IssuanceFilter {
            import_id: Some(id(IMPORT)),
            ..none()
        })
        .await,
        [] as [u128; 0]
    );
    assert_eq!(
        issued(IssuanceFilter {
            is_sent: Some(true),
            ..none()
        })
        .await,
        [0x11]
    );
    assert_eq!(
        issued(IssuanceFilter {
            is_sent: Some(false),
            ..none()
        })
        .await,
        [0x13, 0x12]
    );
    assert_eq!(
        issued(IssuanceFilter {
            search: Some("LOVE ada".to_owned()),
            ..none()
        })
        .await
        .len(),
        3
    );
    assert_eq!(
        issued(IssuanceFilter {
            issued_from: date("2026-11-21"),
            ..none()
        })
        .await
        .len(),
        3
    );
    assert_eq!(
        issued(IssuanceFilter {
            issued_to: date("2026-11-20"),
            ..none()
        })
        .await
        .len(),
        0
    );

    let earned = AttendeeFilter {
        certificate_id: Some(id(CERTIFICATE)),
        ..AttendeeFilter::default()
    };
    let rows: Vec<AttendeeRow> = all(&client, &attendees::TABLE, &earned.conditions()).await;
    assert_eq!(
        rows.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>(),
        [0xA3, 0xA2, 0xA1]
    );
    let from_file = AttendeeFilter {
        import_id: Some(id(IMPORT)),
        ..AttendeeFilter::default()
    };
    let rows: Vec<AttendeeRow> = all(&client, &attendees::TABLE, &from_file.conditions()).await;
    // The import created two people. The third person was known before.
    assert_eq!(
        rows.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>(),
        [0xA3, 0xA2, 0xA1]
    );
    let since = rows[0].created_at;
    let recent = AttendeeFilter {
        created_after: Some(since),
        ..AttendeeFilter::default()
    };
    let before = AttendeeFilter {
        created_before: Some(since),
        ..AttendeeFilter::default()
    };
    let (recent, before): (Vec<AttendeeRow>, Vec<AttendeeRow>) = (
        all(&client, &attendees::TABLE, &recent.conditions()).await,
        all(&client, &attendees::TABLE, &before.conditions()).await,
    );
    assert!(recent.iter().all(|row| row.created_at >= since) && !recent.is_empty());
    assert!(before.iter().all(|row| row.created_at < since));
    assert_eq!(recent.len() + before.len(), 3);

    let defined = async |filter: CertificateFilter| {
        let rows: Vec<CertificateRow> =
            all(&client, &certificates::TABLE, &filter.conditions()).await;
        rows.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>()
    };
    let none = CertificateFilter::default;
    assert_eq!(defined(none()).await, [CERTIFICATE + 1, CERTIFICATE]);
    assert_eq!(
        defined(CertificateFilter {
            is_active: Some(true),
            ..none()
        })
        .await,
        [CERTIFICATE]
    );
    assert_eq!(
        defined(CertificateFilter {
            client: Some("ACME".to_owned()),
            ..none()
        })
        .await
        .len(),
        2
    );
    assert_eq!(
        defined(CertificateFilter {
            client: Some("Acm".to_owned()),
            ..none()
        })
        .await
        .len(),
        0
    );
    let keynote = CertificateFilter {
        search: Some("keynote summit".to_owned()),
        ..none()
    };
    assert_eq!(defined(keynote).await, [CERTIFICATE + 1]);
}
