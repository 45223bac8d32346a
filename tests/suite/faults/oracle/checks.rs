//! Checks of the oracle. Each returns one text per violation.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use laureate::database::meta_schema;
use sha2::{Digest, Sha256};

use super::history::{History, Mail};
use crate::faults::installation::{Installation, NAMESPACE};
use crate::faults::load::{Recorded, Written};
use crate::faults::mail_server::Accepted;
use crate::support::{hold, postgres};

/// Longest time until a process reports that it is ready.
const READY_WITHIN: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(500);
/// Time after a revocation in which a mail may be claimed by a process that has read the issuance
/// before.
const AFTER_REVOCATION: Duration = Duration::from_secs(2);

/// Returns what is begun and not finished.
pub fn unfinished(history: &History) -> Vec<String> {
    let mailed: BTreeSet<&str> = history
        .mails
        .values()
        .map(|m| m.issuance.as_str())
        .collect();
    let mut counts: BTreeMap<String, (u32, &str)> = BTreeMap::new();
    let mut count = |what: String, id| {
        counts.entry(what).or_insert((0, id)).0 += 1;
    };
    for (id, issuance) in &history.issuances {
        if issuance.revoked.is_some() || issuance.failed.is_some() {
            continue;
        }
        if issuance.pdf.is_none() {
            count("issuances without a PDF".to_owned(), id);
        } else if !mailed.contains(id.as_str()) {
            count("issuances without a mail".to_owned(), id);
        }
    }
    for (noun, mails) in [("mails", &history.mails), ("notices", &history.notices)] {
        for (id, mail) in mails {
            if !["sent", "failed", "unknown", "cancelled"].contains(&mail.state) {
                count(format!("{} {noun}", mail.state), id);
            }
        }
    }
    for (id, (last, _)) in &history.imports {
        if !["ImportCompleted", "ImportFailed", "ImportCancelled"].contains(&last.as_str()) {
            count(format!("imports after {last}"), id);
        }
    }
    for (id, batch) in &history.batches {
        if !batch.is_dispatched {
            count("batches that are not dispatched".to_owned(), id);
        } else if batch.is_stopping && batch.stopped.is_none() {
            count("batches that are not stopped".to_owned(), id);
        }
    }
    let text = |(what, (count, id))| format!("{count} {what}, such as {id}");
    counts.into_iter().map(text).collect()
}

/// Returns work that has failed although its input is valid.
pub fn failed_work(history: &History, mails_may_fail: bool) -> Vec<String> {
    let mut counts: BTreeMap<String, (u32, &str)> = BTreeMap::new();
    for (id, issuance) in &history.issuances {
        if let Some(code) = &issuance.failed {
            let what = format!("certificates that failed with {code}");
            counts.entry(what).or_insert((0, id)).0 += 1;
        }
    }
    for (id, (last, code)) in &history.imports {
        if last == "ImportFailed" {
            let what = format!("imports that failed with {code}");
            counts.entry(what).or_insert((0, id)).0 += 1;
        }
    }
    for (noun, mails) in [("mails", &history.mails), ("notices", &history.notices)] {
        for (id, mail) in mails {
            if mail.state == "failed" && !mails_may_fail {
                let what = format!("{noun} that failed");
                counts.entry(what).or_insert((0, id)).0 += 1;
            }
        }
    }
    let text = |(what, (count, id))| format!("{count} {what}, such as {id}");
    counts.into_iter().map(text).collect()
}

/// Checks that each person who earned a certificate has it once, and that each object is as
/// recorded.
pub fn issuances(history: &History, objects: &Path, recorded: &Recorded) -> Vec<String> {
    let mut found = Vec::new();
    let mut current: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    let mut of_address: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    let address: BTreeMap<&str, &Mail> = history
        .mails
        .values()
        .map(|mail| (mail.issuance.as_str(), mail))
        .collect();
    for (id, issuance) in history
        .issuances
        .iter()
        .filter(|(_, i)| i.revoked.is_none())
    {
        let key = (issuance.certificate.as_str(), issuance.attendee.as_str());
        current.entry(key).or_default().push(id);
        if let Some(mail) = address.get(id.as_str()) {
            let key = (issuance.certificate.as_str(), mail.address.as_str());
            *of_address.entry(key).or_default() += 1;
        }
        if let Some((key, sha256)) = &issuance.pdf {
            match fs::read(objects.join(key)) {
                Ok(bytes) if hex(&bytes) == *sha256 => {}
                Ok(_) => found.push(format!("the object {key} has another hash")),
                Err(error) => found.push(format!("the object {key}: {error}")),
            }
        }
    }
    for (id, issuance) in &history.issuances {
        let is_undone = |batch: &&String| {
            let stopped = history.batches.get(*batch).map(|batch| &batch.stopped);
            stopped.is_some_and(|stopped| stopped.as_deref() == Some("BatchUndone"))
        };
        let is_valid = issuance.revoked.is_none() && issuance.pdf.is_some();
        if let Some(batch) = issuance.origins.iter().find(is_undone).filter(|_| is_valid) {
            found.push(format!("{id} is valid, and its batch {batch} is undone"));
        }
    }
    for ((certificate, attendee), ids) in current {
        if ids.len() > 1 {
            found.push(format!(
                "{attendee} has {certificate} {} times: {ids:?}",
                ids.len()
            ));
        }
    }
    let missing = recorded.earned.difference(&recorded.revoked);
    let missing = missing.filter(|(certificate, email)| {
        !of_address.contains_key(&(certificate.as_str(), email.as_str()))
    });
    let missing = missing.count();
    if missing > 0 {
        found.push(format!("{missing} acknowledged certificates have no mail"));
    }
    found
}

fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares the mails of the log with those that the mail server has accepted.
pub fn mails(history: &History, accepted: &[Accepted]) -> Vec<String> {
    let mut found = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for mail in accepted {
        let id = mail.message_id.trim_matches(['<', '>']);
        *counts
            .entry(id.split('@').next().unwrap_or_default())
            .or_default() += 1;
    }
    for (id, count) in &counts {
        match history.mails.get(*id).or(history.notices.get(*id)) {
            None => found.push(format!("mail {id} was accepted, and is not in the log")),
            Some(mail) if *count > 1 + mail.requested_again => {
                found.push(format!("mail {id} was accepted {count} times"));
            }
            Some(mail) if !["sent", "unknown"].contains(&mail.state) => {
                found.push(format!("mail {id} was accepted, and is {}", mail.state));
            }
            Some(_) => {}
        }
    }
    let mut of_issuance: BTreeMap<&str, u32> = BTreeMap::new();
    for (id, mail) in &history.mails {
        *of_issuance.entry(&mail.issuance).or_default() += 1;
        let revoked = history.issuances.get(&mail.issuance);
        let revoked = revoked.and_then(|issuance| issuance.revoked);
        if let (Some(claimed), Some(revoked)) = (mail.claimed, revoked)
            && claimed > revoked + AFTER_REVOCATION
        {
            found.push(format!("mail {id} was claimed after the revocation"));
        }
        if mail.state == "sent" && !counts.contains_key(id.as_str()) {
            found.push(format!("mail {id} is sent, and was not accepted"));
        }
    }
    for (id, notice) in &history.notices {
        if notice.state == "sent" && !counts.contains_key(id.as_str()) {
            found.push(format!("notice {id} is sent, and was not accepted"));
        }
    }
    let twice = of_issuance.iter().filter(|(_, count)| **count > 1);
    found.extend(twice.map(|(id, count)| format!("issuance {id} has {count} mails")));
    found
}

/// Returns the projections that are not at the end of the log.
pub async fn behind(on: &Installation, end: u64) -> Vec<String> {
    let client = postgres(&on.servers.postgres_url()).await;
    let meta = meta_schema(NAMESPACE);
    let sql = format!("SELECT projection, status, position FROM \"{meta}\".checkpoints");
    let rows = client.query(&sql, &[]).await.expect("readable");
    let mut found = Vec::new();
    if rows.is_empty() {
        found.push("there is no projection".to_owned());
    }
    for row in rows {
        let projection: String = row.get(0);
        let status: String = row.get(1);
        let position: i64 = row.get(2);
        if status != "live" || position.unsigned_abs() < end {
            found.push(format!("{projection} is {status} at {position} of {end}"));
        }
    }
    found
}

/// Compares the tables with the log.
pub async fn tables(on: &Installation, history: &History) -> Vec<String> {
    let (code, out) = on.run(&["verify"], "").await;
    let mut found = Vec::new();
    if code != 0 {
        found.push(format!("verify ended with {code}: {out}"));
    }
    let jobs: BTreeMap<&str, String> = history
        .mails
        .iter()
        .map(|(id, mail)| (id.as_str(), mail.state.to_owned()))
        .collect();
    found.extend(compare(on, "jobs", "stage", jobs).await);
    let state = |issuance: &super::history::Issuance| match issuance {
        issuance if issuance.revoked.is_some() => "revoked",
        issuance if issuance.failed.is_some() => "failed",
        issuance if issuance.pdf.is_some() => "generated",
        _ => "requested",
    };
    let issuances: BTreeMap<&str, String> = history
        .issuances
        .iter()
        .map(|(id, issuance)| (id.as_str(), state(issuance).to_owned()))
        .collect();
    found.extend(compare(on, "issuances", "state", issuances).await);
    found
}

/// Compares a column of a table with the states that the log has.
async fn compare(
    on: &Installation,
    table: &str,
    column: &str,
    expected: BTreeMap<&str, String>,
) -> Vec<String> {
    let client = postgres(&on.servers.postgres_url()).await;
    let meta = meta_schema(NAMESPACE);
    let schema = format!("SELECT schema_name FROM \"{meta}\".checkpoints WHERE projection = $1");
    let schema: String = match client.query_one(&schema, &[&table]).await {
        Ok(row) => row.get(0),
        Err(error) => return Vec::from([format!("{table}: {error}")]),
    };
    let sql = format!("SELECT id::text, {column} FROM \"{schema}\".{table}");
    let rows = match client.query(&sql, &[]).await {
        Ok(rows) => rows,
        Err(error) => return Vec::from([format!("{table}: {error}")]),
    };
    let rows: BTreeMap<String, String> = rows.iter().map(|r| (r.get(0), r.get(1))).collect();
    let mut found = Vec::new();
    for (id, state) in &expected {
        let row = rows.get(*id);
        if row != Some(state) {
            found.push(format!(
                "{table} {id} is {state} in the log, {row:?} in the table"
            ));
        }
    }
    if rows.len() != expected.len() {
        let (rows, events) = (rows.len(), expected.len());
        found.push(format!(
            "{table} has {rows} rows, the log {events} aggregates"
        ));
    }
    found
}

/// Checks that everything that was acknowledged is in the log.
pub fn acknowledged(history: &History, recorded: &Recorded) -> Vec<String> {
    let mut found = recorded.refused.clone();
    for written in &recorded.written {
        let first = history.first.get(&written.id);
        let is_there = first.is_some_and(|first| {
            let position = written.position.unwrap_or(*first);
            *first <= position && position <= history.last_position
        });
        if !is_there {
            let Written {
                request,
                id,
                position,
            } = written;
            found.push(format!(
                "{request} {id} is not in the log: first at {first:?}, acknowledged at {position:?}"
            ));
        }
    }
    found
}

/// Finds names, addresses and document numbers in logs and object keys.
pub fn personal_data(on: &Installation, recorded: &Recorded) -> Vec<String> {
    let mut words: HashSet<String> = HashSet::new();
    for person in &recorded.people {
        words.insert(person.first_name.to_lowercase());
        words.insert(person.last_name.to_lowercase());
        words.insert(person.document.clone());
    }
    let mut texts: Vec<(String, String)> = Vec::new();
    for program in on.programs.iter().chain(&on.retired) {
        texts.push((format!("the log of {:?}", program.role), program.logged()));
    }
    for server in ["nats.log", "postgres.log"] {
        let log = fs::read(on.servers.folder().join(server)).unwrap_or_default();
        texts.push((
            server.to_owned(),
            String::from_utf8_lossy(&log).into_owned(),
        ));
    }
    let mut keys = String::new();
    list(&on.objects(), &mut keys);
    texts.push(("an object key".to_owned(), keys));
    let mut found = Vec::new();
    for (place, text) in texts {
        for line in text.lines() {
            let mut parts = line.split(|c: char| !c.is_alphanumeric());
            if parts.any(|word| words.contains(&word.to_lowercase())) {
                found.push(format!("personal data in {place}: {line}"));
            }
        }
    }
    found
}

fn list(folder: &Path, names: &mut String) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        *names += &entry.file_name().to_string_lossy();
        names.push('\n');
        list(&entry.path(), names);
    }
}

/// Checks that no process has ended by itself, and that all are ready.
pub async fn processes(on: &mut Installation) -> Vec<String> {
    let mut found = std::mem::take(&mut on.incidents);
    for program in &on.programs {
        let start = Instant::now();
        loop {
            let readiness = program.readiness(&on.client).await;
            if matches!(readiness, Some((200, _))) {
                break;
            }
            if start.elapsed() > READY_WITHIN {
                found.push(format!("{:?} is not ready: {readiness:?}", program.role));
                break;
            }
            hold(LOOK).await;
        }
    }
    found
}
