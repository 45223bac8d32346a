-- row key: id
-- The server took the mail; the error of an earlier try is history.
UPDATE jobs SET
    stage = 'sent',
    due_at = NULL,
    error_message = NULL,
    answer = data.answer,
    sent_at = event.time,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(answer text)
WHERE jobs.id = event.id
