-- Number of jobs by stage, and time of the last attempt.
-- Those that were sent are counted by the overview, which moves together with the jobs: counting a million
-- rows is slow. All others are few, and counted in their index.
SELECT
    sent + unsent AS total, sent, queued, claimed, retrying, failed, unknown, held, scheduled, cancelled,
    (
        SELECT attempted_at FROM jobs
        WHERE attempted_at IS NOT NULL
        ORDER BY attempted_at DESC
        LIMIT 1
    ) AS last_processed
FROM (
    SELECT coalesce((SELECT count FROM overview_counts WHERE name = 'mails_sent'), 0)::bigint AS sent
) AS ended
CROSS JOIN (
    SELECT
        count(*) AS unsent,
        count(*) FILTER (WHERE stage = 'queued') AS queued,
        count(*) FILTER (WHERE stage = 'claimed') AS claimed,
        count(*) FILTER (WHERE stage = 'retrying') AS retrying,
        count(*) FILTER (WHERE stage = 'failed') AS failed,
        count(*) FILTER (WHERE stage = 'unknown') AS unknown,
        count(*) FILTER (WHERE stage = 'held') AS held,
        count(*) FILTER (WHERE stage = 'scheduled') AS scheduled,
        count(*) FILTER (WHERE stage = 'cancelled') AS cancelled
    FROM jobs
    WHERE stage <> 'sent'
) AS counted
