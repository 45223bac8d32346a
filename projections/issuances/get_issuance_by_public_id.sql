-- The issuance that the public knows by this id, and whether a mail about it was sent. $1: public id
SELECT issuances.*, 0::bigint AS mails_position, EXISTS (
    SELECT FROM jobs WHERE jobs.issuance_id = issuances.id AND jobs.status = 'sent'
) AS is_sent
FROM issuances
WHERE issuances.public_id = $1
