-- row key: id
-- No PDF could be made; one that exists already stays.
UPDATE issuances SET
    state = CASE WHEN issuances.state = 'requested' THEN 'failed' ELSE issuances.state END,
    failure_code = data.code,
    failure_reason = data.reason,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(code text, reason text)
WHERE issuances.id = event.id
