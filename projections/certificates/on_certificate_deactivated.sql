-- row key: id
-- New issuances are refused from now on.
UPDATE certificates SET is_active = false, updated_at = event.time, position = event.position
FROM jsonb_to_recordset($1) AS event(position bigint, time timestamptz, id uuid)
WHERE certificates.id = event.id
