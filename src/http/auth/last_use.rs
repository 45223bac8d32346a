//! Time of the last use of each API key. It is written to PostgreSQL, not to the log, and at most
//! once per key in 5 minutes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::ApiKeyId;
use crate::http::HttpState;

/// Shortest time between two writes for one key.
const EVERY: Duration = Duration::from_secs(300);

/// Time at which this process last wrote the last use of each key. Only valid keys are recorded, so
/// the map is never larger than the number of API keys.
#[derive(Default)]
pub struct LastUses(Mutex<HashMap<ApiKeyId, Instant>>);

impl LastUses {
    /// Returns true if the use must be written. The key is then marked as written.
    fn is_due(&self, id: ApiKeyId, now: Instant) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = noted
            .get(&id)
            .is_none_or(|then| now.duration_since(*then) >= EVERY);
        if is_due {
            noted.insert(id, now);
        }
        is_due
    }
}

/// Writes the time of last use of a key in the background. A failed write is not retried; the next
/// write can follow 5 minutes later.
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
            database
                .execute(&sql, &[&id.0])
                .await
                .map_err(crate::database::DatabaseError::from)?;
            Ok::<_, crate::http::ApiError>(())
        };
        if let Err(error) = noted.await {
            let cause = error.cause.as_deref().unwrap_or("");
            tracing::debug!(api_key_id = %id, cause, "last use not recorded");
        }
    });
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn use_of_an_api_key_is_recorded_once_per_interval() {
        let uses = LastUses::default();
        let now = Instant::now();
        let one = ApiKeyId(Uuid::from_u128(1));
        let two = ApiKeyId(Uuid::from_u128(2));
        assert!(uses.is_due(one, now) && uses.is_due(two, now));
        assert!(!uses.is_due(one, now + EVERY / 2));
        assert!(uses.is_due(one, now + EVERY));
    }
}
