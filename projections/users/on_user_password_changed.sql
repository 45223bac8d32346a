-- row key: id
-- Another password counts from now on.
UPDATE users SET
    password_hash = event.data ->> 'passwordHash',
    updated_at = event.time,
    position = event.position
FROM jsonb_to_recordset($1) AS event(position bigint, time timestamptz, id uuid, data jsonb)
WHERE users.id = event.id
