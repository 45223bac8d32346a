-- row key: id
-- It waits for a user, or for another time.
UPDATE jobs SET
    stage = CASE data.delivery #>> '{}' WHEN 'immediate' THEN 'queued' WHEN 'held' THEN 'held' ELSE 'scheduled' END,
    due_at = (data.delivery ->> 'at')::timestamptz,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(delivery json)
WHERE jobs.id = event.id
