-- row key: id
-- What had not happened yet does not happen any more.
UPDATE batches SET
    state = 'cancelled',
    stopped_at = event.time,
    updated_at = event.time,
    position = event.position
FROM event
WHERE batches.id = event.id
