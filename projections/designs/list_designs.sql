-- Designs, newest first. $1: cursor or null, $2: how many, $3: the client as its folder is called, null for all
SELECT * FROM designs
WHERE NOT is_deleted
    AND created_position < coalesce($1::bigint, 9223372036854775807)
    AND ($3::text IS NULL OR folder = $3::text)
ORDER BY created_position DESC
LIMIT $2::bigint
