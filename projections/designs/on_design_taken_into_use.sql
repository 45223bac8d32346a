-- row key: id
-- A certificate is drawn on it.
UPDATE designs SET in_use = true, position = event.position
FROM event
WHERE designs.id = event.id
