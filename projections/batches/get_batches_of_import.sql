-- The batches of an import and their progress, oldest first. $1: import, $2: at most so many
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
WHERE batches.import_id = $1
ORDER BY batches.created_position
LIMIT $2
