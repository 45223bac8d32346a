-- row key: id
-- It is not sent, or not sent again; the answer to an earlier attempt stays visible.
UPDATE jobs SET
    stage = 'cancelled',
    due_at = NULL,
    cancel_reason = data.reason,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(reason text)
WHERE jobs.id = event.id
