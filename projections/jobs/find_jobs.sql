-- The oldest jobs that meet a filter. $1: how many; each of these or null: $2 status (pending, sent, error),
-- $3 stages, $4 issuance id, $5 certificate id, $6 batch id, $7 queued at or after, $8 queued before
SELECT id FROM jobs
WHERE ($2::text IS NULL OR status = $2::text)
    AND ($3::text[] IS NULL OR stage = ANY ($3::text[]))
    AND ($4::uuid IS NULL OR issuance_id = $4::uuid)
    AND ($5::uuid IS NULL OR issuance_id IN (SELECT id FROM issuances WHERE certificate_id = $5::uuid))
    AND ($6::uuid IS NULL OR issuance_id IN (SELECT id FROM issuances WHERE batch_id = $6::uuid))
    AND ($7::timestamptz IS NULL OR created_at >= $7::timestamptz)
    AND ($8::timestamptz IS NULL OR created_at < $8::timestamptz)
ORDER BY created_position
LIMIT $1::bigint
