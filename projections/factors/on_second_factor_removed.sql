-- row key: id
-- The password alone is enough again.
DELETE FROM second_factors
USING event
WHERE second_factors.user_id = event.id
