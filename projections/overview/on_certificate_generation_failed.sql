-- row key: id
-- No PDF could be made, for now.
INSERT INTO overview_troubles (id, kind)
SELECT event.id, 'issuance_failed' FROM jsonb_to_recordset($1) AS event(id uuid)
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind
