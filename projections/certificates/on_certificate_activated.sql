-- row key: id
-- New issuances are allowed again.
UPDATE certificates SET is_active = true, updated_at = event.time, position = event.position
FROM event
WHERE certificates.id = event.id
