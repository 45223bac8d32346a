-- row key: id
-- All sessions are over.
UPDATE users SET
    epoch = users.epoch + 1,
    updated_at = event.time,
    position = event.position
FROM event
WHERE users.id = event.id
