-- Work that has made no progress since $1, although its worker has acknowledged the event: the worker, and kind and id of
-- the aggregate, oldest first.
-- $1: unchanged since, $2: most rows of each kind, $3 to $6: positions up to which renderer, importer, processes and
-- mailer have acknowledged all events
(
    SELECT 'renderer' AS worker, 'issuance' AS aggregate, id
    FROM issuances
    WHERE state = 'requested' AND created_position <= $3 AND updated_at < $1
    ORDER BY created_position LIMIT $2
)
UNION ALL
(
    SELECT 'importer', 'import', id
    FROM imports
    WHERE state IN ('requested', 'running', 'cancelling') AND created_position <= $4 AND updated_at < $1
    ORDER BY created_position LIMIT $2
)
UNION ALL
(
    SELECT 'processes', 'batch', id
    FROM batches
    WHERE state IN ('requested', 'cancelling', 'undoing') AND created_position <= $5 AND updated_at < $1
    ORDER BY created_position LIMIT $2
)
UNION ALL
(
    -- Certificates without a mail, among the last changes.
    SELECT 'processes', 'issuance', id
    FROM issuances
    WHERE state = 'generated' AND position BETWEEN $5 - 500000 AND $5 AND updated_at < $1
        AND NOT EXISTS (SELECT FROM jobs WHERE jobs.issuance_id = issuances.id)
    ORDER BY position LIMIT $2
)
UNION ALL
(
    SELECT 'mailer', 'mail', id
    FROM jobs
    WHERE stage IN ('queued', 'claimed') AND position <= $6 AND updated_at < $1
    ORDER BY created_position LIMIT $2
)
