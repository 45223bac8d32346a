-- row key: id
-- Somebody asked for certificates for these people.
INSERT INTO batches (id, certificate_id, state, total, created_at, updated_at, created_position, position)
SELECT
    event.id, data."certificateId", 'requested', jsonb_array_length(data."attendeeIds"),
    event.time, event.time, event.position, event.position
FROM jsonb_to_recordset($1) AS event(position bigint, time timestamptz, id uuid, data jsonb),
    jsonb_to_record(event.data) AS data("certificateId" uuid, "attendeeIds" jsonb)
ON CONFLICT (id) DO UPDATE SET
    certificate_id = excluded.certificate_id,
    total = excluded.total,
    updated_at = excluded.updated_at,
    position = excluded.position
