-- row key: id
-- Nobody knows whether the server took the mail.
UPDATE jobs SET
    stage = CASE WHEN data."retryAt" IS NULL THEN 'unknown' ELSE 'retrying' END,
    due_at = data."retryAt",
    error_message = data.detail,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data("retryAt" timestamptz, detail text)
WHERE jobs.id = event.id
