-- row key: id
-- Nobody knows whether the mail went out.
INSERT INTO overview_troubles (id, kind, position)
SELECT event.id, 'mail_unknown', event.position FROM event
WHERE event.data ->> 'retryAt' IS NULL
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, position = excluded.position
