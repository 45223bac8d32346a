-- row key: none, adds up
-- Mails, in whatever state.
INSERT INTO overview_counts (name, count)
SELECT 'mails', count(*)
FROM jsonb_to_recordset($1) AS event(position bigint)
GROUP BY 1
ON CONFLICT (name) DO UPDATE SET count = overview_counts.count + excluded.count
