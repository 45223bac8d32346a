-- One issuance, and whether a mail about it was sent. $1: id
SELECT issuances.*, EXISTS (
    SELECT FROM jobs WHERE jobs.issuance_id = issuances.id AND jobs.status = 'sent'
) AS is_sent
FROM issuances
WHERE issuances.id = $1
