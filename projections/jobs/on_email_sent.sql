-- row key: id
-- The server accepted the mail, perhaps late: the error of an earlier attempt and a cancellation no longer count.
UPDATE jobs SET
    stage = 'sent',
    due_at = NULL,
    error_message = NULL,
    cancel_reason = NULL,
    answer = data.answer,
    sent_at = event.time,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(answer text)
WHERE jobs.id = event.id
