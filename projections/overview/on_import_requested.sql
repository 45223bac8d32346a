-- row key: none, adds up
-- Files of people.
INSERT INTO overview_counts (name, count)
SELECT 'imports', count(*)
FROM jsonb_to_recordset($1) AS event(position bigint)
GROUP BY 1
ON CONFLICT (name) DO UPDATE SET count = overview_counts.count + excluded.count
