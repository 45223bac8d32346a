-- row key: id
-- The session is over.
UPDATE sessions SET revoked_at = event.time, position = event.position
FROM event
WHERE sessions.id = event.id
