-- The batches of an import and their progress, oldest first. $1: import, $2: at most so many
SELECT
    batches.*,
    coalesce(made.issued, 0) AS issued,
    coalesce(made.generated, 0) AS generated,
    coalesce(made.failed, 0) AS generation_failed,
    coalesce(made.revoked, 0) AS revoked,
    coalesce(made.without_pdf, 0) AS without_pdf,
    coalesce(mails.pending, 0) AS mails_pending,
    coalesce(mails.sent, 0) AS mails_sent,
    coalesce(mails.failed, 0) AS mails_failed,
    coalesce(mails.cancelled, 0) AS mails_cancelled
FROM batches
LEFT JOIN batch_issuances AS made ON made.batch_id = batches.id
LEFT JOIN batch_mails AS mails ON mails.batch_id = batches.id
WHERE batches.import_id = $1
ORDER BY batches.created_position
LIMIT $2
