-- Issuances, newest first, and whether a mail about each was sent.
-- $1: cursor or null, $2: how many; each of these or null: $3 certificate id, $4 attendee id, $5 state, $6 batch id
SELECT issuances.*, EXISTS (
    SELECT FROM jobs WHERE jobs.issuance_id = issuances.id AND jobs.status = 'sent'
) AS is_sent
FROM issuances
WHERE issuances.created_position < coalesce($1::bigint, 9223372036854775807)
    AND ($3::uuid IS NULL OR issuances.certificate_id = $3::uuid)
    AND ($4::uuid IS NULL OR issuances.attendee_id = $4::uuid)
    AND ($5::text IS NULL OR issuances.state = $5::text)
    AND ($6::uuid IS NULL OR issuances.batch_id = $6::uuid)
ORDER BY issuances.created_position DESC
LIMIT $2::bigint
