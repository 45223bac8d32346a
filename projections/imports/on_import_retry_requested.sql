-- row key: id
-- The failed import continues.
UPDATE imports SET
    state = CASE WHEN imports.through_row > 0 THEN 'running' ELSE 'requested' END,
    failure_code = NULL,
    failure_reason = NULL,
    ended_at = NULL,
    updated_at = event.time,
    position = event.position
FROM event
WHERE imports.id = event.id
