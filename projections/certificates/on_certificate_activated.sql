-- row key: id
-- New issuances are allowed again.
UPDATE certificates SET is_active = true, updated_at = event.time, position = event.position
FROM jsonb_to_recordset($1) AS event(position bigint, time timestamptz, id uuid)
WHERE certificates.id = event.id
