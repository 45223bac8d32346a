-- row key: id
-- A worker is about to send the content.
UPDATE jobs SET
    stage = 'claimed',
    due_at = NULL,
    attempts = data.attempt,
    message_id = data."messageId",
    attempted_at = event.time,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(attempt integer, "messageId" text)
WHERE jobs.id = event.id
