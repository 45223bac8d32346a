-- row key: id
-- A mail was given up; one that is tried again by itself is no trouble yet.
INSERT INTO overview_troubles (id, kind, position)
SELECT event.id, 'mail_failed', event.position FROM event
WHERE NOT (event.data ->> 'willRetry')::boolean
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, position = excluded.position
