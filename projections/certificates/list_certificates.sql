-- Certificates, newest first. $1: cursor or null, $2: how many, $3: only active (true), only inactive (false), null for all
SELECT * FROM certificates
WHERE created_position < coalesce($1::bigint, 9223372036854775807)
    AND ($3::boolean IS NULL OR is_active = $3::boolean)
ORDER BY created_position DESC
LIMIT $2::bigint
