-- row key: id
-- A program may call in somebody's name from now on.
INSERT INTO api_keys (id, name, owner, owner_epoch, scopes, expires_at, created_at, created_position, position)
SELECT
    event.id, data.name, data.owner, coalesce(data."ownerEpoch", 0), data.scopes, data."expiresAt", event.time,
    event.position, event.position
FROM event, json_to_record(event.data) AS data(
    name text, owner uuid, "ownerEpoch" bigint, scopes text[], "expiresAt" timestamptz
)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name,
    owner = excluded.owner,
    owner_epoch = excluded.owner_epoch,
    scopes = excluded.scopes,
    expires_at = excluded.expires_at,
    revoked_at = NULL,
    position = excluded.position
