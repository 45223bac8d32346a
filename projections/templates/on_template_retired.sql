-- row key: id
-- It is not shown any more.
UPDATE templates SET is_retired = true, updated_at = event.time, position = event.position
FROM event
WHERE templates.id = event.id
