-- row key: id
-- The user may log in again.
UPDATE users SET
    is_active = true,
    updated_at = event.time,
    position = event.position
FROM event
WHERE users.id = event.id
