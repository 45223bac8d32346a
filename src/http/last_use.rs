//! When an API key was used last: noted now and then, beside the log.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::HttpState;
use crate::domain::ApiKeyId;

/// How coarse it is.
const EVERY: Duration = Duration::from_secs(300);

/// When this process has noted each key's use last. As many as there are keys: unknown ones don't get here.
#[derive(Default)]
pub struct LastUses(Mutex<HashMap<ApiKeyId, Instant>>);

impl LastUses {
    /// Whether the use is to be noted; then it counts as noted.
    fn is_due(&self, id: ApiKeyId, now: Instant) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = noted.get(&id).is_none_or(|then| now.duration_since(*then) >= EVERY);
        if is_due {
            noted.insert(id, now);
        }
        is_due
    }
}

/// Notes that a key is used, without making the request wait. Where it fails, the next note is later.
pub fn note(http: &HttpState, id: ApiKeyId) {
    if !http.last_uses.is_due(id, Instant::now()) {
        return;
    }
    let http = http.clone();
    tokio::spawn(async move {
        let sql = format!(
            "INSERT INTO \"{}\".api_key_uses (api_key_id, last_used_at) VALUES ($1, now())
             ON CONFLICT (api_key_id) DO UPDATE SET last_used_at = greatest(api_key_uses.last_used_at, now())",
            http.meta_schema
        );
        let noted = async {
            let database = http.database().await?;
            database.execute(&sql, &[&id.0]).await.map_err(crate::database::DatabaseError::from)?;
            Ok::<_, super::ApiError>(())
        };
        if let Err(error) = noted.await {
            let cause = error.cause.as_deref().unwrap_or("");
            tracing::debug!(api_key_id = %id, cause, "its use was not noted");
        }
    });
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_use_is_noted_once_in_a_while() {
        let (uses, now) = (LastUses::default(), Instant::now());
        let (one, two) = (ApiKeyId(Uuid::from_u128(1)), ApiKeyId(Uuid::from_u128(2)));
        assert!(uses.is_due(one, now) && uses.is_due(two, now));
        assert!(!uses.is_due(one, now + EVERY / 2));
        assert!(uses.is_due(one, now + EVERY));
    }
}
