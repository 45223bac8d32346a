-- row key: id
-- The user may do something else from now on.
UPDATE users SET
    role = event.data ->> 'role',
    updated_at = event.time,
    position = event.position
FROM event
WHERE users.id = event.id
