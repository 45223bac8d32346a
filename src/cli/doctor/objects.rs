//! Check of the object storage: write an object, read it back and delete it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use uuid::Uuid;

use super::finding::Finding;
use super::{Context, clock};
use crate::config::without_secrets;
use crate::storage::{ObjectKey, ObjectStorage, StorageError};

const CHECK: &str = "objects";
const ADVICE: &str = "check that the folder or bucket exists, and that this program may read, write and delete in it";

pub async fn check(context: Arc<Context>) -> Vec<Finding> {
    let settings = &context.config.storage;
    let place = without_secrets(&settings.url);
    let probed = match ObjectStorage::open(settings) {
        Ok(storage) => probe(&storage).await,
        Err(error) => Err(error.to_string()),
    };
    let mut findings = vec![match probed {
        Ok(()) => Finding::ok(
            CHECK,
            format!("{place}: an object was written, read back and deleted"),
        ),
        Err(why) => Finding::failed(CHECK, format!("{place}: {why}"), ADVICE),
    }];
    if let Some(server) = settings.server_url() {
        findings.extend(server_clock(&server).await);
    }
    findings
}

async fn probe(storage: &ObjectStorage) -> Result<(), String> {
    let step = |what: &'static str| move |error: StorageError| format!("{what}: {error}");
    let key = ObjectKey::parse(&format!("health/doctor-{}", Uuid::new_v4()))
        .map_err(|error| error.to_string())?;
    let written = Bytes::from(Uuid::new_v4().to_string());
    storage
        .put(&key, written.clone())
        .await
        .map_err(step("writing"))?;
    let read = storage.get(&key, 1_000).await.map_err(step("reading back"));
    // The object is deleted even if it could not be read.
    let deleted = storage.delete(&key).await.map_err(step("deleting"));
    if read?.as_ref() != Some(&written) {
        return Err("the content read differs from the content written".to_owned());
    }
    deleted?;
    match storage.exists(&key).await {
        Ok(false) => Ok(()),
        Ok(true) => Err(format!("object {key} still exists after it was deleted")),
        Err(error) => Err(step("checking the deletion")(error)),
    }
}

/// Compares the clocks by the Date header. Every HTTP response has it, including errors.
async fn server_clock(server: &str) -> Option<Finding> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build()
        .ok()?;
    let asked = OffsetDateTime::now_utc();
    let answer = client.head(server).send().await.ok()?;
    let date = answer
        .headers()
        .get("date")?
        .to_str()
        .ok()?
        .replace("GMT", "+0000");
    let theirs = OffsetDateTime::parse(&date, &Rfc2822).ok()?;
    // The header has whole seconds, so the true time is up to 1 s later.
    let answered = OffsetDateTime::now_utc();
    Some(clock::compare(
        "objects.clock",
        "the storage server",
        theirs,
        asked - time::Duration::SECOND,
        answered,
    ))
}
