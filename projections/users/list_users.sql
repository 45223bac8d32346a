-- Users, newest first. $1: cursor or null, $2: how many, $3: role or null, $4: whether active, or null
SELECT users.*, second_factors.position AS second_factor_position
FROM users LEFT JOIN second_factors ON second_factors.user_id = users.id
WHERE created_position < coalesce($1::bigint, 9223372036854775807)
    AND ($3::text IS NULL OR role = $3::text)
    AND ($4::boolean IS NULL OR is_active = $4::boolean)
ORDER BY created_position DESC
LIMIT $2::bigint
