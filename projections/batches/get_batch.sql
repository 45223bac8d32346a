-- One batch, and the counts of its issuances and of the last mail about each. $1: id
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
WHERE batches.id = $1
