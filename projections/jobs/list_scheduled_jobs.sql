-- Jobs that wait for a timer, each with its last event; those due first. $1: after this time and id or null, $2: id, $3: how many
SELECT id, due_at, position FROM jobs
WHERE due_at IS NOT NULL AND ($1::timestamptz IS NULL OR (due_at, id) > ($1::timestamptz, $2::uuid))
ORDER BY due_at, id
LIMIT $3::bigint
