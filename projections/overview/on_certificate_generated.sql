-- row key: id
-- One more PDF, and one trouble less if it had failed before.
WITH events AS (
    SELECT event.id FROM jsonb_to_recordset($1) AS event(id uuid)
),
settled AS (
    DELETE FROM overview_troubles USING events WHERE overview_troubles.id = events.id
)
INSERT INTO overview_counts (name, count)
SELECT 'issuances_generated', count(*) FROM events
GROUP BY 1
ON CONFLICT (name) DO UPDATE SET count = overview_counts.count + excluded.count
