-- row key: id
-- Mails that a server took; nothing happens to them after. An unknown outcome is no trouble any longer.
WITH known AS (
    DELETE FROM overview_troubles
    USING event
    WHERE overview_troubles.id = event.id
)
INSERT INTO overview_counts (name, count, position)
SELECT 'mails_sent', count(*), max(event.position) FROM event
GROUP BY 1
ON CONFLICT (name) DO UPDATE SET
    count = overview_counts.count + excluded.count,
    position = greatest(overview_counts.position, excluded.position)
