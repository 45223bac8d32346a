-- row key: id
-- Somebody wants another try: not a trouble until it fails again.
DELETE FROM overview_troubles
USING event
WHERE overview_troubles.id = event.id
