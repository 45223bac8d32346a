-- row key: id
-- Another password counts from now on, and all sessions are over. API keys are over too, unless they are kept.
WITH endings AS (
    INSERT INTO key_endings (user_id, epoch, ended_at, position)
    SELECT users.id, users.epoch + 1, event.time, event.position
    FROM event JOIN users ON users.id = event.id
    WHERE event.data ->> 'keepsApiKeys' IS DISTINCT FROM 'true'
    ON CONFLICT (user_id, epoch) DO UPDATE SET ended_at = excluded.ended_at, position = excluded.position
)
UPDATE users SET
    password_hash = event.data ->> 'passwordHash',
    epoch = users.epoch + 1,
    updated_at = event.time,
    position = event.position
FROM event
WHERE users.id = event.id
