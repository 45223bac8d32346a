-- row key: id
-- Somebody asked for certificates for these people.
INSERT INTO batches (
    id, certificate_id, state, total, import_id, created_at, updated_at, created_position, position
)
SELECT
    event.id, data."certificateId", 'requested', json_array_length(data."attendeeIds"), data."importId",
    event.time, event.time, event.position, event.position
FROM event, json_to_record(event.data) AS data("certificateId" uuid, "attendeeIds" json, "importId" uuid)
ON CONFLICT (id) DO UPDATE SET
    certificate_id = excluded.certificate_id,
    total = excluded.total,
    import_id = excluded.import_id,
    updated_at = excluded.updated_at,
    position = excluded.position
