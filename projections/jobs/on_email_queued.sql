-- row key: id
-- A mail is to be sent.
INSERT INTO jobs (
    id, issuance_id, to_name, to_address, stage, created_at, updated_at, created_position, position
)
SELECT
    event.id, data."issuanceId", data."toName", data."toAddress", 'queued',
    event.time, event.time, event.position, event.position
FROM event, json_to_record(event.data) AS data("issuanceId" uuid, "toName" text, "toAddress" text)
ON CONFLICT (id) DO UPDATE SET
    issuance_id = excluded.issuance_id,
    to_name = excluded.to_name,
    to_address = excluded.to_address,
    stage = excluded.stage,
    updated_at = excluded.updated_at,
    position = excluded.position
