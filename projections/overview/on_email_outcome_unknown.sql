-- row key: id
-- Nobody knows whether the mail went out.
INSERT INTO overview_troubles (id, kind)
SELECT event.id, 'mail_unknown' FROM jsonb_to_recordset($1) AS event(id uuid)
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind
