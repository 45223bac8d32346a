-- Certificates that count and have a PDF, newest first: of one certificate, or of all that a theme draws.
-- $1: the certificate or null, $2: the theme or null, $3: cursor or null, $4: how many
SELECT issuances.id, issuances.created_position
FROM issuances JOIN certificates ON certificates.id = issuances.certificate_id
WHERE issuances.state = 'generated'
    AND ($1::uuid IS NULL OR issuances.certificate_id = $1::uuid)
    AND ($2::text IS NULL OR certificates.theme = $2::text)
    AND issuances.created_position < coalesce($3::bigint, 9223372036854775807)
ORDER BY issuances.created_position DESC
LIMIT $4::bigint
