-- row key: id
-- The refresh token was exchanged for the next.
UPDATE sessions SET
    refreshed_at = event.time,
    expires_at = (event.data ->> 'expiresAt')::timestamptz,
    position = event.position
FROM event
WHERE sessions.id = event.id
