-- row key: id
-- Another password counts from now on.
UPDATE users SET
    password_hash = event.data ->> 'passwordHash',
    updated_at = event.time,
    position = event.position
FROM event
WHERE users.id = event.id
