-- row key: id
-- A person wants another try; the last error stays visible until its outcome.
UPDATE jobs SET stage = 'queued', due_at = NULL, updated_at = event.time, position = event.position
FROM event
WHERE jobs.id = event.id
