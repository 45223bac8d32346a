-- row key: id
-- The server may have accepted the mail; a final refusal after an unknown outcome has an attempt of its own.
UPDATE jobs SET
    stage = CASE WHEN data."retryAt" IS NULL THEN 'unknown' ELSE 'retrying' END,
    due_at = data."retryAt",
    attempts = data.attempt,
    attempted_at = CASE WHEN data.attempt > jobs.attempts THEN event.time ELSE jobs.attempted_at END,
    error_message = data.detail,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data("retryAt" timestamptz, attempt integer, detail text)
WHERE jobs.id = event.id
