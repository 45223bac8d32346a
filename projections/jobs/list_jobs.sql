-- Jobs, newest first. $1: cursor or null, $2: how many; each of these or null: $3 status (pending, sent, error), $4 issuance id
SELECT * FROM jobs
WHERE created_position < coalesce($1::bigint, 9223372036854775807)
    AND ($3::text IS NULL OR status = $3::text)
    AND ($4::uuid IS NULL OR issuance_id = $4::uuid)
ORDER BY created_position DESC
LIMIT $2::bigint
