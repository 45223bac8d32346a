-- row key: id
-- A file was stored and is to be read.
INSERT INTO imports (
    id, state, object_key, format, sha256, size, update_existing, certificate_id,
    created_at, updated_at, created_position, position
)
SELECT
    event.id, 'requested', data."objectKey", data.format, data.sha256, data.size, data."updateExisting",
    data."certificateId", event.time, event.time, event.position, event.position
FROM event, json_to_record(event.data) AS data(
    "objectKey" text, format text, sha256 text, size bigint, "updateExisting" boolean, "certificateId" uuid
)
ON CONFLICT (id) DO UPDATE SET
    object_key = excluded.object_key,
    format = excluded.format,
    sha256 = excluded.sha256,
    size = excluded.size,
    update_existing = excluded.update_existing,
    certificate_id = excluded.certificate_id,
    updated_at = excluded.updated_at,
    position = excluded.position
