-- Outcomes since a time: attempts of sent jobs, and ends of the others, also without an attempt. $1: the time
SELECT
    (SELECT count(*) FROM jobs WHERE attempted_at >= $1 AND stage = 'sent') AS sent,
    (
        SELECT count(*) FROM jobs
        WHERE stage <> 'sent' AND stage IN ('failed', 'unknown') AND updated_at >= $1
    ) AS failed
