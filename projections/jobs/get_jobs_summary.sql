-- How many jobs there are by what the API calls their status, and when one was last tried.
-- Reads the overview's counts, which move together with the jobs: counting a million rows is slow.
SELECT total, total - sent - error AS pending, sent, error, last_processed
FROM (
    SELECT
        coalesce((SELECT count FROM overview_counts WHERE name = 'mails'), 0)::bigint AS total,
        coalesce((SELECT count FROM overview_counts WHERE name = 'mails_sent'), 0)::bigint AS sent,
        (SELECT count(*) FROM overview_troubles WHERE kind IN ('mail_failed', 'mail_unknown')) AS error,
        (
            SELECT attempted_at FROM jobs
            WHERE attempted_at IS NOT NULL
            ORDER BY attempted_at DESC
            LIMIT 1
        ) AS last_processed
) AS counted
