-- row key: id
-- The user may not log in any more, and all sessions are over.
UPDATE users SET
    is_active = false,
    epoch = users.epoch + 1,
    updated_at = event.time,
    position = event.position
FROM event
WHERE users.id = event.id
