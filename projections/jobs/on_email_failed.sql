-- row key: id
-- The server refused the mail, perhaps before it was claimed; another attempt may follow automatically.
-- A failure without an answer keeps the last answer.
UPDATE jobs SET
    stage = CASE WHEN data."retryAt" IS NULL THEN 'failed' ELSE 'retrying' END,
    due_at = data."retryAt",
    attempts = data.attempt,
    attempted_at = CASE WHEN data.attempt > jobs.attempts THEN event.time ELSE jobs.attempted_at END,
    error_message = data.answer,
    answer = CASE WHEN data.unanswered THEN jobs.answer ELSE data.answer END,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data("retryAt" timestamptz, attempt integer, answer text, unanswered boolean)
WHERE jobs.id = event.id
