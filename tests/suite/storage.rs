//! File storage. The same tests run on a local folder and on an S3 server.

#![allow(clippy::expect_used, reason = "a panic here fails the test")]

use axum::http::{Method, StatusCode};
use bytes::Bytes;
use laureate::storage::{
    ObjectKey, ObjectStorage, PutNew, StorageError, StorageSettings, certificate_key, import_key,
};
use uuid::Uuid;

use crate::support::servers;

fn folder() -> (tempfile::TempDir, ObjectStorage) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = StorageSettings::folder(&folder.path().join("not/there/yet"));
    let storage = ObjectStorage::open(&settings).expect("the folder is made");
    (folder, storage)
}

fn s3_settings(bucket: &str) -> StorageSettings {
    let json = serde_json::json!({
        "url": format!("s3://{bucket}/some/prefix"), "endpoint": servers().s3_url(), "region": "us-east-1",
        "access_key_id": "test", "secret_access_key": "secret", "allow_http": true,
    });
    serde_json::from_value(json).expect("the settings are complete")
}

/// Creates a bucket for one test.
async fn bucket() -> ObjectStorage {
    let name = format!("laureate-{}", Uuid::new_v4());
    servers().make_s3_bucket(&name).await;
    ObjectStorage::open(&s3_settings(&name)).expect("the settings are valid")
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).expect("a valid key")
}

async fn objects_are_stored_and_deleted(storage: &ObjectStorage) {
    let key = key("certificates/example_2026/one.pdf");
    assert_eq!(storage.get(&key, 1000).await.expect("an answer"), None);
    assert!(!storage.exists(&key).await.expect("an answer"));
    storage
        .put(&key, Bytes::from_static(b"first"))
        .await
        .expect("stored");
    storage
        .put(&key, Bytes::from_static(b"second"))
        .await
        .expect("replaced");
    assert_eq!(
        storage.get(&key, 6).await.expect("an answer").as_deref(),
        Some(&b"second"[..])
    );
    assert!(storage.exists(&key).await.expect("an answer"));
    let error = storage.get(&key, 5).await.expect_err("too large");
    assert!(
        matches!(error, StorageError::TooLarge { limit: 5, .. }),
        "{error}"
    );
    storage.delete(&key).await.expect("deleted");
    storage
        .delete(&key)
        .await
        .expect("deleting nothing is no error");
    assert_eq!(storage.get(&key, 1000).await.expect("an answer"), None);
}

async fn start_of_an_object_is_returned(storage: &ObjectStorage) {
    let key = key("certificates/example_2026/start.pdf");
    assert_eq!(storage.get_start(&key, 4).await.expect("an answer"), None);
    for (content, start) in [
        ("", ""),
        ("abc", "abc"),
        ("abcd", "abcd"),
        ("abcdef", "abcd"),
    ] {
        storage
            .put(&key, Bytes::from(content))
            .await
            .expect("stored");
        let found = storage.get_start(&key, 4).await.expect(content);
        assert_eq!(found.as_deref(), Some(start.as_bytes()), "{content}");
    }
}

async fn issued_bytes_never_change(storage: &ObjectStorage) {
    let key = certificate_key("Example", 2026, Uuid::new_v4(), "Rust", "3kTM-d9_").expect("a key");
    let pdf = Bytes::from_static(b"%PDF-1.7 one");
    assert_eq!(
        storage.put_new(&key, pdf.clone()).await.expect("stored"),
        PutNew::Created
    );
    assert_eq!(
        storage.put_new(&key, pdf.clone()).await.expect("the same"),
        PutNew::AlreadyThere
    );
    for other in ["%PDF-1.7 two", "%PDF-1.7 longer", "%PDF", ""] {
        let error = storage
            .put_new(&key, Bytes::from(other))
            .await
            .expect_err("refused");
        assert!(
            matches!(&error, StorageError::Differs(found) if *found == key),
            "{error}"
        );
    }
    assert_eq!(storage.get(&key, 1000).await.expect("an answer"), Some(pdf));
}

async fn only_expired_objects_are_deleted(storage: &ObjectStorage) {
    let first = import_key(Uuid::new_v4());
    let second = import_key(Uuid::new_v4());
    let issued = key("certificates/example_2026/kept.pdf");
    for key in [&first, &second, &issued] {
        storage
            .put(key, Bytes::from_static(b"bytes"))
            .await
            .expect("stored");
    }
    let now = time::OffsetDateTime::now_utc();
    let gone = async |before, most| {
        storage
            .delete_expiring(before, most)
            .await
            .expect("an answer")
    };
    assert_eq!(gone(now - time::Duration::HOUR, 10).await, 0);
    assert_eq!(gone(now + time::Duration::HOUR, 1).await, 1);
    assert_eq!(gone(now + time::Duration::HOUR, 10).await, 1);
    assert_eq!(gone(now + time::Duration::HOUR, 10).await, 0);
    assert!(!storage.exists(&first).await.expect("an answer"));
    assert!(
        storage.exists(&issued).await.expect("an answer"),
        "an issued file was deleted"
    );
}

async fn concurrent_puts_of_one_new_object_have_one_winner(storage: &ObjectStorage) {
    let key = key("certificates/race/one.pdf");
    let puts = (0..8u8).map(|n| storage.put_new(&key, Bytes::from(vec![n; 2000])));
    let results = futures_util::future::join_all(puts).await;
    let created = results
        .iter()
        .filter(|result| matches!(result, Ok(PutNew::Created)))
        .count();
    let differing = results
        .iter()
        .filter(|result| matches!(result, Err(StorageError::Differs(_))))
        .count();
    assert_eq!((created, differing), (1, 7), "{results:?}");
    let winner = results.iter().position(Result::is_ok).expect("one has won");
    let stored = storage
        .get(&key, 2000)
        .await
        .expect("an answer")
        .expect("it is there");
    assert!(
        stored.iter().all(|byte| usize::from(*byte) == winner),
        "a mixture of two objects"
    );
}

async fn large_files_are_transferred_in_parts(storage: &ObjectStorage) {
    let key = import_key(Uuid::new_v4());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("source");
    let target = folder.path().join("target");
    assert_eq!(
        storage
            .get_to_file(&key, &target, 10)
            .await
            .expect("an answer"),
        None
    );
    assert!(!target.exists(), "no object, no file");
    // The first file needs more than one part of a multipart upload, with a short last part. The
    // second file is empty.
    for size in [12 * 1024 * 1024 + 17, 0] {
        let content: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
        std::fs::write(&source, &content).expect("written");
        let size = size as u64;
        assert_eq!(
            storage.put_file(&key, &source).await.expect("uploaded"),
            size
        );
        assert_eq!(
            storage
                .get_to_file(&key, &target, size)
                .await
                .expect("an answer"),
            Some(size)
        );
        assert!(
            std::fs::read(&target).expect("it is there") == content,
            "the bytes have changed"
        );
    }
    storage
        .put(&key, Bytes::from_static(b"0123456789x"))
        .await
        .expect("stored");
    let error = storage
        .get_to_file(&key, &target, 10)
        .await
        .expect_err("too large");
    assert!(
        matches!(error, StorageError::TooLarge { limit: 10, .. }),
        "{error}"
    );
    let error = storage
        .put_file(&key, &folder.path().join("absent"))
        .await
        .expect_err("no such file");
    assert!(matches!(error, StorageError::LocalFile { .. }), "{error}");
}

async fn check_all(storage: &ObjectStorage) {
    storage.check().await.expect("usable");
    objects_are_stored_and_deleted(storage).await;
    start_of_an_object_is_returned(storage).await;
    issued_bytes_never_change(storage).await;
    concurrent_puts_of_one_new_object_have_one_winner(storage).await;
    only_expired_objects_are_deleted(storage).await;
    large_files_are_transferred_in_parts(storage).await;
    storage.check().await.expect("still usable");
}

#[tokio::test]
async fn local_folder_stores_files() {
    let (_folder, storage) = folder();
    check_all(&storage).await;
}

#[tokio::test]
async fn s3_bucket_stores_files() {
    check_all(&bucket().await).await;
}

#[tokio::test]
async fn missing_folder_or_bucket_fails_the_check() {
    let (folder, storage) = folder();
    let place = folder.path().join("not/there/yet");
    // A file replaces the folder, so that the folder can't be created again.
    std::fs::remove_dir_all(&place).expect("removed");
    std::fs::write(&place, "in the way").expect("written");
    storage.check().await.expect_err("the folder is gone");
    assert!(ObjectStorage::open(&StorageSettings::folder(&place)).is_err());
    let missing =
        ObjectStorage::open(&s3_settings("laureate-no-such-bucket")).expect("valid settings");
    missing.check().await.expect_err("there is no such bucket");
    let lost = missing
        .get(&key("a"), 10)
        .await
        .expect_err("no such bucket");
    assert!(lost.is_away(), "{lost}");
}

fn is_away(error: StorageError) {
    assert!(matches!(error, StorageError::NotMounted { .. }), "{error}");
}

fn storage_has(place: &std::path::Path, name: &str) -> bool {
    place.join(name).exists()
}

#[tokio::test]
async fn folder_of_another_namespace_is_not_used() {
    let (folder, storage) = folder();
    storage.require_marker("one");
    storage.put_marker().await.expect("marked");
    storage.check().await.expect("usable");
    let settings = StorageSettings::folder(&folder.path().join("not/there/yet"));
    let other = ObjectStorage::open(&settings).expect("the folder is there");
    other.require_marker("two");
    let error = other.put(&key("a"), Bytes::new()).await;
    let error = error.expect_err("another installation");
    assert!(
        matches!(error, StorageError::OtherNamespace { .. }),
        "{error}"
    );
    assert!(error.is_away(), "the work waits");
}

#[tokio::test]
async fn object_written_while_the_folder_was_unmounted_is_not_stored() {
    let (folder, storage) = folder();
    let place = folder.path().join("not/there/yet");
    storage.require_marker("one");
    storage.put_marker().await.expect("marked");
    let file = folder.path().join("file");
    std::fs::write(&file, "bytes").expect("written");
    // The marker was found within the last second, so the check before the write passes.
    storage.check().await.expect("usable");
    std::fs::remove_file(place.join("laureate-storage")).expect("removed");
    let bytes = || Bytes::from_static(b"bytes");
    let mark = async || storage.put_marker().await.expect("marked");
    is_away(storage.put(&key("a"), bytes()).await.expect_err("away"));
    for name in ["b", "c"] {
        mark().await;
        storage.check().await.expect("usable");
        std::fs::remove_file(place.join("laureate-storage")).expect("removed");
        let lost = match name {
            "b" => storage.put_new(&key(name), bytes()).await.map(drop),
            _ => storage.put_file(&key(name), &file).await.map(drop),
        };
        is_away(lost.expect_err("away"));
    }
    // The work is repeated when the folder is back.
    mark().await;
    storage.put_new(&key("b"), bytes()).await.expect("stored");
}

/// Answer of an S3 server that only lists objects.
async fn listing_only(method: Method) -> (StatusCode, &'static str) {
    if method == Method::GET {
        let listed = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
        (StatusCode::OK, listed)
    } else {
        (StatusCode::FORBIDDEN, "")
    }
}

/// Returns a bucket in which nothing can be written.
async fn bucket_without_writes() -> ObjectStorage {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let server = axum::Router::new().fallback(listing_only);
    tokio::spawn(axum::serve(listener, server).into_future());
    let settings = StorageSettings {
        endpoint: Some(format!("http://{address}")),
        ..s3_settings("laureate")
    };
    ObjectStorage::open(&settings).expect("valid settings")
}

#[tokio::test]
async fn probe_of_a_bucket_writes_nothing() {
    let storage = bucket_without_writes().await;
    storage
        .put(&key("a"), Bytes::new())
        .await
        .expect_err("forbidden");
    storage.probe().await.expect("usable");
}

#[tokio::test]
async fn empty_mount_point_is_away_instead_of_having_lost_its_objects() {
    let (folder, storage) = folder();
    let place = folder.path().join("not/there/yet");
    let key = key("expiring/imports/1/source");
    storage.require_marker("one");
    is_away(storage.put(&key, Bytes::new()).await.expect_err("unmarked"));
    assert!(!storage_has(&place, "expiring"), "nothing was written");
    storage.put_marker().await.expect("marked");
    storage
        .put(&key, Bytes::from_static(b"a"))
        .await
        .expect("stored");
    assert!(
        !storage
            .exists(&self::key("other"))
            .await
            .expect("an answer")
    );
    let mounted = folder.path().join("unmounted");
    std::fs::rename(&place, &mounted).expect("moved");
    std::fs::create_dir(&place).expect("made");
    let target = folder.path().join("target");
    is_away(storage.get(&key, 10).await.expect_err("away"));
    is_away(
        storage
            .get_to_file(&key, &target, 10)
            .await
            .expect_err("away"),
    );
    is_away(storage.exists(&key).await.expect_err("away"));
    is_away(storage.delete(&key).await.expect_err("away"));
    is_away(storage.check().await.expect_err("away"));
    is_away(storage.put(&key, Bytes::new()).await.expect_err("away"));
    is_away(storage.put_file(&key, &target).await.expect_err("away"));
    std::fs::remove_dir_all(&place).expect("removed");
    std::fs::rename(&mounted, &place).expect("moved");
    assert!(storage.exists(&key).await.expect("it is back"));
    storage.probe().await.expect("usable");
}

#[tokio::test]
async fn upload_to_a_folder_that_is_not_writable_fails_without_a_panic() {
    let (folder, storage) = folder();
    let place = folder.path().join("not/there/yet");
    std::fs::remove_dir_all(&place).expect("removed");
    std::fs::write(&place, "in the way").expect("written");
    let file = folder.path().join("file");
    // Fewer bytes than a part of an upload, and more.
    for size in [10, 30 << 20] {
        std::fs::write(&file, vec![b'a'; size]).expect("written");
        let error = storage.put_file(&key("a"), &file).await.expect_err("away");
        assert!(error.is_away(), "{error}");
    }
    assert!(storage.probe().await.expect_err("away").is_away());
}

#[tokio::test]
async fn unreachable_server_is_an_error_without_secrets() {
    let settings = StorageSettings {
        endpoint: Some("http://127.0.0.1:1".to_owned()),
        ..s3_settings("laureate-nobody")
    };
    let storage = ObjectStorage::open(&settings).expect("valid settings");
    let error = storage.get(&key("a"), 10).await.expect_err("unreachable");
    assert!(matches!(error, StorageError::Backend(_)), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}
