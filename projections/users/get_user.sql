-- One user, and whether there is a second factor. $1: id
SELECT users.*, second_factors.position AS second_factor_position
FROM users LEFT JOIN second_factors ON second_factors.user_id = users.id
WHERE users.id = $1
