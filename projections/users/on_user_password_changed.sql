-- row key: id
-- Another password counts from now on, and all sessions are over.
UPDATE users SET
    password_hash = event.data ->> 'passwordHash',
    epoch = users.epoch + 1,
    updated_at = event.time,
    position = event.position
FROM event
WHERE users.id = event.id
