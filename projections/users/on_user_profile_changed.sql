-- row key: id
-- The user is called or reached otherwise from now on.
UPDATE users SET
    user_name = event.data ->> 'userName',
    name = event.data ->> 'name',
    last_name = event.data ->> 'lastName',
    email = event.data ->> 'email',
    updated_at = event.time,
    position = event.position
FROM event
WHERE users.id = event.id
