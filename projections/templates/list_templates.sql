-- Templates, newest first. $1: cursor or null, $2: how many
SELECT * FROM templates
WHERE NOT is_retired
    AND created_position < coalesce($1::bigint, 9223372036854775807)
ORDER BY created_position DESC
LIMIT $2::bigint
