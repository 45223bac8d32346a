-- row key: id
-- The server refused the mail, or was not there; another try may follow by itself.
UPDATE jobs SET
    stage = CASE WHEN data."willRetry" THEN 'retrying' ELSE 'failed' END,
    error_message = data.answer,
    answer = data.answer,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data("willRetry" boolean, answer text)
WHERE jobs.id = event.id
