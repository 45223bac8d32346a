-- One issuance, whether a mail about it was sent, and the last event of such mails. $1: id
SELECT issuances.*, coalesce((
    SELECT max(jobs.position) FROM jobs WHERE jobs.issuance_id = issuances.id
), 0) AS mails_position, EXISTS (
    SELECT FROM jobs WHERE jobs.issuance_id = issuances.id AND jobs.status = 'sent'
) AS is_sent
FROM issuances
WHERE issuances.id = $1
