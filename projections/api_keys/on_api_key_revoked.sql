-- row key: id
-- The key counts no more.
UPDATE api_keys SET revoked_at = event.time, position = event.position
FROM event
WHERE api_keys.id = event.id
