-- row key: id
-- Somebody logged in.
INSERT INTO sessions (
    id, user_id, epoch, started_at, refreshed_at, expires_at, ends_at, created_position, position
)
SELECT
    event.id, data."userId", coalesce(data.epoch, 0), event.time, event.time, data."expiresAt",
    coalesce(data."endsAt", data."expiresAt"), event.position, event.position
FROM event, json_to_record(event.data) AS data(
    "userId" uuid, epoch bigint, "expiresAt" timestamptz, "endsAt" timestamptz
)
ON CONFLICT (id) DO UPDATE SET
    user_id = excluded.user_id,
    epoch = excluded.epoch,
    refreshed_at = excluded.refreshed_at,
    expires_at = excluded.expires_at,
    ends_at = excluded.ends_at,
    revoked_at = NULL,
    position = excluded.position
