-- row key: id
-- The PDF exists and is frozen; an earlier failure is history.
UPDATE issuances SET
    state = CASE WHEN issuances.revoked_at IS NULL THEN 'generated' ELSE issuances.state END,
    object_key = data."objectKey",
    sha256 = data.sha256,
    size = data.size,
    generated_at = event.time,
    failure_code = NULL,
    failure_reason = NULL,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data("objectKey" text, sha256 text, size bigint)
WHERE issuances.id = event.id
