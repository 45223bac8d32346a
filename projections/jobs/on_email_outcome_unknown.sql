-- row key: id
-- Nobody knows whether the server took the mail.
UPDATE jobs SET
    stage = 'unknown',
    error_message = data.detail,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(detail text)
WHERE jobs.id = event.id
