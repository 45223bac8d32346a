-- row key: id
-- Somebody wants everything that it issued to be revoked.
UPDATE batches SET
    state = 'undoing',
    undo_reason = data.reason,
    undo_note = data.note,
    stopped_at = NULL,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(reason text, note text)
WHERE batches.id = event.id
