-- row key: id
-- A mail was queued. It is sent immediately, after a user releases it, or at its time.
INSERT INTO jobs (
    id, issuance_id, to_name, to_address, stage, due_at, created_at, updated_at, created_position, position
)
SELECT
    event.id, data."issuanceId", data."toName", data."toAddress",
    CASE coalesce(data.delivery #>> '{}', 'immediate')
        WHEN 'immediate' THEN 'queued'
        WHEN 'held' THEN 'held'
        ELSE 'scheduled'
    END,
    (data.delivery ->> 'at')::timestamptz,
    event.time, event.time, event.position, event.position
FROM event, json_to_record(event.data) AS data(
    "issuanceId" uuid, "toName" text, "toAddress" text, delivery json
)
ON CONFLICT (id) DO UPDATE SET
    issuance_id = excluded.issuance_id,
    to_name = excluded.to_name,
    to_address = excluded.to_address,
    stage = excluded.stage,
    due_at = excluded.due_at,
    updated_at = excluded.updated_at,
    position = excluded.position
