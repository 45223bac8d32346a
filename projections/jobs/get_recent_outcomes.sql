-- What became of the jobs that were last tried since a time. $1: the time
SELECT
    count(*) FILTER (WHERE stage = 'sent') AS sent,
    count(*) FILTER (WHERE stage IN ('failed', 'unknown')) AS failed
FROM jobs
WHERE attempted_at >= $1
