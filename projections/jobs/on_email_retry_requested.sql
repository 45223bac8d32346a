-- row key: id
-- A person wants another try; the last error stays visible until its outcome.
UPDATE jobs SET stage = 'queued', updated_at = event.time, position = event.position
FROM jsonb_to_recordset($1) AS event(position bigint, time timestamptz, id uuid)
WHERE jobs.id = event.id
