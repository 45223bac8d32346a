-- row key: id
-- A mail was queued. It is sent immediately, after a user releases it, or at its time. It may replace an
-- earlier one.
-- Mails that replace it are counted, because the planner may read the whole table for EXISTS.
WITH queued AS MATERIALIZED (
    SELECT event.id, event.time, event.position, data.*
    FROM event, json_to_record(event.data) AS data(
        "issuanceId" uuid, "certificateId" uuid, "batchId" uuid, previous uuid, "toName" text, "toAddress" text,
        delivery json
    )
), recipients AS (
    INSERT INTO job_recipients (id, to_name, to_address, position)
    SELECT queued.id, queued."toName", queued."toAddress", queued.position
    FROM queued
    ON CONFLICT (id) DO NOTHING
), replaced AS (
    UPDATE jobs SET is_replaced = true
    FROM queued
    WHERE jobs.id = queued.previous
)
INSERT INTO jobs (
    id, issuance_id, certificate_id, batch_id, previous, is_replaced, to_name, to_address, stage, due_at,
    created_at, updated_at, created_position, position
)
SELECT
    queued.id, queued."issuanceId", queued."certificateId", queued."batchId", queued.previous,
    queued.id IN (SELECT later.previous FROM queued AS later WHERE later.previous IS NOT NULL)
        OR (SELECT count(*) FROM jobs AS later WHERE later.previous = queued.id) > 0,
    queued."toName", queued."toAddress",
    CASE coalesce(queued.delivery #>> '{}', 'immediate')
        WHEN 'immediate' THEN 'queued'
        WHEN 'held' THEN 'held'
        ELSE 'scheduled'
    END,
    (queued.delivery ->> 'at')::timestamptz,
    queued.time, queued.time, queued.position, queued.position
FROM queued
ON CONFLICT (id) DO NOTHING
