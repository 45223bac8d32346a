-- row key: id
-- It doesn't count any more; what it showed stays.
UPDATE issuances SET
    state = 'revoked',
    revoked_at = event.time,
    revocation_reason = data.reason,
    revocation_note = data.note,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(reason text, note text)
WHERE issuances.id = event.id
