-- row key: id
-- No PDF could be made, for now.
INSERT INTO overview_troubles (id, kind, position)
SELECT event.id, 'issuance_failed', event.position FROM event
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, position = excluded.position
