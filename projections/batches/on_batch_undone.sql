-- row key: id
-- Everything that it issued is revoked.
UPDATE batches SET
    state = 'undone',
    stopped_at = event.time,
    updated_at = event.time,
    position = event.position
FROM event
WHERE batches.id = event.id
