-- Jobs that wait for a timer, with the position of their last event, in order of due time. $1 and $2: time and id of the last known one,
-- or null; $3: maximum number
SELECT id, due_at, position FROM jobs
WHERE due_at IS NOT NULL AND ($1::timestamptz IS NULL OR (due_at, id) > ($1::timestamptz, $2::uuid))
ORDER BY due_at, id
LIMIT $3::bigint
