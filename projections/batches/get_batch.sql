-- One batch and how far it is: the issuances that it made, and the latest mail about each. $1: id
SELECT batches.*, progress.*
FROM batches,
    LATERAL (
        SELECT
            count(*) AS issued,
            count(*) FILTER (WHERE issuances.generated_at IS NOT NULL) AS generated,
            count(*) FILTER (WHERE issuances.state = 'failed') AS generation_failed,
            count(*) FILTER (WHERE issuances.state = 'revoked') AS revoked,
            count(*) FILTER (WHERE issuances.state IN ('requested', 'failed')) AS without_pdf,
            count(*) FILTER (WHERE mail.status = 'pending') AS mails_pending,
            count(*) FILTER (WHERE mail.status = 'sent') AS mails_sent,
            count(*) FILTER (WHERE mail.status = 'error') AS mails_failed,
            count(*) FILTER (WHERE mail.status = 'cancelled') AS mails_cancelled
        FROM issuances
        LEFT JOIN LATERAL (
            SELECT jobs.status FROM jobs
            WHERE jobs.issuance_id = issuances.id
            ORDER BY jobs.created_position DESC
            LIMIT 1
        ) AS mail ON true
        WHERE issuances.batch_id = batches.id
    ) AS progress
WHERE batches.id = $1
