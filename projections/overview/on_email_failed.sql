-- row key: id
-- A mail was given up; one that is tried again by itself is no trouble yet.
INSERT INTO overview_troubles (id, kind)
SELECT event.id, 'mail_failed' FROM jsonb_to_recordset($1) AS event(id uuid, data jsonb)
WHERE NOT (event.data ->> 'willRetry')::boolean
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind
