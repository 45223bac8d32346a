-- Jobs, newest first. $1: cursor or null, $2: how many; each of these or null: $3 status (pending, sent, error),
-- $4 stages, $5 issuance id, $6 certificate id, $7 batch id, $8 queued at or after, $9 queued before
SELECT * FROM jobs
WHERE created_position < coalesce($1::bigint, 9223372036854775807)
    AND ($3::text IS NULL OR status = $3::text)
    AND ($4::text[] IS NULL OR stage = ANY ($4::text[]))
    AND ($5::uuid IS NULL OR issuance_id = $5::uuid)
    AND ($6::uuid IS NULL OR issuance_id IN (SELECT id FROM issuances WHERE certificate_id = $6::uuid))
    AND ($7::uuid IS NULL OR issuance_id IN (SELECT id FROM issuances WHERE batch_id = $7::uuid))
    AND ($8::timestamptz IS NULL OR created_at >= $8::timestamptz)
    AND ($9::timestamptz IS NULL OR created_at < $9::timestamptz)
ORDER BY created_position DESC
LIMIT $2::bigint
