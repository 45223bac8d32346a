-- row key: id
-- Somebody wants the rows still to come to be left.
UPDATE imports SET
    state = CASE WHEN imports.ended_at IS NULL THEN 'cancelling' ELSE imports.state END,
    updated_at = event.time,
    position = event.position
FROM event
WHERE imports.id = event.id
