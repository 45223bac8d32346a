-- row key: id
-- Somebody wants another try: not a trouble until it fails again.
DELETE FROM overview_troubles
USING jsonb_to_recordset($1) AS event(id uuid)
WHERE overview_troubles.id = event.id
