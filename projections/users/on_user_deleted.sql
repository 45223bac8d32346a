-- row key: id
-- The user is gone.
DELETE FROM users
USING event
WHERE users.id = event.id
