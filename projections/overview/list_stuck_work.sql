-- Work that should be under way or done and isn't, although its worker has acknowledged the event: the worker, the id,
-- the position of the event, and true if somebody wants the work to be stopped.
-- $1: unchanged since, $2: at most so many per worker, $3 to $6: position up to which renderer, importer, processes and
-- mailer have acknowledged everything
(
    SELECT 'renderer' AS worker, id, created_position AS position, false AS is_stopping
    FROM issuances
    WHERE state = 'requested' AND created_position <= $3 AND updated_at < $1
    ORDER BY created_position LIMIT $2
)
UNION ALL
(
    SELECT 'importer', id, created_position, state = 'cancelling'
    FROM imports
    WHERE state IN ('requested', 'running', 'cancelling') AND created_position <= $4 AND updated_at < $1
    ORDER BY created_position LIMIT $2
)
UNION ALL
(
    -- The dispatch, or after it the stop.
    SELECT
        'processes', id, CASE WHEN requested IS NULL THEN created_position ELSE position END,
        state IN ('cancelling', 'undoing')
    FROM batches
    WHERE state IN ('requested', 'cancelling', 'undoing') AND created_position <= $5 AND updated_at < $1
    ORDER BY created_position LIMIT $2
)
UNION ALL
(
    -- Certificates without a mail, among the last changes.
    SELECT 'processes', id, position, false
    FROM issuances
    WHERE state = 'generated' AND position BETWEEN $5 - 500000 AND $5 AND updated_at < $1
        AND NOT EXISTS (SELECT FROM jobs WHERE jobs.issuance_id = issuances.id)
    ORDER BY position LIMIT $2
)
UNION ALL
(
    SELECT 'mailer', id, position, false
    FROM jobs
    WHERE stage = 'queued' AND position <= $6 AND updated_at < $1
    ORDER BY created_position LIMIT $2
)
UNION ALL
(
    SELECT 'mailer', id, created_position, false
    FROM jobs
    WHERE stage = 'claimed' AND position <= $6 AND updated_at < $1
    ORDER BY created_position LIMIT $2
)
