-- row key: id
-- Somebody has dealt with it: a trouble no longer, if it was one.
DELETE FROM overview_troubles
USING event
WHERE overview_troubles.id = event.id
