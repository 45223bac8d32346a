-- row key: id
-- Somebody asked for certificates for these people.
INSERT INTO batches (id, certificate_id, state, total, created_at, updated_at, created_position, position)
SELECT
    event.id, data."certificateId", 'requested', json_array_length(data."attendeeIds"),
    event.time, event.time, event.position, event.position
FROM event, json_to_record(event.data) AS data("certificateId" uuid, "attendeeIds" json)
ON CONFLICT (id) DO UPDATE SET
    certificate_id = excluded.certificate_id,
    total = excluded.total,
    updated_at = excluded.updated_at,
    position = excluded.position
