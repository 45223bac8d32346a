-- row key: id
-- The password alone is not enough any more.
INSERT INTO second_factors (user_id, position)
SELECT event.id, event.position
FROM event
ON CONFLICT (user_id) DO UPDATE SET position = excluded.position
