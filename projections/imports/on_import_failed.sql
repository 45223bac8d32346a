-- row key: id
-- The rest of the file could not be read. Rows that were imported before stay imported.
UPDATE imports SET
    state = 'failed',
    failure_code = data.code,
    failure_reason = data.reason,
    ended_at = event.time,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(code text, reason text)
WHERE imports.id = event.id
