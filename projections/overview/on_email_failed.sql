-- row key: id
-- A mail was given up; one that is tried again by itself is no trouble yet.
WITH retrying AS (
    DELETE FROM overview_troubles
    USING event
    WHERE overview_troubles.id = event.id AND event.data ->> 'retryAt' IS NOT NULL
)
INSERT INTO overview_troubles (id, kind, position)
SELECT event.id, 'mail_failed', event.position FROM event
WHERE event.data ->> 'retryAt' IS NULL
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, position = excluded.position
