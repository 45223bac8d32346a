-- row key: none, adds up
-- Certificates defined.
INSERT INTO overview_counts (name, count)
SELECT 'certificates', count(*)
FROM jsonb_to_recordset($1) AS event(position bigint)
GROUP BY 1
ON CONFLICT (name) DO UPDATE SET count = overview_counts.count + excluded.count
