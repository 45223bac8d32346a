-- row key: id
-- It waits for a worker.
UPDATE jobs SET stage = 'queued', due_at = NULL, updated_at = event.time, position = event.position
FROM event
WHERE jobs.id = event.id
