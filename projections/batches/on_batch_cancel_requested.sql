-- row key: id
-- Somebody wants what has not happened yet not to happen.
UPDATE batches SET
    state = 'cancelling',
    updated_at = event.time,
    position = event.position
FROM event
WHERE batches.id = event.id
