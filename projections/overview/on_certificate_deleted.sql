-- row key: none, adds up
-- One less of them.
INSERT INTO overview_counts (name, count, position)
SELECT 'certificates', -count(*), max(event.position) FROM event
GROUP BY 1
ON CONFLICT (name) DO UPDATE SET
    count = overview_counts.count + excluded.count,
    position = greatest(overview_counts.position, excluded.position)
