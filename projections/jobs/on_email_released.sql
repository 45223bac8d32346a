-- row key: id
-- It waits for nothing but a worker from now on.
UPDATE jobs SET stage = 'queued', due_at = NULL, updated_at = event.time, position = event.position
FROM event
WHERE jobs.id = event.id
