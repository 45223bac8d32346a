-- row key: id
-- A user requested another attempt; the last error stays visible until its outcome.
UPDATE jobs SET stage = 'queued', due_at = NULL, updated_at = event.time, position = event.position
FROM event
WHERE jobs.id = event.id
