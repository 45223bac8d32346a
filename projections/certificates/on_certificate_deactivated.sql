-- row key: id
-- New issuances are refused from now on.
UPDATE certificates SET is_active = false, updated_at = event.time, position = event.position
FROM event
WHERE certificates.id = event.id
