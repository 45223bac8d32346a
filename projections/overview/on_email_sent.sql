-- row key: none, adds up
-- Mails that a server took; nothing happens to them after.
INSERT INTO overview_counts (name, count)
SELECT 'mails_sent', count(*)
FROM jsonb_to_recordset($1) AS event(position bigint)
GROUP BY 1
ON CONFLICT (name) DO UPDATE SET count = overview_counts.count + excluded.count
