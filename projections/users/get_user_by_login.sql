-- The user of this user name or e-mail address, whatever the case; a user name goes first. $1: what was typed
SELECT users.*, second_factors.position AS second_factor_position
FROM users LEFT JOIN second_factors ON second_factors.user_id = users.id
WHERE lower(user_name) = lower($1) OR lower(email) = lower($1)
ORDER BY (lower(user_name) = lower($1)) DESC, created_position
LIMIT 1
