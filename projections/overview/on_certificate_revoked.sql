-- row key: id
-- One more that doesn't count any more; what it failed at is no trouble then.
WITH settled AS (
    DELETE FROM overview_troubles USING event WHERE overview_troubles.id = event.id
)
INSERT INTO overview_counts (name, count, position)
SELECT 'issuances_revoked', count(*), max(event.position) FROM event
GROUP BY 1
ON CONFLICT (name) DO UPDATE SET
    count = overview_counts.count + excluded.count,
    position = greatest(overview_counts.position, excluded.position)
