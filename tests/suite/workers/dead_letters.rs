//! Dead letters: listing, finding, and one per cause.

use laureate::event_log::Position;
use laureate::workers::dead_letter::{DeadLetter, find, keep, open, settle};
use uuid::Uuid;

use super::fixture::{Plant, first_delivery};
use super::issuing::{request, requested};

/// Returns the numbers of the open dead letters of one worker or of all workers, newest first.
async fn listed(plant: &Plant, worker: Option<&str>) -> Vec<Position> {
    let mut pages = open(&plant.log.log, worker).await.unwrap();
    let mut numbers = Vec::new();
    while let Some(page) = pages.next_page().await.unwrap() {
        numbers.extend(page.into_iter().map(|kept| kept.number));
    }
    numbers
}

#[tokio::test]
async fn all_open_dead_letters_are_listed_newest_first() {
    let plant = Plant::new().await;
    assert_eq!(listed(&plant, None).await, [0; 0]);
    requested(&plant, request("Ada", "ada@example.com")).await;
    let delivery = first_delivery(plant.log.all().await.pop().unwrap());
    let log = &plant.log.log;
    for worker in ["renderer", "mailer", "importer"] {
        keep(
            log,
            &DeadLetter::of(worker, &delivery, "nothing helped"),
            None,
        )
        .await
        .unwrap();
    }
    // Two pages of the stream.
    let letter = DeadLetter::of("renderer", &delivery, "nothing helped");
    for _ in 0..1_100 / 50 {
        let some = (0..50).map(|_| keep(log, &letter, Some(Uuid::new_v4())));
        futures_util::future::try_join_all(some).await.unwrap();
    }
    let all: Vec<Position> = (1..=1_103).rev().collect();
    assert_eq!(listed(&plant, None).await, all);
    assert_eq!(listed(&plant, Some("mailer")).await, [2]);
    assert_eq!(listed(&plant, Some("*")).await, [0; 0]);

    for number in [2, 700] {
        let kept = find(log, number).await.unwrap().unwrap();
        settle(log, &kept).await.unwrap();
        settle(log, &kept).await.unwrap();
        assert_eq!(find(log, number).await.unwrap(), None, "settled");
    }
    assert_eq!(find(log, 1_104).await.unwrap(), None, "a note");
    assert_eq!(find(log, 9_999).await.unwrap(), None);
    let rest: Vec<_> = all.into_iter().filter(|n| ![2, 700].contains(n)).collect();
    assert_eq!(listed(&plant, None).await, rest);
}

#[tokio::test]
async fn event_has_one_dead_letter_until_its_work_is_requested_again() {
    let plant = Plant::new().await;
    requested(&plant, request("Ada", "ada@example.com")).await;
    let delivery = first_delivery(plant.log.all().await.pop().unwrap());
    let log = &plant.log.log;
    let letter = DeadLetter::of("renderer", &delivery, "MISSING_GLYPH");
    keep(log, &letter, None).await.unwrap();
    let attempts = 2;
    keep(
        log,
        &DeadLetter {
            attempts,
            ..letter.clone()
        },
        None,
    )
    .await
    .unwrap();
    assert_eq!(listed(&plant, None).await, [1]);
    // Its text differs if the work was given up by two deliveries.
    keep(
        log,
        &DeadLetter::of("renderer", &delivery, "no answer"),
        None,
    )
    .await
    .unwrap();
    assert_eq!(listed(&plant, None).await, [1]);
    keep(log, &letter, Some(Uuid::new_v4())).await.unwrap();
    assert_eq!(listed(&plant, None).await, [2, 1]);
}
