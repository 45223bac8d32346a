-- row key: id
-- It is not shown any more.
UPDATE designs SET is_deleted = true, position = event.position
FROM event
WHERE designs.id = event.id
